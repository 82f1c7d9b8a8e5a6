-- Named statements of imports; loaded like queries.sql.

-- name: import_open
INSERT INTO import_job (id, source, files, begun) VALUES ($1, $2, $3, now())

-- name: import_job
SELECT id, source, files, begun, finished FROM import_job WHERE id = $1

-- name: import_unfinished
-- The newest import of these files that has not come to its end.
SELECT id, source, files, begun, finished FROM import_job
 WHERE files = $1 AND source = $2 AND finished IS NULL ORDER BY begun DESC LIMIT 1

-- name: import_finish
UPDATE import_job SET finished = now() WHERE id = $1

-- name: import_done
SELECT file, begin FROM import_chunk WHERE job = $1

-- name: import_counts
SELECT coalesce(sum(created), 0)::bigint AS created, coalesce(sum(updated), 0)::bigint AS updated,
       coalesce(sum(unchanged), 0)::bigint AS unchanged, coalesce(sum(rejected), 0)::bigint AS rejected,
       coalesce(sum(size), 0)::bigint AS size
  FROM import_chunk WHERE job = $1

-- name: import_chunk
INSERT INTO import_chunk (job, file, begin, size, created, updated, unchanged, rejected)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)

-- name: import_chunk_counts
SELECT created, updated, unchanged, rejected FROM import_chunk WHERE job = $1 AND file = $2 AND begin = $3

-- name: import_reject
INSERT INTO import_rejected (job, file, line, outcome)
SELECT $1, $2, line, outcome FROM unnest($3::bigint[], $4::jsonb[]) AS w (line, outcome)

-- name: import_rejected
SELECT file, line, outcome FROM import_rejected WHERE job = $1 ORDER BY file, line

-- name: import_known
-- Whether something is there, or was, under any of these names ($1 to $3: where they would live by their ids).
WITH located AS MATERIALIZED (
    SELECT 1 FROM unnest($2::smallint[], $3::text[]) AS w (type, id)
      JOIN locator l ON l.type = w.type AND l.id = w.id LIMIT 1),
     there AS MATERIALIZED (
    SELECT 1 FROM unnest($1::bigint[], $2::smallint[], $3::text[]) AS w (shard, type, id)
      JOIN resource r ON r.shard = w.shard AND r.type = w.type AND r.id = w.id LIMIT 1),
     past AS MATERIALIZED (
    SELECT 1 FROM unnest($1::bigint[], $2::smallint[], $3::text[]) AS w (shard, type, id)
      JOIN resource_version v ON v.shard = w.shard AND v.type = w.type AND v.id = w.id LIMIT 1)
SELECT EXISTS (SELECT FROM located) OR EXISTS (SELECT FROM there) OR EXISTS (SELECT FROM past)

-- name: import_batch
INSERT INTO batch (id, updated, actor, source, rows) VALUES ($1, $2, $3, $4, $5)
