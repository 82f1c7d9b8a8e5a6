-- Words of what resources say, for `_text` and `_content`: a table of their own, because few types have it
-- (store/index_rules.json, "text") and a document has hundreds of words. Keyed hashes only: nothing readable.

CREATE TABLE resource_text (
    shard bigint NOT NULL,
    type smallint NOT NULL,
    id text COLLATE "C" NOT NULL,
    words bigint[] NOT NULL,           -- hashes of `Type|words|word` (store/index.py)
    PRIMARY KEY (shard, type, id)
);
CREATE INDEX resource_text_words ON resource_text USING gin (words);
