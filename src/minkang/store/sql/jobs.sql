-- Statements about jobs (platform/workflow): Procrastinate's tables and functions, and what we keep beside them.

-- name: queue_put
-- A new job, in the caller's transaction: $1 queue, $2 name, $3 lock, $4 arguments, $5 not before.
SELECT unnest(procrastinate_defer_jobs_v1(ARRAY[
    ROW($1::text, $2::text, 0, $3::text, NULL, $4::jsonb, $5::timestamptz)::procrastinate_job_to_defer_v1])) AS id

-- name: queue_begin
INSERT INTO job_progress (job, began, updated) VALUES ($1, now(), now())
ON CONFLICT (job) DO UPDATE SET began = now(), updated = now(), first = NULL, told = NULL

-- name: queue_tell
UPDATE job_progress SET first = coalesce(first, $2), told = coalesce(told, now()), done = $2, total = $3, words = $4,
       updated = now()
 WHERE job = $1

-- name: queue_result
UPDATE job_progress SET result = $2::jsonb, trouble = NULL, updated = now() WHERE job = $1

-- name: queue_trouble
INSERT INTO job_progress (job, began, updated, trouble) VALUES ($1, now(), now(), $2)
ON CONFLICT (job) DO UPDATE SET trouble = $2, updated = now()

-- name: queue_left
-- What a process that is gone was at.
SELECT id, task_name, attempts, abort_requested FROM procrastinate_jobs WHERE status = 'doing' ORDER BY id

-- name: queue_finish
SELECT procrastinate_finish_job_v1($1, $2::procrastinate_job_status, false)

-- name: queue_again
-- Now, whether it failed or its process is gone.
SELECT procrastinate_retry_job_v2($1, now(), NULL, NULL, NULL)

-- name: queue_failed
SELECT id FROM procrastinate_jobs WHERE id = $1 AND status = 'failed' FOR UPDATE

-- name: queue_cancel
-- NULL when it is over. One that is being carried out is told so.
SELECT procrastinate_cancel_job_v1($1, true, false)

-- name: queue_list
-- Newest first; $1: only one, $2: only with this status.
SELECT j.id, j.task_name, j.queue_name, j.status::text, j.attempts, j.args, j.scheduled_at, p.began, p.first, p.told, p.done,
       p.total, p.words, p.updated, p.result, p.trouble
  FROM procrastinate_jobs j LEFT JOIN job_progress p ON p.job = j.id
 WHERE ($1::bigint IS NULL OR j.id = $1) AND ($2::text IS NULL OR j.status::text = $2)
 ORDER BY j.id DESC LIMIT $3

-- name: queue_counts
SELECT task_name, status::text, count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing', 'failed') GROUP BY 1, 2

-- name: queue_forget
-- What ended long ago, some at a time.
WITH old AS (SELECT j.id FROM procrastinate_jobs j WHERE j.status IN ('succeeded', 'failed', 'cancelled', 'aborted')
                AND NOT EXISTS (SELECT FROM procrastinate_events e WHERE e.job_id = j.id AND e.at > now() - $1::interval)
              ORDER BY j.id LIMIT $2),
     gone AS (DELETE FROM procrastinate_jobs WHERE id IN (SELECT id FROM old) RETURNING 1)
SELECT count(*) FROM gone
