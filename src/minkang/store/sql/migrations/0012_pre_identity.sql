-- Who is one person: which resident each registration (a Patient) is of, what was done about it, what waits for people.
CREATE TABLE registration (
    patient text COLLATE "C" PRIMARY KEY,  -- id of a Patient
    resident bigint NOT NULL,              -- whose rows it lies among (resource.shard)
    version integer NOT NULL,              -- of the Patient, as judged last
    keys bigint[] NOT NULL                 -- hashes of its blocking keys (platform/identity/blocking.py)
);
CREATE INDEX registration_keys ON registration USING gin (keys) WITH (fastupdate = off);
CREATE INDEX registration_resident ON registration (resident);

CREATE TABLE identity_event (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    kind text NOT NULL CHECK (kind IN ('link', 'part', 'merge', 'undo')),
    actor text NOT NULL,
    patients text[] NOT NULL,              -- that it moved
    source bigint NOT NULL,                -- resident they were of
    target bigint NOT NULL,                -- and are of since
    undoes bigint REFERENCES identity_event,
    undone boolean NOT NULL DEFAULT false,
    told bytea NOT NULL                    -- sealed JSON: why, by which rule or weights, with what evidence
);
CREATE INDEX identity_event_patients ON identity_event USING gin (patients);

CREATE TABLE identity_review (
    a text COLLATE "C" NOT NULL,           -- ids of two Patients, the lower first
    b text COLLATE "C" NOT NULL,
    reason text NOT NULL,                  -- platform/identity/deciding.py
    state text NOT NULL CHECK (state IN ('open', 'linked', 'apart')),
    chance real NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    decided timestamptz,
    actor text,                            -- who decided
    told bytea NOT NULL,                   -- sealed JSON: what speaks for and against
    PRIMARY KEY (a, b)
);
CREATE INDEX identity_review_open ON identity_review (at) WHERE state = 'open';
CREATE INDEX identity_review_b ON identity_review (b);
