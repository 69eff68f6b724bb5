-- What is recorded of holders. A digest says whether a fact is here without saying what it is.
CREATE TABLE facts (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    issuer BIGINT NOT NULL,
    holder BIGINT NOT NULL,
    digest BYTEA NOT NULL,
    -- When it is deleted, milliseconds; never when there is none.
    forgotten BIGINT,
    sealed BYTEA NOT NULL,
    UNIQUE (issuer, digest)
);
CREATE INDEX facts_of_holder ON facts (issuer, holder, number);
CREATE INDEX facts_to_forget ON facts (issuer, forgotten) WHERE forgotten IS NOT NULL;
-- By number within an issuer, for who follows them.
CREATE INDEX facts_in_order ON facts (issuer, number);

-- What rulings name: rule files, places of risk, how colours were computed.
CREATE TABLE papers (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    issuer BIGINT NOT NULL,
    kind TEXT COLLATE "C" NOT NULL,
    name BYTEA NOT NULL,
    added BIGINT NOT NULL,
    bytes BYTEA NOT NULL,
    UNIQUE (issuer, kind, name)
);

-- When the set was confirmed that gave the colour, milliseconds. Of words that are here now: when their last set was
-- appended, which is not earlier.
ALTER TABLE statuses ADD COLUMN since BIGINT NOT NULL DEFAULT 0;
UPDATE statuses SET since = coalesce(
    (SELECT appended FROM sets WHERE sets.issuer = statuses.issuer AND sets.sequence = statuses.sequence), 0);
