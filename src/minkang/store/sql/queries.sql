-- Named statements of the store; loaded by store/sql/__init__.py. $n as in the calls.

-- name: begin
-- One writer's holds ($1 shared, $2 alone), and only when it has them its batch number and time: the next version of a
-- resource must not be older than the one it waited for.
WITH held AS MATERIALIZED (
    SELECT (SELECT count(pg_advisory_xact_lock_shared(k)) FROM unnest($1::bigint[]) AS k)
         + (SELECT count(pg_advisory_xact_lock(k)) FROM unnest($2::bigint[]) AS k) AS holds)
SELECT nextval('batch_id') AS batch, date_trunc('milliseconds', clock_timestamp()) AS updated FROM held WHERE holds >= 0

-- name: locate
-- Where ids live that do not tell it themselves.
SELECT l.type, l.id, l.shard
  FROM unnest($1::smallint[], $2::text[]) AS w (type, id) JOIN locator l ON l.type = w.type AND l.id = w.id

-- name: current
-- The rows about to be changed, held until the end of the transaction.
SELECT shard, type, id, version, org, region, updated, content FROM hold($1, $2, $3)

-- name: last_versions
-- The newest superseded version of ids that have no current row: their tombstones. One that is not a tombstone
-- (content NULL here) means that the row was replaced while we waited for it.
SELECT DISTINCT ON (v.shard, v.type, v.id) v.shard, v.type, v.id, v.version, v.org, v.region, v.updated,
       CASE WHEN v.deleted THEN ''::bytea END AS content
  FROM unnest($1::bigint[], $2::smallint[], $3::text[]) AS w (shard, type, id)
  JOIN resource_version v ON v.shard = w.shard AND v.type = w.type AND v.id = w.id
 ORDER BY v.shard, v.type, v.id, v.version DESC

-- name: archive
-- Current rows become superseded versions.
WITH old AS (
    DELETE FROM resource r USING unnest($1::bigint[], $2::smallint[], $3::text[]) AS w (shard, type, id)
     WHERE r.shard = w.shard AND r.type = w.type AND r.id = w.id
    RETURNING r.shard, r.type, r.id, r.version, r.batch, r.org, r.region, r.updated, r.content)
INSERT INTO resource_version (shard, type, id, version, batch, org, region, updated, deleted, content)
SELECT shard, type, id, version, batch, org, region, updated, false, content FROM old

-- name: entomb
INSERT INTO resource_version (shard, type, id, version, batch, org, region, updated, deleted, content)
SELECT shard, type, id, version, batch, org, region, updated, deleted, content FROM unnest($1::resource_version[])

-- name: insert
-- New current rows together with the batch that brought them.
WITH told AS (
    INSERT INTO batch (id, updated, actor, source, message_id, rows, answer) VALUES ($2, $3, $4, $5, $6, $7, $8))
INSERT INTO resource (shard, type, id, version, batch, org, region, date, updated, keys, flags, content)
SELECT shard, type, id, version, batch, org, region, date, updated, keys, flags, content FROM unnest($1::resource[])

-- name: insert_texts
-- Words beside the rows of `insert`.
INSERT INTO resource_text (shard, type, id, words) SELECT shard, type, id, words FROM unnest($1::resource_text[])
ON CONFLICT (shard, type, id) DO UPDATE SET words = excluded.words

-- name: forget_texts
DELETE FROM resource_text t USING unnest($1::bigint[], $2::smallint[], $3::text[]) AS w (shard, type, id)
 WHERE t.shard = w.shard AND t.type = w.type AND t.id = w.id

-- name: claim
-- Ids that clients made. A second claimant fails here and starts again.
INSERT INTO locator (type, id, shard) SELECT * FROM unnest($1::smallint[], $2::text[], $3::bigint[])

-- name: relocate
UPDATE locator l SET shard = w.shard
  FROM unnest($1::smallint[], $2::text[], $3::bigint[]) AS w (type, id, shard)
 WHERE l.type = w.type AND l.id = w.id

-- name: move_versions
-- History follows its resource to the shard it moves to: taken away and put there, for what cuts a distributed table
-- cannot be changed in a row.
WITH old AS (
    DELETE FROM resource_version v
     USING unnest($1::bigint[], $2::smallint[], $3::text[], $4::bigint[]) AS w (shard, type, id, target)
     WHERE v.shard = w.shard AND v.type = w.type AND v.id = w.id
    RETURNING w.target, v.type, v.id, v.version, v.batch, v.org, v.region, v.updated, v.deleted, v.content)
