-- A write of resources that are not there yet, in one statement: store/fresh.py.
--
-- The caller has made the rows as if no name of theirs were taken and nobody had moved. That is checked here, under the
-- same holds as any other write and with snapshots taken after them; NULL says that something is there after all (or
-- that the caller's clock is off), and nothing has been written.
CREATE FUNCTION write_fresh(
    shared bigint[], alone bigint[],
    natural_types smallint[], natural_ids text[],
    absent_shards bigint[], absent_types smallint[], absent_ids text[],
    claim_types smallint[], claim_ids text[], claim_shards bigint[],
    fresh resource[], at timestamptz, by_actor text, from_source text, as_message text, told bytea
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    number bigint;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(k) FROM unnest(shared) AS k;
    PERFORM pg_advisory_xact_lock(k) FROM unnest(alone) AS k;
    IF at NOT BETWEEN clock_timestamp() - interval '1 second' AND clock_timestamp() + interval '1 second' THEN
        RETURN NULL;
    END IF;
    FOR i IN 1 .. cardinality(natural_ids) LOOP
        IF EXISTS (SELECT FROM locator WHERE type = natural_types[i] AND id = natural_ids[i]) THEN
            RETURN NULL;
        END IF;
    END LOOP;
    FOR i IN 1 .. cardinality(absent_ids) LOOP
        IF EXISTS (SELECT FROM resource
                    WHERE shard = absent_shards[i] AND type = absent_types[i] AND id = absent_ids[i])
           OR EXISTS (SELECT FROM resource_version
                       WHERE shard = absent_shards[i] AND type = absent_types[i] AND id = absent_ids[i]) THEN
            RETURN NULL;
        END IF;
    END LOOP;
    IF cardinality(claim_ids) > 0 THEN
        INSERT INTO locator (type, id, shard) SELECT * FROM unnest(claim_types, claim_ids, claim_shards);
    END IF;
    number := nextval('batch_id');
    INSERT INTO batch (id, updated, actor, source, message_id, rows, answer)
    VALUES (number, at, by_actor, from_source, as_message, cardinality(fresh), told);
    INSERT INTO resource (shard, type, id, version, batch, org, region, date, updated, keys, flags, content)
    SELECT shard, type, id, version, number, org, region, date, updated, keys, flags, content FROM unnest(fresh);
    RETURN number;
END $$;
