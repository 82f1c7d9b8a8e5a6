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

-- name: rows_with_terms
SELECT shard, type, id, version, batch, updated, org, region, content FROM resource WHERE keys && $1::bigint[]
 ORDER BY shard, type, id

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

-- name: job_standing
SELECT kind, status, done, rows FROM bulk_job WHERE id = $1

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

-- name: batches_of
-- The next batches of a sender, oldest first.
SELECT id, rows FROM batch WHERE source = $1 AND id > $2 ORDER BY id LIMIT $3

-- name: batches_named
SELECT id, rows FROM batch WHERE id = ANY ($1::bigint[]) AND id > $2 ORDER BY id LIMIT $3

-- name: rows_of_source
SELECT coalesce(sum(rows), 0)::bigint FROM batch WHERE source = $1

-- name: rows_of_batches
SELECT coalesce(sum(rows), 0)::bigint FROM batch WHERE id = ANY ($1::bigint[])

-- name: hold_rows
-- Current rows, held until the end of the transaction, with what they are now.
SELECT shard, type, id, version, batch FROM hold($1, $2, $3)

-- name: versions_with_batch
-- Every version there is of these names.
SELECT v.shard, v.type, v.id, v.version, v.batch, v.deleted
  FROM unnest($1::bigint[], $2::smallint[], $3::text[]) AS w (shard, type, id)
  JOIN resource_version v ON v.shard = w.shard AND v.type = w.type AND v.id = w.id

-- name: newest_words
-- Of each name the newest version that is no deletion.
SELECT DISTINCT ON (v.shard, v.type, v.id) v.shard, v.type, v.id, v.version, v.updated, v.content
  FROM (SELECT r.shard, r.type, r.id, r.version, r.updated, r.content
          FROM unnest($1::bigint[], $2::smallint[], $3::text[]) AS w (shard, type, id)
          JOIN resource r ON r.shard = w.shard AND r.type = w.type AND r.id = w.id
        UNION ALL
        SELECT r.shard, r.type, r.id, r.version, r.updated, r.content
          FROM unnest($1::bigint[], $2::smallint[], $3::text[]) AS w (shard, type, id)
          JOIN resource_version r ON r.shard = w.shard AND r.type = w.type AND r.id = w.id AND NOT r.deleted) AS v
 ORDER BY v.shard, v.type, v.id, v.version DESC

-- name: rooms
-- How much room the rows of a type that carry some terms take, by day of their last writing.
SELECT (updated AT TIME ZONE 'UTC')::date AS day, count(*) AS resources, sum(octet_length(content))::bigint AS bytes
  FROM resource WHERE type = $1 AND keys || flags @> $2::bigint[] GROUP BY 1 ORDER BY 1 DESC

-- name: batches_from
-- Those of the batches that a sender sent.
SELECT id FROM batch WHERE id = ANY ($1::bigint[]) AND source = $2

-- name: expunge_many
WITH w AS MATERIALIZED (SELECT * FROM unnest($1::bigint[], $2::smallint[], $3::text[]) AS w (shard, type, id)),
     gone AS (DELETE FROM resource r USING w WHERE r.shard = w.shard AND r.type = w.type AND r.id = w.id RETURNING 1),
     past AS (DELETE FROM resource_version v USING w WHERE v.shard = w.shard AND v.type = w.type AND v.id = w.id
              RETURNING 1),
     said AS (DELETE FROM resource_text t USING w WHERE t.shard = w.shard AND t.type = w.type AND t.id = w.id),
     moved AS (DELETE FROM resource_moved m USING w WHERE m.type = w.type AND m.id = w.id),
     place AS (DELETE FROM locator l USING w WHERE l.type = w.type AND l.id = w.id AND l.shard = w.shard)
SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM past) AS versions

-- name: expunge_versions
-- Superseded versions that some batches wrote, of names that keep others.
DELETE FROM resource_version v USING unnest($1::bigint[], $2::smallint[], $3::text[]) AS w (shard, type, id)
 WHERE v.shard = w.shard AND v.type = w.type AND v.id = w.id AND v.batch = ANY ($4::bigint[])

-- name: expunge_current
-- Rows whose newest version before is a deletion: that is the newest again.
WITH w AS MATERIALIZED (SELECT * FROM unnest($1::bigint[], $2::smallint[], $3::text[]) AS w (shard, type, id)),
     said AS (DELETE FROM resource_text t USING w WHERE t.shard = w.shard AND t.type = w.type AND t.id = w.id)
DELETE FROM resource r USING w WHERE r.shard = w.shard AND r.type = w.type AND r.id = w.id

-- name: entomb_many
-- Current rows become history with a tombstone on top. $4 to $8: batch, custodian, division, time, actor.
WITH w AS MATERIALIZED (SELECT * FROM unnest($1::bigint[], $2::smallint[], $3::text[]) AS w (shard, type, id)),
     old AS (DELETE FROM resource r USING w WHERE r.shard = w.shard AND r.type = w.type AND r.id = w.id
             RETURNING r.shard, r.type, r.id, r.version, r.batch, r.org, r.region, r.updated, r.content),
     said AS (DELETE FROM resource_text t USING w WHERE t.shard = w.shard AND t.type = w.type AND t.id = w.id),
     past AS (INSERT INTO resource_version (shard, type, id, version, batch, org, region, updated, deleted, content)
              SELECT shard, type, id, version, batch, org, region, updated, false, content FROM old
              UNION ALL
              SELECT shard, type, id, version + 1, $4, $5, $6, greatest($7, updated), true, ''::bytea FROM old),
     told AS (INSERT INTO batch (id, updated, actor, rows) SELECT $4, $7, $8, count(*) FROM old HAVING count(*) > 0)
SELECT count(*) FROM old

-- name: forget_receipts
-- What was taken back may be sent again under the same message id.
UPDATE batch SET message_id = NULL, answer = NULL WHERE id = ANY ($1::bigint[]) AND message_id IS NOT NULL
