-- name: shard_rows
-- All rows of one shard that belong to a person or are one, with their words.
SELECT type, id, version, content FROM resource WHERE shard = $1

-- name: shard_versions
-- Superseded versions of one shard, the newest of each name, tombstones with the words before them.
SELECT DISTINCT ON (type, id) type, id, version, content FROM resource_version
 WHERE shard = $1 AND NOT deleted ORDER BY type, id, version DESC

-- name: move_rows
-- Rows to another shard, as they are: taken away and put there, for what cuts a distributed table cannot be changed in a
-- row.
WITH old AS (
    DELETE FROM resource r
     USING unnest($1::bigint[], $2::smallint[], $3::text[], $4::bigint[]) AS w (shard, type, id, target)
     WHERE r.shard = w.shard AND r.type = w.type AND r.id = w.id
    RETURNING w.target, r.type, r.id, r.version, r.batch, r.org, r.region, r.date, r.updated, r.keys, r.flags,
              r.content)
INSERT INTO resource (shard, type, id, version, batch, org, region, date, updated, keys, flags, content)
SELECT target, type, id, version, batch, org, region, date, updated, keys, flags, content FROM old

-- name: move_texts
WITH old AS (
    DELETE FROM resource_text t
     USING unnest($1::bigint[], $2::smallint[], $3::text[], $4::bigint[]) AS w (shard, type, id, target)
     WHERE t.shard = w.shard AND t.type = w.type AND t.id = w.id
    RETURNING w.target, t.type, t.id, t.words)
INSERT INTO resource_text (shard, type, id, words) SELECT target, type, id, words FROM old

-- name: move_batch
-- A move has a place in the feed like a write, so that exports under way know whether it was before their moment.
INSERT INTO batch (id, updated, actor, source, rows) VALUES ($1, clock_timestamp(), $2, 'master-index', 0)

-- name: place
-- Where names live from now on, known to the locator or not.
INSERT INTO locator (type, id, shard) SELECT * FROM unnest($1::smallint[], $2::text[], $3::bigint[])
ON CONFLICT (type, id) DO UPDATE SET shard = excluded.shard

-- name: unplace
-- Names that are at home again.
DELETE FROM locator l USING unnest($1::smallint[], $2::text[]) AS w (type, id) WHERE l.type = w.type AND l.id = w.id

-- name: candidates
-- Registrations that share a key, but for keys that so many have ($3) that they tell nothing; those with their resident.
SELECT DISTINCT r.patient, r.resident FROM unnest($1::bigint[]) AS k,
       LATERAL (SELECT patient, resident, count(*) OVER () AS many FROM (
           SELECT patient, resident FROM registration WHERE keys @> ARRAY[k] LIMIT $3::int + 1) AS few) AS r
 WHERE r.many <= $3::int AND r.patient <> $2

-- name: registered
INSERT INTO registration (patient, resident, version, keys) VALUES ($1, $2, $3, $4)
ON CONFLICT (patient) DO UPDATE SET version = excluded.version, keys = excluded.keys

-- name: registrations
SELECT patient, resident, version FROM registration WHERE patient = ANY ($1::text[])

-- name: registrations_held
SELECT patient, resident FROM registration WHERE patient = ANY ($1::text[]) ORDER BY patient FOR UPDATE

-- name: of_residents
SELECT patient, resident FROM registration WHERE resident = ANY ($1::bigint[]) ORDER BY resident, patient

-- name: reassign
UPDATE registration SET resident = $2 WHERE patient = ANY ($1::text[])

-- name: identity_counts
SELECT (SELECT count(*) FROM registration) AS registrations,
       (SELECT count(DISTINCT resident) FROM registration) AS residents

-- name: review_counts
SELECT reason, count(*) AS waiting FROM identity_review WHERE state = 'open' GROUP BY reason ORDER BY 2 DESC, 1

-- name: unregister
DELETE FROM registration WHERE patient = $1

-- name: event_put
INSERT INTO identity_event (kind, actor, patients, source, target, undoes, told) VALUES ($1, $2, $3, $4, $5, $6, $7)
RETURNING id

-- name: event_next
SELECT coalesce(max(id), 0) + 1 FROM identity_event

-- name: event_held
SELECT id, kind, patients, source, target, undone FROM identity_event WHERE id = $1 FOR UPDATE

-- name: event_undone
UPDATE identity_event SET undone = true WHERE id = $1

-- name: events_that_count
-- What moved these registrations and was not undone, but for one event, in its order; and where each was first.
SELECT id, patients, source, target, undone OR id = $2 OR kind = 'undo' AS void FROM identity_event
 WHERE patients && $1::text[] ORDER BY id

-- name: events_of
SELECT id, at, kind, actor, patients, source, target, undoes, undone, told FROM identity_event
 WHERE patients && $1::text[] ORDER BY id DESC LIMIT $2

-- name: review_put
-- A pair that people have decided about stays decided.
INSERT INTO identity_review (a, b, reason, state, chance, told) VALUES ($1, $2, $3, 'open', $4, $5)
ON CONFLICT (a, b) DO UPDATE SET reason = excluded.reason, chance = excluded.chance, told = excluded.told
 WHERE identity_review.state = 'open'

-- name: review_decided
INSERT INTO identity_review (a, b, reason, state, chance, told, decided, actor)
VALUES ($1, $2, 'by hand', $3, 0, $5, clock_timestamp(), $4)
ON CONFLICT (a, b) DO UPDATE SET state = excluded.state, decided = excluded.decided, actor = excluded.actor

-- name: review_one
SELECT a, b, reason, state, chance, at, decided, actor, told FROM identity_review WHERE a = $1 AND b = $2

-- name: reviews
SELECT a, b, reason, state, chance, at, decided, actor, told FROM identity_review
 WHERE state = $1 AND ($2 = '' OR reason = $2) ORDER BY at, a, b LIMIT $3

-- name: parted
-- Of these registrations those that somebody has said are not of the one.
SELECT CASE WHEN a = $1 THEN b ELSE a END AS patient FROM identity_review
 WHERE state = 'apart' AND ((a = $1 AND b = ANY ($2::text[])) OR (b = $1 AND a = ANY ($2::text[])))

-- name: reviews_gone
DELETE FROM identity_review WHERE (a = $1 OR b = $1) AND state = 'open'
