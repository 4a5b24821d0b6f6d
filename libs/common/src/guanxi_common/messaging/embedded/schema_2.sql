-- Version 2: who may append to which topic, and whose reading positions are whose. Rights are given by rights.py; the log's owner, and
-- whoever is a member of its role, may do everything, as before.

CREATE TABLE writer (
    role name NOT NULL,
    topic_id integer NOT NULL REFERENCES topic,
    PRIMARY KEY (role, topic_id)
);
CREATE TABLE reader (
    role name PRIMARY KEY,
    group_prefix text NOT NULL
);

-- As before, and refused where the caller is no writer of a topic. Nobody but the owner has a right on the tables themselves.
CREATE OR REPLACE FUNCTION append(
    logs integer[], counts integer[], slots integer[], ranks integer[], keys bytea[], "values" bytea[], headers bytea[]
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    owns boolean := pg_has_role(session_user, current_user, 'USAGE');
    bases bigint[] := '{}';
    base bigint;
    appended_ms bigint;
BEGIN
    FOR i IN 1 .. cardinality(logs) LOOP
        UPDATE log SET next_offset = next_offset + counts[i] WHERE id = logs[i]
            AND (owns OR EXISTS (SELECT FROM writer WHERE writer.role = session_user AND writer.topic_id = log.topic_id))
            RETURNING next_offset - counts[i] INTO base;
        IF NOT FOUND THEN
            RAISE insufficient_privilege USING MESSAGE = format('%s does not write to the topic of log %s', session_user, logs[i]);
        END IF;
        bases := bases || base;
    END LOOP;
    appended_ms := now_ms();
    INSERT INTO record (log_id, record_offset, key, value, headers, timestamp_ms)
    SELECT logs[b.slot], bases[b.slot] + b.rank, b.key, b.value, b.headers, appended_ms
    FROM unnest(slots, ranks, keys, "values", headers) AS b (slot, rank, key, value, headers);
END $$;

-- Retention and compaction, as the topics say: whoever calls deletes nothing else. Each returns how many records it deleted.
-- `expire` looks at the oldest only: a partition's timestamps grow with its offsets.
CREATE FUNCTION expire(the_log integer, batch integer) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH gone AS (
        DELETE FROM record USING (
            SELECT record_offset AS last, record.timestamp_ms, topic.retention_ms
            FROM record JOIN log ON log.id = record.log_id JOIN topic ON topic.id = log.topic_id
            WHERE record.log_id = the_log AND topic.cleanup = 'delete' ORDER BY record_offset LIMIT batch
        ) AS oldest
        WHERE log_id = the_log AND record_offset = oldest.last AND oldest.timestamp_ms < now_ms() - oldest.retention_ms
        RETURNING 1
    )
    SELECT count(*) FROM gone
$$;
CREATE FUNCTION compact(the_log integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    begun bigint;
    ended bigint;
    deleted bigint;
BEGIN
    SELECT compacted_to, next_offset INTO begun, ended FROM log JOIN topic ON topic.id = topic_id
    WHERE log.id = the_log AND cleanup = 'compact';
    IF NOT FOUND OR begun = ended THEN
        RETURN 0;
    END IF;
    DELETE FROM record USING (
        SELECT key, max(record_offset) AS last FROM record
        WHERE log_id = the_log AND record_offset >= begun AND record_offset < ended GROUP BY key
    ) AS newest
    WHERE record.log_id = the_log AND record.key = newest.key AND record.record_offset < newest.last;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    UPDATE log SET compacted_to = ended WHERE id = the_log;
    RETURN deleted;
END $$;
CREATE FUNCTION forget(the_log integer, tombstones_kept_ms bigint) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH gone AS (
        DELETE FROM record USING log JOIN topic ON topic.id = log.topic_id
        WHERE log.id = the_log AND topic.cleanup = 'compact' AND log_id = the_log AND record_offset < next_offset AND value IS NULL
            AND timestamp_ms < now_ms() - CASE WHEN pg_has_role(session_user, current_user, 'USAGE') THEN tombstones_kept_ms
                ELSE greatest(tombstones_kept_ms, 86400000) END
        RETURNING 1
    )
    SELECT count(*) FROM gone
$$;

-- A member moves its own group's positions and no other's.
ALTER TABLE consumer_group ENABLE ROW LEVEL SECURITY;
ALTER TABLE member ENABLE ROW LEVEL SECURITY;
ALTER TABLE lease ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_group ON consumer_group USING (starts_with(name, (SELECT group_prefix FROM reader WHERE role = session_user)));
CREATE POLICY own_group ON member USING (starts_with(group_name, (SELECT group_prefix FROM reader WHERE role = session_user)));
CREATE POLICY own_group ON lease USING (starts_with(group_name, (SELECT group_prefix FROM reader WHERE role = session_user)));

UPDATE schema_version SET version = 2;