INSERT INTO resource_version (shard, type, id, version, batch, org, region, updated, deleted, content)
SELECT target, type, id, version, batch, org, region, updated, deleted, content FROM old

-- name: answered
SELECT answer, updated FROM batch WHERE source = $1 AND message_id = $2

-- name: read
SELECT shard, version, updated, org, region, content FROM resource WHERE shard = $1 AND type = $2 AND id = $3

-- name: read_located
WITH place AS MATERIALIZED (SELECT shard FROM locator WHERE type = $1 AND id = $2)
SELECT r.shard, r.version, r.updated, r.org, r.region, r.content
  FROM place p JOIN resource r ON r.shard = p.shard WHERE r.type = $1 AND r.id = $2

-- name: read_many
-- The places first: rows and locator are cut by different columns, and who joins them asks every node for all of one.
WITH moved AS MATERIALIZED (
    SELECT l.type, l.id, l.shard FROM unnest($2::smallint[], $3::text[]) AS w (type, id)
      JOIN locator l ON l.type = w.type AND l.id = w.id),
     place AS MATERIALIZED (
    SELECT w.type, w.id, coalesce(m.shard, w.shard) AS shard
      FROM unnest($1::bigint[], $2::smallint[], $3::text[]) AS w (shard, type, id)
      LEFT JOIN moved m ON m.type = w.type AND m.id = w.id)
SELECT r.type, r.id, r.version, r.updated, r.shard, r.org, r.region, r.content
  FROM place p JOIN resource r ON r.shard = p.shard AND r.type = p.type AND r.id = p.id

-- name: definitions
-- Resources of the types $1 that carry one of the terms $2, at most $7, and those named by $3 to $5; with their contents
-- only if $6. Materialised and without a limit inside, so that nothing but the index of terms can serve it.
WITH hit AS MATERIALIZED (SELECT shard, type, id FROM resource WHERE keys && $2::bigint[]),
     moved AS MATERIALIZED (
    SELECT l.type, l.id, l.shard FROM unnest($4::smallint[], $5::text[]) AS w (type, id)
      JOIN locator l ON l.type = w.type AND l.id = w.id),
     place AS MATERIALIZED (
    SELECT w.type, w.id, coalesce(m.shard, w.shard) AS shard
      FROM unnest($3::bigint[], $4::smallint[], $5::text[]) AS w (shard, type, id)
      LEFT JOIN moved m ON m.type = w.type AND m.id = w.id)
(SELECT r.type, r.id, r.version, r.batch, r.updated, r.shard, r.org, r.region, CASE WHEN $6::boolean THEN r.content END AS content
   FROM hit h JOIN resource r ON r.shard = h.shard AND r.type = h.type AND r.id = h.id
  WHERE h.type = ANY ($1::smallint[]) LIMIT $7::integer)
UNION ALL
(SELECT r.type, r.id, r.version, r.batch, r.updated, r.shard, r.org, r.region, CASE WHEN $6::boolean THEN r.content END
   FROM place p JOIN resource r ON r.shard = p.shard AND r.type = p.type AND r.id = p.id)

-- name: one_version
SELECT shard, type, id, version, batch, updated, org, region, false AS deleted, content FROM resource
 WHERE shard = $1 AND type = $2 AND id = $3 AND version = $4
UNION ALL
SELECT shard, type, id, version, batch, updated, org, region, deleted, content FROM resource_version
 WHERE shard = $1 AND type = $2 AND id = $3 AND version = $4

-- name: latest_version
SELECT version, deleted, updated, org, region FROM resource_version
 WHERE shard = $1 AND type = $2 AND id = $3 ORDER BY version DESC LIMIT 1

-- name: custodian
-- Whose the newest version is, live or not.
SELECT org, region FROM (
    SELECT org, region, version FROM resource WHERE shard = $1 AND type = $2 AND id = $3
    UNION ALL
    SELECT org, region, version FROM resource_version WHERE shard = $1 AND type = $2 AND id = $3) AS v
 ORDER BY version DESC LIMIT 1

-- name: expunge
WITH gone AS (DELETE FROM resource WHERE shard = $1 AND type = $2 AND id = $3 RETURNING 1),
     past AS (DELETE FROM resource_version WHERE shard = $1 AND type = $2 AND id = $3 RETURNING 1),
     said AS (DELETE FROM resource_text WHERE shard = $1 AND type = $2 AND id = $3),
     place AS (DELETE FROM locator WHERE type = $2 AND id = $3)
SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM past) AS rows

-- name: rows
-- About how many current rows there are.
SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = 'resource'::regclass

-- name: counts
SELECT type, count(*) AS rows FROM resource GROUP BY type

-- name: estimated_counts
-- Rows by type from the planner's statistics.
SELECT u.type, (u.share * c.reltuples)::bigint AS rows
  FROM pg_class c, pg_stats s,
       unnest(s.most_common_vals::text::smallint[], s.most_common_freqs) AS u (type, share)
 WHERE c.oid = 'resource'::regclass AND s.tablename = 'resource' AND s.attname = 'type'
   AND s.schemaname = current_schema()

-- name: sequence
-- Give every committed batch its place in the feed. One at a time (the caller holds the sequencer's lock).
WITH last AS (SELECT coalesce(max(position), 0) AS position FROM batch),
     fresh AS (SELECT id, row_number() OVER (ORDER BY id) AS n FROM batch WHERE position IS NULL ORDER BY id LIMIT $1)
UPDATE batch b SET position = last.position + fresh.n FROM last, fresh WHERE b.id = fresh.id

-- name: feed
SELECT id, position, updated, actor, source, rows FROM batch WHERE position > $1 ORDER BY position LIMIT $2

-- name: feed_sizes
-- How long the contents of the next rows are ($2 to $4: behind which; $5: whose contents are wanted, NULL: all).
SELECT CASE WHEN $5::smallint[] IS NULL OR type = ANY ($5) THEN size ELSE 0 END AS size
  FROM (SELECT batch, type, id, version, octet_length(content) AS size FROM resource WHERE batch = ANY ($1::bigint[])
        UNION ALL
        SELECT batch, type, id, version, octet_length(content) FROM resource_version WHERE batch = ANY ($1::bigint[])) AS c
 WHERE (type, id COLLATE "C", version) > ($2::smallint, $3::text COLLATE "C", $4::integer)
 ORDER BY batch, type, id COLLATE "C", version LIMIT $6

-- name: feed_rows
-- The rows themselves: what the batches changed and is still so, what was superseded since, and what they deleted.
SELECT batch, shard, type, id, version, org, region, updated, deleted,
       CASE WHEN $5::smallint[] IS NULL OR type = ANY ($5) THEN content END AS content
  FROM (SELECT batch, shard, type, id, version, org, region, updated, false AS deleted, content
          FROM resource WHERE batch = ANY ($1::bigint[])
        UNION ALL
        SELECT batch, shard, type, id, version, org, region, updated, deleted, content
          FROM resource_version WHERE batch = ANY ($1::bigint[])) AS c
 WHERE (type, id COLLATE "C", version) > ($2::smallint, $3::text COLLATE "C", $4::integer)
 ORDER BY batch, type, id COLLATE "C", version LIMIT $6

-- name: feed_change
-- One version of a resource as a follower is told of it: for what is tried again.
SELECT c.batch, b.position, b.actor, b.source, c.shard, c.type, c.id, c.version, c.org, c.region, c.updated, c.deleted,
       c.content
  FROM (SELECT batch, shard, type, id, version, org, region, updated, false AS deleted, content
          FROM resource WHERE batch = $1 AND type = $2 AND id = $3 AND version = $4
        UNION ALL
        SELECT batch, shard, type, id, version, org, region, updated, deleted, content
          FROM resource_version WHERE batch = $1 AND type = $2 AND id = $3 AND version = $4) AS c
  JOIN batch b ON b.id = c.batch

-- name: feed_end
SELECT coalesce(max(position), 0) FROM batch

-- name: cursor_open
-- A follower's cursor, made where there is none ($2: from the end instead of the beginning).
INSERT INTO cursor (consumer, position, updated)
VALUES ($1, CASE WHEN $2::boolean THEN (SELECT coalesce(max(position), 0) FROM batch) ELSE 0 END, now())
ON CONFLICT (consumer) DO NOTHING

-- name: cursor_hold
-- Held to the end of the transaction: one step at a time, whoever takes it.
SELECT position, place, failures, coalesce(retry > now(), false) AS waits FROM cursor WHERE consumer = $1 FOR UPDATE

-- name: cursor
SELECT position FROM cursor WHERE consumer = $1

-- name: advance
INSERT INTO cursor (consumer, position, place, updated) VALUES ($1, $2, $3, now())
ON CONFLICT (consumer) DO UPDATE
   SET position = excluded.position, place = excluded.place, updated = excluded.updated, failures = 0, retry = NULL

-- name: cursor_failed
UPDATE cursor SET failures = $2, retry = now() + $3::interval WHERE consumer = $1

-- name: cursors
-- Followers: how far each has come, how many batches it is behind, and how many changes lie aside.
SELECT c.consumer, c.position, c.updated, c.failures, c.retry,
       (SELECT coalesce(max(position), 0) FROM batch) - c.position AS behind,
       (SELECT min(b.updated) FROM batch b WHERE b.position = c.position + 1) AS since,
       (SELECT count(*) FROM feed_letter l WHERE l.consumer = c.consumer) AS letters
  FROM cursor c ORDER BY c.consumer

-- name: letter_put
INSERT INTO feed_letter (consumer, batch, type, resource, version, failed, failures, words)
VALUES ($1, $2, $3, $4, $5, now(), $6, $7)
ON CONFLICT (consumer, type, resource, version) DO UPDATE
   SET failed = excluded.failed, failures = feed_letter.failures + 1, words = excluded.words, again = NULL

-- name: letter_again
-- The next one that somebody wants to be tried again.
SELECT id, batch, type, resource, version, failures FROM feed_letter WHERE consumer = $1 AND again IS NOT NULL
 ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED

-- name: letter_taken
DELETE FROM feed_letter WHERE id = $1

-- name: letters
SELECT id, consumer, type, resource, version, failed, failures, words, again FROM feed_letter
 WHERE consumer = $1 ORDER BY id LIMIT $2

-- name: letters_replay
UPDATE feed_letter SET again = now() WHERE consumer = $1 AND ($2::bigint IS NULL OR id = $2)

-- name: document_put
INSERT INTO document (hash, media_type, size, created, content) VALUES ($1, $2, $3, now(), $4)
ON CONFLICT (hash) DO NOTHING

-- name: document_get
SELECT media_type, size, content FROM document WHERE hash = $1

-- name: fact
SELECT value FROM store_fact WHERE name = $1

-- name: tell_fact
INSERT INTO store_fact (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING

-- name: tell_anew
INSERT INTO store_fact (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value

-- name: write_fresh
SELECT write_fresh($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)

-- name: write_fresh_said
-- The same with words beside the rows ($17).
WITH done AS MATERIALIZED (
    SELECT write_fresh($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) AS number),
     said AS (
    INSERT INTO resource_text (shard, type, id, words)
    SELECT t.shard, t.type, t.id, t.words FROM done, unnest($17::resource_text[]) AS t WHERE done.number IS NOT NULL
    ON CONFLICT (shard, type, id) DO UPDATE SET words = excluded.words)
SELECT number FROM done

-- name: taken
-- Whether any of these names is taken, or lives elsewhere than its id says: a look before the work, nothing is held.
WITH there AS MATERIALIZED (
    SELECT 1 FROM unnest($1::bigint[], $2::smallint[], $3::text[]) AS w (shard, type, id)
      JOIN resource r ON r.shard = w.shard AND r.type = w.type AND r.id = w.id LIMIT 1),
     located AS MATERIALIZED (
    SELECT 1 FROM unnest($2::smallint[], $3::text[]) AS w (type, id)
      JOIN locator l ON l.type = w.type AND l.id = w.id LIMIT 1)
SELECT EXISTS (SELECT FROM there) OR EXISTS (SELECT FROM located)

-- name: frequencies
-- The commonest terms and the types of all rows, with the part of the rows that have them, from ANALYZE.
SELECT greatest(c.reltuples, 0)::float8 AS rows,
       k.most_common_elems::text::bigint[] AS keys, k.most_common_elem_freqs AS keys_parts,
       f.most_common_elems::text::bigint[] AS flags, f.most_common_elem_freqs AS flags_parts,
       t.most_common_vals::text::smallint[] AS types, t.most_common_freqs AS types_parts
  FROM pg_class c
  LEFT JOIN pg_stats k ON k.schemaname = current_schema() AND k.tablename = 'resource' AND k.attname = 'keys'
  LEFT JOIN pg_stats f ON f.schemaname = current_schema() AND f.tablename = 'resource' AND f.attname = 'flags'
  LEFT JOIN pg_stats t ON t.schemaname = current_schema() AND t.tablename = 'resource' AND t.attname = 'type'
 WHERE c.oid = 'resource'::regclass

-- name: analyze
ANALYZE resource
