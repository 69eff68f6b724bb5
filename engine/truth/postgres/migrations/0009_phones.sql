-- Invitations to activate a holder's phone. Of the number only its SHA-256 is here.
CREATE TABLE invitations (
    number BYTEA NOT NULL PRIMARY KEY,
    issuer BIGINT NOT NULL,
    holder BIGINT NOT NULL CHECK (holder >= 0),
    level TEXT COLLATE "C" NOT NULL,
    made BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    -- By a newer one.
    ended BIGINT,
    -- When it was used, and which phone it made.
    used BIGINT,
    phone BIGINT
);
CREATE INDEX invitations_of_holder ON invitations (issuer, holder);

-- Phones of holders, counted from 1 for each. The key is public.
CREATE TABLE phones (
    issuer BIGINT NOT NULL,
    holder BIGINT NOT NULL CHECK (holder >= 0),
    phone BIGINT NOT NULL,
    key BYTEA NOT NULL,
    level TEXT COLLATE "C" NOT NULL,
    made BIGINT NOT NULL,
    renewed BIGINT,
    ended BIGINT,
    PRIMARY KEY (issuer, holder, phone)
);
