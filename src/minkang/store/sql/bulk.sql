-- Named statements of exports, removals and their jobs; loaded like queries.sql.

-- name: quiet_since
-- No transaction that is not over yet began before this, nor gives its rows an older time (write_fresh lets the clock of
-- who calls it be a second off). A dump reads for hours and writes nothing.
SELECT date_trunc('milliseconds', least(clock_timestamp(), min(xact_start))) - interval '1 second'
  FROM pg_stat_activity
 WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
   AND application_name <> 'pg_dump'

-- name: last_batch
-- The highest committed one.
SELECT coalesce(max(id), 0) FROM batch

-- name: unsequenced_to
SELECT EXISTS (SELECT FROM batch WHERE position IS NULL AND id <= $1)

-- name: last_position
SELECT coalesce(max(position), 0) FROM batch

-- name: batches_inside
SELECT id FROM batch WHERE id = ANY ($1::bigint[]) AND position <= $2

-- name: versions_of
-- Every version of these names; contents are fetched for the chosen ones alone.
SELECT v.shard, v.type, v.id, v.version, v.batch
  FROM unnest($1::bigint[], $2::smallint[], $3::text[]) AS w (shard, type, id)
  JOIN resource_version v ON v.shard = w.shard AND v.type = w.type AND v.id = w.id

-- name: some_versions
SELECT v.shard, v.type, v.id, v.version, v.updated, v.org, v.region, v.deleted, v.content
  FROM unnest($1::bigint[], $2::smallint[], $3::text[], $4::integer[]) AS w (shard, type, id, version)
  JOIN resource_version v ON v.shard = w.shard AND v.type = w.type AND v.id = w.id AND v.version = w.version

-- name: tell_moved
INSERT INTO resource_moved (type, id, batch, shard) SELECT type, id, $4, shard
  FROM unnest($1::bigint[], $2::smallint[], $3::text[]) AS w (shard, type, id)

-- name: moves_of
SELECT m.type, m.id, m.batch, m.shard FROM unnest($1::smallint[], $2::text[]) AS w (type, id)
  JOIN resource_moved m ON m.type = w.type AND m.id = w.id ORDER BY m.batch
