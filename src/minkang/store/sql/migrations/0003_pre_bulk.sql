-- Exports, bulk deletions and imports: who ordered what, how far it has come; and what an export must know of the past.

-- One long job. What was asked and how far it has come is sealed: it may name people.
CREATE TABLE bulk_job (
    id text COLLATE "C" PRIMARY KEY,   -- random; part of the address that tells its state
    kind text NOT NULL,                -- export, delete, import
    owner text NOT NULL,               -- whose it is (Actor.reference): nobody else sees it
    status text NOT NULL,              -- waiting, running, finished, failed, cancelled
    created timestamptz NOT NULL,
    updated timestamptz NOT NULL,      -- last sign of life
    expires timestamptz,               -- when its files go; NULL until it has ended
    done real NOT NULL,                -- 0 to 1, as far as it can be told
    rows bigint NOT NULL,              -- resources so far
    request bytea NOT NULL,            -- sealed JSON
    state bytea                        -- sealed JSON: where to go on; in the end the outcome
);
CREATE INDEX bulk_job_owner ON bulk_job (owner, status);
CREATE INDEX bulk_job_expires ON bulk_job (expires) WHERE expires IS NOT NULL;

-- A resource that changes its resident changes its shard. An export that walks the shards must not meet it twice, or not
-- at all: it asks here where a resource was when the export began.
CREATE TABLE resource_moved (
    type smallint NOT NULL,
    id text COLLATE "C" NOT NULL,
    batch bigint NOT NULL,             -- the transaction that moved it
    shard bigint NOT NULL,             -- where it was before
    PRIMARY KEY (type, id, batch)
);
CREATE INDEX resource_moved_from ON resource_moved (shard, type, id);

-- Deletions in the order of an export.
CREATE INDEX resource_version_deleted ON resource_version (shard, type, id) WHERE deleted;

-- The batches of one sender.
CREATE INDEX batch_source ON batch (source, id) WHERE source IS NOT NULL;
