"""The inbox's statements. Each takes arrays, so that a batch costs no more round trips than an event."""

ADMIT = """
INSERT INTO inbox_event (consumer, event_id, payload_hash)
SELECT $1, id, hash FROM unnest($2::uuid[], $3::bigint[]) AS e (id, hash) ON CONFLICT DO NOTHING RETURNING event_id
"""
HASHES = "SELECT event_id, payload_hash FROM inbox_event WHERE consumer = $1 AND event_id = ANY($2::uuid[])"

OPEN = "SELECT topic, key FROM dead_letter WHERE consumer = $1 AND resolved_at IS NULL AND key IS NOT NULL"
BEHIND = "SELECT topic, key FROM inbox_parked WHERE consumer = $1 AND reason = 'behind'"

VERSIONS = """
SELECT v.topic, v.key, v.epoch, v.version FROM inbox_version AS v
JOIN unnest($2::text[], $3::text[]) AS k (topic, key) ON v.topic = k.topic AND v.key = k.key WHERE v.consumer = $1
"""
WAITING = """
SELECT p.id, p.record FROM inbox_parked AS p
JOIN unnest($2::text[], $3::text[]) AS k (topic, key) ON p.topic = k.topic AND p.key = k.key
WHERE p.consumer = $1 AND p.reason = 'gap'
"""
RAISE_VERSIONS = """
UPDATE inbox_version AS v SET epoch = n.epoch, version = n.version
FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
     AS n (topic, key, stored_epoch, stored, epoch, version)
WHERE v.consumer = $1 AND v.topic = n.topic AND v.key = n.key AND v.epoch = n.stored_epoch AND v.version = n.stored
"""
FIRST_VERSIONS = """
INSERT INTO inbox_version (consumer, topic, key, epoch, version)
SELECT $1, topic, key, epoch, version
FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[]) AS n (topic, key, epoch, version)
ON CONFLICT DO NOTHING
"""
PARK = """
INSERT INTO inbox_parked (consumer, topic, key, event_id, type, epoch, version, reason, record)
SELECT $1, p.topic, p.key, p.event_id, p.type, p.epoch, p.version, p.reason, p.record
FROM unnest($2::text[], $3::text[], $4::uuid[], $5::text[], $6::bigint[], $7::bigint[], $8::text[], $9::bytea[])
     WITH ORDINALITY AS p (topic, key, event_id, type, epoch, version, reason, record, place) ORDER BY p.place
"""
PARK_AGAIN = """
UPDATE inbox_parked AS p SET reason = n.reason FROM unnest($1::bigint[], $2::text[]) AS n (id, reason) WHERE p.id = n.id
"""
UNPARK = "DELETE FROM inbox_parked WHERE id = ANY($1::bigint[])"
# A letter that was settled is open again where a rebuild reads its record and fails once more.
_REOPEN = """
ON CONFLICT (consumer, topic, partition, "offset", md5(record)) DO UPDATE
SET key = excluded.key, event_id = excluded.event_id, type = excluded.type, version = excluded.version,
    reason = excluded.reason, error = excluded.error, attempts = dead_letter.attempts + 1, made_at = now(), failed_at = now(),
    requested_at = NULL, requested_by = NULL, resolved_at = NULL, resolution = NULL, resolved_by = NULL
WHERE dead_letter.resolved_at IS NOT NULL
"""
BURY = f"""
INSERT INTO dead_letter (id, consumer, topic, partition, "offset", key, event_id, type, version, record, reason, error)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) {_REOPEN}
"""  # noqa: S608  # a part of our own
BLOCKED = f"({OPEN} UNION {BEHIND})"
MOVE = """
WITH step AS (
    SELECT * FROM unnest($2::text[], $3::integer[], $4::bigint[], $5::bigint[]) AS s (topic, partition, before, after)
), moved AS (
    UPDATE consumer_position AS p SET position = step.after, moved_at = now(),
        replay_until = CASE WHEN p.replay_until > step.after THEN p.replay_until END FROM step
    WHERE p.consumer = $1 AND p.topic = step.topic AND p.partition = step.partition AND p.position = step.before RETURNING 1
), begun AS (
    INSERT INTO consumer_position (consumer, topic, partition, position)
    SELECT $1, topic, partition, after FROM step WHERE before IS NULL ON CONFLICT DO NOTHING RETURNING 1
)
SELECT NULL AS topic, ((SELECT count(*) FROM moved) + (SELECT count(*) FROM begun))::text AS key
"""
STANDINGS = """
SELECT topic, partition, position, since IS NOT NULL AND resumed_at IS NULL AS paused
FROM consumer_position LEFT JOIN partition_pause USING (consumer, topic, partition) WHERE consumer = $1
"""
READ_AGAIN = "SELECT topic, partition, replay_until FROM consumer_position WHERE consumer = $1 AND replay_until IS NOT NULL"
END_READ_AGAIN = """
UPDATE consumer_position AS p SET replay_until = NULL, read_until = NULL
FROM unnest($2::text[], $3::integer[]) AS anew (topic, partition)
WHERE p.consumer = $1 AND p.topic = anew.topic AND p.partition = anew.partition
"""
HELD = """
SELECT r.topic, r.partition, r."offset"
FROM unnest($2::text[], $3::integer[], $4::bigint[], $5::text[], $6::uuid[]) AS r (topic, partition, "offset", key, event_id)
WHERE EXISTS (
    SELECT FROM dead_letter AS d WHERE d.consumer = $1 AND d.topic = r.topic AND d.partition = r.partition
        AND d."offset" = r."offset" AND (d.event_id = r.event_id OR d.event_id IS NULL) AND d.resolution IS DISTINCT FROM 'replayed')
OR EXISTS (
    SELECT FROM inbox_parked AS p WHERE p.consumer = $1 AND p.topic = r.topic AND p.key = r.key AND p.event_id = r.event_id)
"""
ALLOWANCES = """
SELECT p.topic, p.partition, coalesce(q."limit", $4) - (
    SELECT count(*) FROM dead_letter AS d
    WHERE d.consumer = $1 AND d.topic = p.topic AND d.partition = p.partition
        AND d.resolved_at IS NULL AND d.made_at > now() - $5::interval)
FROM unnest($2::text[], $3::integer[]) AS p (topic, partition)
LEFT JOIN partition_pause AS q
    ON q.consumer = $1 AND q.topic = p.topic AND q.partition = p.partition AND q.resumed_at > now() - $5::interval
"""
PAUSE = """
INSERT INTO partition_pause (consumer, topic, partition, reason, "limit")
SELECT $1, p.topic, p.partition, $4, coalesce(q."limit", $5) FROM unnest($2::text[], $3::integer[]) AS p (topic, partition)
LEFT JOIN partition_pause AS q
    ON q.consumer = $1 AND q.topic = p.topic AND q.partition = p.partition AND q.resumed_at > now() - $6::interval
ON CONFLICT (consumer, topic, partition) DO UPDATE
SET since = now(), reason = excluded.reason, "limit" = excluded."limit", resumed_at = NULL, resumed_by = NULL
"""
BURY_BARE = f"""
INSERT INTO dead_letter (id, consumer, topic, partition, "offset", record, reason, error)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) {_REOPEN}
"""  # noqa: S608  # a part of our own
LOCK_REPLAYS = "SELECT pg_try_advisory_xact_lock(hashtext('guanxi replay'), hashtext($1))"
REPLAYS = """
SELECT id, record, key IS NOT NULL FROM dead_letter WHERE consumer = $1 AND resolved_at IS NULL AND requested_at IS NOT NULL
ORDER BY requested_at LIMIT $2
"""
RELEASABLE = """
SELECT p.topic, p.key FROM inbox_parked AS p
WHERE p.consumer = $1 AND (p.reason = 'behind' OR EXISTS (
    SELECT FROM inbox_version AS v WHERE v.consumer = $1 AND v.topic = p.topic AND v.key = p.key
        AND (v.epoch, v.version + 1) >= (p.epoch, p.version)
)) AND NOT EXISTS (
    SELECT FROM dead_letter AS d WHERE d.consumer = $1 AND d.topic = p.topic AND d.key = p.key AND d.resolved_at IS NULL)
GROUP BY p.topic, p.key ORDER BY min(p.id) LIMIT 1
"""
PARKED = """
SELECT id, record FROM inbox_parked WHERE consumer = $1 AND topic = $2 AND key = $3 ORDER BY epoch, version NULLS LAST, id
LIMIT $4
"""
REPLAYED = """
UPDATE dead_letter SET resolved_at = now(), resolution = 'replayed', resolved_by = requested_by WHERE id = $1
"""
REPLAY_FAILED = """
UPDATE dead_letter SET requested_at = NULL, attempts = attempts + 1, failed_at = now(), reason = $2, error = $3 WHERE id = $1
"""
PURGE = """
DELETE FROM inbox_event WHERE ctid IN (SELECT ctid FROM inbox_event WHERE seen_at < $1 LIMIT $2)
"""
