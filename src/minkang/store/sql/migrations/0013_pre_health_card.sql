-- Health cards (platform/cards): which there are, what they are bound to, what was done with them. A card's id is a keyed
-- digest and tells nobody whose it is; which Patients it belongs to are names only.
CREATE TABLE health_card (
    card text COLLATE "C" PRIMARY KEY,     -- 64 hexadecimal characters (platform/cards/number.py)
    system text NOT NULL,                  -- what the id is an identifier of: ours are sandbox ones
    edition integer NOT NULL DEFAULT 1,    -- codes of former editions are void
    state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'suspended', 'revoked')),
    issued timestamptz NOT NULL DEFAULT clock_timestamp(),
    bound text[] NOT NULL DEFAULT '{}'     -- ids of Patients
);

-- A registration has one card.
CREATE TABLE health_card_bound (
    patient text COLLATE "C" PRIMARY KEY,
    card text COLLATE "C" NOT NULL REFERENCES health_card
);
CREATE INDEX health_card_bound_card ON health_card_bound (card);

CREATE TABLE health_card_use (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    card text COLLATE "C" NOT NULL,        -- empty for a code that nobody can read
    did text NOT NULL,
    outcome text NOT NULL,
    actor text NOT NULL                    -- a terminal, or who did it
);
CREATE INDEX health_card_use_card ON health_card_use (card, id);
