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

-- name: job_one_order
SELECT pg_advisory_xact_lock(hashtext('bulk_job'))

-- name: job_order
-- NULL when as many as may be are under way.
INSERT INTO bulk_job (id, kind, owner, status, created, updated, done, rows, request)
SELECT $1, $2, $3, 'waiting', now(), now(), 0, 0, $4
 WHERE (SELECT count(*) FROM bulk_job WHERE status IN ('waiting', 'running')) < $5
RETURNING id

-- name: job_look
SELECT id, kind, owner, status, created, updated, expires, done, rows, request, state FROM bulk_job WHERE id = $1

-- name: job_begin
UPDATE bulk_job SET status = 'running', updated = now() WHERE id = $1 AND status IN ('waiting', 'running')
RETURNING kind, request, state

-- name: job_save
-- Nothing when it was cancelled meanwhile.
UPDATE bulk_job SET updated = now(), done = $2, rows = $3, state = $4 WHERE id = $1 AND status = 'running' RETURNING id

-- name: job_end
UPDATE bulk_job SET status = $2, updated = now(), expires = now() + $3, state = coalesce($4, state)
 WHERE id = $1 AND status = 'running'

-- name: job_put_back
UPDATE bulk_job SET status = 'waiting', updated = now() WHERE id = $1 AND status = 'running'

-- name: job_cancel
UPDATE bulk_job SET status = 'cancelled', updated = now(), expires = now() WHERE id = $1 AND status <> 'cancelled'

-- name: jobs_waiting
-- What should be carried out: new ones, and those whose runner is gone (who runs one holds its lock).
SELECT id FROM bulk_job WHERE status IN ('waiting', 'running') ORDER BY created

-- name: jobs_expired
-- Their files go; the row stays a while to say why there are none.
UPDATE bulk_job SET status = 'expired', expires = now() + $1 WHERE expires < now() AND status IN ('finished', 'failed', 'cancelled')
RETURNING id

-- name: jobs_forget
DELETE FROM bulk_job WHERE expires < now() AND status = 'expired'

-- name: jobs_known
SELECT id FROM bulk_job WHERE id = ANY ($1::text[]) AND status <> 'expired'
