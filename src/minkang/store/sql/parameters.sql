-- name: parameter_resources
-- What SearchParameters there are, and which batch wrote each last.
SELECT shard, id, batch FROM resource WHERE type = $1

-- name: parameter_resource
SELECT type, id, version, updated, batch, content FROM resource WHERE shard = $1 AND type = $2 AND id = $3

-- name: parameter_any_row
SELECT EXISTS (SELECT FROM resource)

-- name: parameter_editions
-- All that still count for somebody: those replaced a moment ago are written on until every process knows it.
SELECT generation, id, batch, state, definition, why, shard, rows, began, now() AS at FROM search_parameter
 WHERE state <> 'replaced' OR changed > now() - interval '30 seconds' ORDER BY generation

-- name: parameter_put
INSERT INTO search_parameter (generation, id, batch, state, definition, why)
VALUES (nextval('search_parameter_generation'), $1, $2, $3, $4, $5)

-- name: parameter_forget
-- Editions of these that are not in use.
DELETE FROM search_parameter WHERE id = ANY($1::text[]) AND state IN ('waiting', 'refused')

-- name: parameter_retire
-- What was deleted, or is no longer meant to be searched by.
UPDATE search_parameter SET state = 'replaced', changed = now() WHERE id = ANY($1::text[]) AND state = 'active'

-- name: parameter_next
-- The oldest edition that rows are still to be indexed by.
SELECT generation, id, definition, shard, type, row_id, rows, changed, now() - changed >= $1::interval AS known
  FROM search_parameter WHERE state = 'waiting' ORDER BY generation LIMIT 1

-- name: parameter_others_since
-- Whether somebody is still in a transaction that began before.
SELECT EXISTS (
    SELECT FROM pg_stat_activity
     WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
       AND xact_start < $1)

-- name: parameter_portion
SELECT shard, type, id, version, keys, content FROM resource
 WHERE (shard, type, id) > ($1::bigint, $2::smallint, $3::text) AND ($4::smallint[] IS NULL OR type = ANY($4))
 ORDER BY shard, type, id LIMIT $5

-- name: parameter_terms
-- Only the version that was looked at: a newer one was indexed by whoever wrote it.
UPDATE resource SET keys = $5, flags = coalesce($6, flags), date = coalesce($7, date)
 WHERE shard = $1 AND type = $2 AND id = $3 AND version = $4

-- name: parameter_walked
UPDATE search_parameter SET shard = $2, type = $3, row_id = $4, rows = rows + $5, began = coalesce(began, now())
 WHERE generation = $1 AND state = 'waiting' RETURNING generation

-- name: parameter_swap
-- The new edition for the old one, at once for whoever reads the table.
UPDATE search_parameter
   SET state = CASE WHEN generation = $1 AND id <> '*' THEN 'active' ELSE 'replaced' END, changed = now()
 WHERE generation = $1 OR (id = $2 AND state = 'active')

-- name: parameter_again
-- All rows by the rules of now; once is enough.
INSERT INTO search_parameter (generation, id, batch, state, definition)
SELECT nextval('search_parameter_generation'), '*', 0, 'waiting', '{}'
 WHERE NOT EXISTS (SELECT FROM search_parameter WHERE id = '*' AND state = 'waiting')
