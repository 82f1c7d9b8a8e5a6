-- Search parameters that somebody added (SearchParameter resources), an edition a row: store/parameters.py.
CREATE TABLE search_parameter (
    generation integer PRIMARY KEY,    -- part of its terms, so that editions do not mix
    id text COLLATE "C" NOT NULL,      -- of the SearchParameter; '*': all rows are indexed anew by the rules of now
    batch bigint NOT NULL,             -- that wrote the version of it that this edition is
    state text NOT NULL CHECK (state IN ('waiting', 'active', 'replaced', 'refused')),
    definition text NOT NULL,          -- the resource's JSON
    why text NOT NULL DEFAULT '',      -- it was refused
    shard bigint NOT NULL DEFAULT -1,  -- rows are indexed by it up to here (their primary key)
    type smallint NOT NULL DEFAULT 0,
    row_id text COLLATE "C" NOT NULL DEFAULT '',
    rows bigint NOT NULL DEFAULT 0,    -- looked at
    began timestamptz,
    changed timestamptz NOT NULL DEFAULT now()
);
CREATE SEQUENCE search_parameter_generation AS integer;
