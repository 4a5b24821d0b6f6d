-- The durable log. Installed by database.py under an advisory lock; version 1, which schema_2.sql brings to version 2.

CREATE TABLE schema_version (version integer NOT NULL);
INSERT INTO schema_version VALUES (1);

CREATE TABLE topic (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    partitions integer NOT NULL CHECK (partitions > 0),
    cleanup text NOT NULL CHECK (cleanup IN ('delete', 'compact')),
    retention_ms bigint
);

-- One row per partition. Whoever appends holds this row's lock until commit, so offsets become visible in order.
-- The free space keeps the updates of next_offset on their page.
CREATE TABLE log (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic_id integer NOT NULL REFERENCES topic,
    partition integer NOT NULL,
    next_offset bigint NOT NULL DEFAULT 0,
    compacted_to bigint NOT NULL DEFAULT 0,
    UNIQUE (topic_id, partition)
) WITH (fillfactor = 20);

CREATE TABLE record (
    log_id integer NOT NULL,
    record_offset bigint NOT NULL,
    key bytea NOT NULL,
    value bytea,
    headers bytea NOT NULL,
    timestamp_ms bigint NOT NULL,
    PRIMARY KEY (log_id, record_offset)
);
CREATE INDEX record_tombstone ON record (log_id, record_offset) WHERE value IS NULL;

CREATE TABLE consumer_group (
    name text PRIMARY KEY,
    generation bigint NOT NULL DEFAULT 0
);

CREATE TABLE member (
    id uuid PRIMARY KEY,
    group_name text NOT NULL REFERENCES consumer_group,
    topic_ids integer[] NOT NULL,
    lease_until timestamptz NOT NULL
);
CREATE INDEX member_group ON member (group_name);

-- Who may read a partition for a group, and how far the group has got. The epoch grows with each change of hands.
CREATE TABLE lease (
    group_name text NOT NULL REFERENCES consumer_group,
    log_id integer NOT NULL REFERENCES log,
    member_id uuid,
    epoch bigint NOT NULL DEFAULT 0,
    committed bigint,
    PRIMARY KEY (group_name, log_id)
) WITH (fillfactor = 50);

CREATE FUNCTION now_ms() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint
$$;

-- Append a batch. `logs` are the partitions in ascending order (so two batches cannot deadlock), `counts` how many records each
-- gets; record i goes to logs[slots[i]] as the ranks[i]-th of them, counted from 0.
CREATE FUNCTION append(
    logs integer[], counts integer[], slots integer[], ranks integer[], keys bytea[], "values" bytea[], headers bytea[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    bases bigint[] := '{}';
    base bigint;
    appended_ms bigint;
BEGIN
    FOR i IN 1 .. cardinality(logs) LOOP
        UPDATE log SET next_offset = next_offset + counts[i] WHERE id = logs[i] RETURNING next_offset - counts[i] INTO STRICT base;
        bases := bases || base;
    END LOOP;
    appended_ms := now_ms();
    INSERT INTO record (log_id, record_offset, key, value, headers, timestamp_ms)
    SELECT logs[b.slot], bases[b.slot] + b.rank, b.key, b.value, b.headers, appended_ms
    FROM unnest(slots, ranks, keys, "values", headers) AS b (slot, rank, key, value, headers);
END $$;

-- Store offsets where the member still holds the lease of that epoch; returns the partitions for which it does.
-- `logs` in ascending order, so that a commit and a rebalance cannot deadlock.
CREATE FUNCTION commit_offsets(reading_group text, reader uuid, logs integer[], epochs bigint[], offsets bigint[])
RETURNS SETOF integer LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1 .. cardinality(logs) LOOP
        UPDATE lease SET committed = offsets[i]
        WHERE group_name = reading_group AND log_id = logs[i] AND member_id = reader AND epoch = epochs[i];
        IF FOUND THEN
            RETURN NEXT logs[i];
        END IF;
    END LOOP;
END $$;
