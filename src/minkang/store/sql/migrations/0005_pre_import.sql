-- Imports: what was asked, which pieces are done, which lines were refused (store/bulk/).

CREATE TABLE import_job (
    id text COLLATE "C" PRIMARY KEY,
    source text NOT NULL,              -- who the data comes from; batches say import:<source>
    files jsonb NOT NULL,              -- [{"path", "size", "modified"}]: what a resumed import must still find
    begun timestamptz NOT NULL,
    finished timestamptz
);

-- Each piece of a file commits together with the rows it brought: what is not here has left nothing behind.
CREATE TABLE import_chunk (
    job text COLLATE "C" NOT NULL REFERENCES import_job ON DELETE CASCADE,
    file integer NOT NULL,             -- place in import_job.files, from 0
    begin bigint NOT NULL,             -- offset in the unpacked file
    size integer NOT NULL,
    created integer NOT NULL,
    updated integer NOT NULL,
    unchanged integer NOT NULL,
    rejected integer NOT NULL,
    PRIMARY KEY (job, file, begin)
);

-- Lines that were refused, with the reason and without their content.
CREATE TABLE import_rejected (
    job text COLLATE "C" NOT NULL REFERENCES import_job ON DELETE CASCADE,
    file integer NOT NULL,
    line bigint NOT NULL,              -- from 1
    outcome jsonb NOT NULL,            -- OperationOutcome
    PRIMARY KEY (job, file, line)
);
