-- Statements about Subscriptions and their events (platform/subscriptions).

-- name: subscriptions_told
-- Those that are told of what happens.
SELECT id, written, actor FROM subscription WHERE status = 'active' AND (ends IS NULL OR ends > now()) ORDER BY id

-- name: subscription_contents
SELECT id, written, actor, content FROM subscription WHERE id = ANY ($1::text[])

-- name: subscription_write
-- Its author has written it: what was counted goes on, failures are forgotten.
INSERT INTO subscription (id, version, written, actor, status, shown, content, trouble, ends, heartbeat, due)
VALUES ($1, $2, $2, $3, $4, $5, $6, $7, $8, $9, now())
ON CONFLICT (id) DO UPDATE
   SET version = excluded.version, written = excluded.written, actor = excluded.actor, status = excluded.status,
       shown = excluded.shown, content = excluded.content, trouble = excluded.trouble, ends = excluded.ends,
       heartbeat = excluded.heartbeat, due = now(), failures = 0, beat = NULL

-- name: subscription_version
-- We have written it ourselves (its status).
UPDATE subscription SET version = greatest(version, $2) WHERE id = $1

-- name: subscription_forget
WITH events AS (DELETE FROM subscription_event WHERE subscription = $1)
DELETE FROM subscription WHERE id = $1

-- name: subscription_count
-- Room for $2 more events: the number of the last of them. While its target fails the pause goes on.
UPDATE subscription SET events = events + $2, due = CASE WHEN failures = 0 THEN now() ELSE due END
 WHERE id = $1 RETURNING events

-- name: subscription_events_put
INSERT INTO subscription_event (subscription, number, type, resource, version, did, happened)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::smallint[], $4::text[], $5::integer[], $6::text[], $7::timestamptz[])

-- name: subscriptions_due
-- Whom to look at now; those whose targets fail ($1) apart from the others, so that they cannot crowd them out.
SELECT id FROM subscription WHERE due <= now() AND (failures > 0) = $1 AND id <> ALL ($2::text[]) ORDER BY due LIMIT $3

-- name: subscription_row
SELECT id, version, written, actor, status, shown, content, trouble, heartbeat, events, delivered, failures, beat,
       coalesce(ends <= now(), false) AS over,
       heartbeat IS NOT NULL AND coalesce(beat + make_interval(secs => heartbeat) <= now(), false) AS quiet
  FROM subscription WHERE id = $1

-- name: subscription_events
-- What is told next: what was put aside and is wanted again comes first.
SELECT number, type, resource, version, did, happened, refused, again FROM subscription_event
 WHERE subscription = $1 AND (number > $2 OR again) ORDER BY again DESC, number LIMIT $3

-- name: subscription_events_between
SELECT number, type, resource, version, did, happened FROM subscription_event
 WHERE subscription = $1 AND number BETWEEN $2 AND $3 ORDER BY number LIMIT $4

-- name: subscription_taken
-- Its target has taken something ($3: up to which event; $4: those that were wanted again).
WITH done AS (UPDATE subscription_event SET again = false WHERE subscription = $1 AND number = ANY ($4::bigint[]))
UPDATE subscription SET status = 'active', delivered = greatest(delivered, $3), failures = 0, trouble = NULL, beat = now(),
       due = CASE WHEN events > greatest(delivered, $3) OR shown <> 'active'
                       OR EXISTS (SELECT FROM subscription_event e
                                   WHERE e.subscription = $1 AND e.again AND e.number <> ALL ($4::bigint[])) THEN now()
                  ELSE least(now() + make_interval(secs => heartbeat), ends) END
 WHERE id = $1 AND written = $2

-- name: subscription_failed
UPDATE subscription SET failures = failures + 1, trouble = $3, due = now() + $4::interval
 WHERE id = $1 AND written = $2

-- name: subscription_refused
-- The target said no to this event; how often by now.
UPDATE subscription_event SET refused = refused + 1 WHERE subscription = $1 AND number = $2 RETURNING refused

-- name: subscription_put_aside
WITH aside AS (UPDATE subscription_event SET aside = true, again = false WHERE subscription = $1 AND number = $3)
UPDATE subscription SET delivered = greatest(delivered, $3), failures = 0, due = now()
 WHERE id = $1 AND written = $2

-- name: subscription_end
UPDATE subscription SET status = 'off', trouble = $3, due = now() WHERE id = $1 AND written = $2

-- name: subscription_shown
UPDATE subscription SET shown = $3, due = CASE
       WHEN status IN ('refused', 'off') THEN NULL
       WHEN failures > 0 THEN due
       WHEN status = 'requested' OR events > delivered
            OR EXISTS (SELECT FROM subscription_event e WHERE e.subscription = $1 AND e.again) THEN now()
       ELSE least(beat + make_interval(secs => heartbeat), ends) END
 WHERE id = $1 AND written = $2

-- name: subscription_later
UPDATE subscription SET due = now() + $2::interval WHERE id = $1

-- name: subscription_look
SELECT id, status, failures, events, delivered, content, written, trouble FROM subscription WHERE id = $1

-- name: subscription_events_old
-- What was taken long ago, some at a time.
DELETE FROM subscription_event WHERE (subscription, number) IN (
    SELECT e.subscription, e.number FROM subscription_event e JOIN subscription s ON s.id = e.subscription
     WHERE e.number <= s.delivered AND NOT e.aside AND NOT e.again AND e.happened < now() - $1::interval LIMIT $2)

-- name: subscription_states
-- For operators: how each stands.
SELECT s.id, s.status, s.failures, s.events, s.delivered, s.due,
       (SELECT count(*) FROM subscription_event e WHERE e.subscription = s.id AND e.aside) AS aside
  FROM subscription s ORDER BY s.id LIMIT $1

-- name: subscription_replay
-- Events that were put aside are told again ($2: this one only).
WITH wanted AS (
    UPDATE subscription_event SET aside = false, again = true, refused = 0
     WHERE subscription = $1 AND aside AND ($2::bigint IS NULL OR number = $2) RETURNING 1),
     woken AS (UPDATE subscription SET due = now() WHERE id = $1 AND EXISTS (SELECT FROM wanted))
SELECT count(*) FROM wanted

-- name: subscriptions_waiting
-- How those stand that somebody listens to by a socket; due: it is over, or its listener is to hear a heartbeat.
SELECT id, events, status <> 'active' OR coalesce(ends <= now(), false)
       OR EXISTS (SELECT FROM subscription_event e WHERE e.subscription = s.id AND e.again)
       OR coalesce(beat + make_interval(secs => heartbeat) <= now(), false) AS due
  FROM subscription s WHERE id = ANY ($1::text[])
