-- Followers of the feed (platform/workflow), and who is told of changes (platform/subscriptions).

-- Within a batch of many rows a follower stops between two of them; what fails is tried again a while later.
ALTER TABLE cursor
    ADD COLUMN place text COLLATE "C" NOT NULL DEFAULT '',  -- `type id version` of the last row done of the batch behind position
    ADD COLUMN failures integer NOT NULL DEFAULT 0,         -- of the change that comes next
    ADD COLUMN retry timestamptz;                           -- when it is tried again; NULL: at once

-- Made here and not by the follower's first step: a Subscription may be stored before that.
INSERT INTO cursor (consumer, position, updated) SELECT 'subscriptions', coalesce(max(position), 0), now() FROM batch;

-- Changes that a follower could not take, put aside so that it goes on.
CREATE TABLE feed_letter (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    consumer text NOT NULL,
    batch bigint NOT NULL,
    type smallint NOT NULL,
    resource text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    failed timestamptz NOT NULL,
    failures integer NOT NULL,
    words bytea NOT NULL,                                   -- sealed: an error may quote what it met
    again timestamptz                                       -- when somebody asked for another try
);
CREATE UNIQUE INDEX feed_letter_change ON feed_letter (consumer, type, resource, version);

-- What is known of each Subscription that was stored, beside the resource itself.
CREATE TABLE subscription (
    id text COLLATE "C" PRIMARY KEY,                        -- of the Subscription
    version integer NOT NULL,                               -- newest version that was looked at
    written integer NOT NULL,                               -- newest version that its author wrote
    actor text NOT NULL,                                    -- who wrote it: delivery is within this actor's scope
    status text NOT NULL,                                   -- requested, active, refused (cannot be served as written), off
    shown text NOT NULL,                                    -- the status the resource shows
    content bytea NOT NULL,                                 -- sealed: the Subscription as its author wrote it
    trouble bytea,                                          -- sealed: why it is in error or off
    ends timestamptz,
    heartbeat integer,                                      -- seconds
    events bigint NOT NULL DEFAULT 0,                       -- number of the last event
    delivered bigint NOT NULL DEFAULT 0,                    -- number of the last event that was taken, or put aside
    failures integer NOT NULL DEFAULT 0,                    -- in a row
    due timestamptz,                                        -- when it is looked at next; NULL: nothing to do
    beat timestamptz                                        -- when its target last took something
);
CREATE INDEX subscription_due ON subscription (due) WHERE due IS NOT NULL;

-- What happened, by number. Names only: the resource is read within the author's scope when it is told.
CREATE TABLE subscription_event (
    subscription text COLLATE "C" NOT NULL,
    number bigint NOT NULL,
    type smallint NOT NULL,
    resource text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    did text NOT NULL,                                      -- created, updated, deleted
    happened timestamptz NOT NULL,
    refused integer NOT NULL DEFAULT 0,                     -- how often the target said no to it
    aside boolean NOT NULL DEFAULT false,                   -- refused too often: a dead letter
    again boolean NOT NULL DEFAULT false,                   -- a dead letter that somebody wants to be told again
    PRIMARY KEY (subscription, number)
);
CREATE INDEX subscription_event_aside ON subscription_event (subscription) WHERE aside OR again;
