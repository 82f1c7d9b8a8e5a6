-- The rows about to be changed, held until the end of the transaction, in one order for everybody. One by one: a
-- distributed store (store/distribution.py) holds rows of one shard only in a statement.
CREATE FUNCTION hold(shards bigint[], types smallint[], ids text[])
RETURNS TABLE (
    shard bigint, type smallint, id text, version integer, batch bigint, org bigint, region integer, updated timestamptz,
    content bytea
)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT w.shard, w.type, w.id FROM unnest(shards, types, ids) AS w (shard, type, id)
         ORDER BY w.shard, w.type, w.id COLLATE "C"
    LOOP
        RETURN QUERY SELECT r.shard, r.type, r.id, r.version, r.batch, r.org, r.region, r.updated, r.content FROM resource r
         WHERE r.shard = one.shard AND r.type = one.type AND r.id = one.id FOR UPDATE;
    END LOOP;
END $$;
