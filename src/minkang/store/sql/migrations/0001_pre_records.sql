-- The record store: what is kept, where it is found, what is said about it.
-- Everything a person owns is led by `shard`, the resident's number, so that the same schema can be distributed by it.

CREATE TABLE resource (
    shard bigint NOT NULL,             -- resident number (store/shards.py)
    type smallint NOT NULL,            -- store/types.json
    id text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    batch bigint NOT NULL,             -- the transaction that wrote this version
    org bigint NOT NULL,               -- hash of the custodian's Organization id; 0: none
    region integer NOT NULL,           -- the custodian's division (GB/T 2260), fixed at write; 0: none
    date bigint NOT NULL,              -- when it happened: microseconds since 1970 UTC; the least bigint: not said
    updated timestamptz NOT NULL,
    keys bigint[] NOT NULL,            -- hashes of selective search terms (store/index.py), indexed
    flags bigint[] NOT NULL,           -- hashes of common search terms, filtered only
    content bytea NOT NULL,            -- store/seal.py
    PRIMARY KEY (shard, type, id)
);
ALTER TABLE resource ALTER COLUMN content SET STORAGE EXTERNAL;  -- sealed bytes do not compress
CREATE INDEX resource_person ON resource (shard, type, date);
CREATE INDEX resource_keys ON resource USING gin (keys);
CREATE INDEX resource_org ON resource (org, type, date);
CREATE INDEX resource_date ON resource (type, date, shard, id);
CREATE INDEX resource_batch ON resource (batch);

-- Superseded versions and tombstones.
CREATE TABLE resource_version (
    shard bigint NOT NULL,
    type smallint NOT NULL,
    id text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    batch bigint NOT NULL,
    org bigint NOT NULL,
    region integer NOT NULL,
    updated timestamptz NOT NULL,
    deleted boolean NOT NULL,
    content bytea NOT NULL,            -- empty for a tombstone
    PRIMARY KEY (shard, type, id, version)
);
ALTER TABLE resource_version ALTER COLUMN content SET STORAGE EXTERNAL;
CREATE INDEX resource_version_batch ON resource_version (batch);

-- Where a resource lives when its id does not tell: ids that clients made, and rows that moved.
CREATE TABLE locator (
    type smallint NOT NULL,
    id text COLLATE "C" NOT NULL,
    shard bigint NOT NULL,
    PRIMARY KEY (type, id)
);

-- One row per transaction that wrote something: receipt, unit of replay, step of the feed.
CREATE SEQUENCE batch_id;
CREATE TABLE batch (
    id bigint PRIMARY KEY,
    position bigint,                   -- given by the sequencer after commit (store/feed.py)
    updated timestamptz NOT NULL,
    actor text NOT NULL,
    source text,                       -- the sender, with message_id: what makes a resend harmless
    message_id text,
    rows integer NOT NULL,
    answer bytea                       -- sealed: what the first sending was answered
);
CREATE UNIQUE INDEX batch_message ON batch (source, message_id) WHERE message_id IS NOT NULL;
CREATE UNIQUE INDEX batch_position ON batch (position);
CREATE INDEX batch_unsequenced ON batch (id) WHERE position IS NULL;
CREATE INDEX batch_updated ON batch (updated);

-- How far each follower of the feed has come.
CREATE TABLE cursor (
    consumer text PRIMARY KEY,
    position bigint NOT NULL,
    updated timestamptz NOT NULL
);

-- Originals as they came, by the keyed hash of their bytes.
CREATE TABLE document (
    hash bytea PRIMARY KEY,
    media_type text NOT NULL,
    size bigint NOT NULL,
    created timestamptz NOT NULL,
    content bytea NOT NULL
);
ALTER TABLE document ALTER COLUMN content SET STORAGE EXTERNAL;

-- What the store must remember about itself (the key file's fingerprint).
CREATE TABLE store_fact (
    name text PRIMARY KEY,
    value text NOT NULL
);
