-- The registry's tables. Ids, times and counts are BIGINT and never negative; a status word is the BIGINT with the
-- same 64 bits. Times are milliseconds since 1970 unless their name says seconds. Text sorts by its bytes.
--
-- Whoever changes what belongs to an issuer locks the issuer's row first, so that nobody waits for two of them in
-- different orders. Foreign keys are where something may be removed that others need; issuers and holders never are.

CREATE TABLE issuers (
    id BIGINT PRIMARY KEY CHECK (id >= 0),
    name TEXT COLLATE "C" NOT NULL,
    national BIGINT NOT NULL,
    publisher BIGINT NOT NULL,
    -- The brake on bulk reds.
    share_permille BIGINT NOT NULL,
    window_s BIGINT NOT NULL,
    free BIGINT NOT NULL,
    -- Indices and numbers are dense: the next ones, given under the row's lock.
    next_holder BIGINT NOT NULL DEFAULT 0,
    next_proposal BIGINT NOT NULL DEFAULT 1,
    -- Holders whose colour is known.
    known BIGINT NOT NULL DEFAULT 0 CHECK (known >= 0),
    -- The chain's last set; zeroes before the first.
    tip_sequence BIGINT NOT NULL DEFAULT 0,
    tip_digest BYTEA NOT NULL DEFAULT decode(repeat('00', 32), 'hex'),
    tip_proposed BIGINT NOT NULL DEFAULT 0,
    tip_confirmed BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE holders (
    issuer BIGINT NOT NULL,
    holder BIGINT NOT NULL CHECK (holder >= 0),
    -- A keyed digest of the id number.
    subject BYTEA NOT NULL,
    -- The personal fields, sealed with a key that is not in the database.
    sealed BYTEA NOT NULL,
    registered BIGINT NOT NULL,
    PRIMARY KEY (issuer, holder),
    UNIQUE (issuer, subject)
);

CREATE TABLE credentials (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    issuer BIGINT NOT NULL,
    holder BIGINT NOT NULL,
    kind BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    issued_s BIGINT NOT NULL,
    expires_s BIGINT NOT NULL,
    key BYTEA NOT NULL,
    -- Of the credential's bytes, which are the holder's alone.
    digest BYTEA NOT NULL,
    UNIQUE (issuer, digest)
);
CREATE INDEX credentials_of_holder ON credentials (issuer, holder, number);

CREATE TABLE sites (
    id BIGINT PRIMARY KEY CHECK (id >= 0),
    name TEXT COLLATE "C" NOT NULL,
    policy TEXT NOT NULL
);

-- Device ids are dense: the next one, in one row.
CREATE TABLE device_ids (
    next BIGINT NOT NULL
);
INSERT INTO device_ids (next) VALUES (1);

CREATE TABLE devices (
    id BIGINT PRIMARY KEY CHECK (id > 0),
    site BIGINT NOT NULL CONSTRAINT devices_site REFERENCES sites (id),
    name TEXT COLLATE "C" NOT NULL,
    generation BIGINT NOT NULL,
    revoked BIGINT,
    added BIGINT NOT NULL,
    CONSTRAINT devices_name UNIQUE (site, name)
);
CREATE INDEX devices_of_site ON devices (site, id);

CREATE TABLE rosters (
    site BIGINT NOT NULL CONSTRAINT rosters_site REFERENCES sites (id),
    name TEXT COLLATE "C" NOT NULL,
    -- Issuers with their holders' indices, packed.
    members BYTEA NOT NULL,
    members_count BIGINT NOT NULL,
    PRIMARY KEY (site, name)
);

CREATE TABLE proposals (
    issuer BIGINT NOT NULL,
    id BIGINT NOT NULL CHECK (id > 0),
    phase TEXT COLLATE "C" NOT NULL,
    content BYTEA NOT NULL,
    proposed BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    rule BIGINT NOT NULL,
    inputs BYTEA NOT NULL,
    local_key BYTEA NOT NULL,
    reason TEXT NOT NULL,
    changes BIGINT NOT NULL,
    reds BIGINT NOT NULL,
    added BIGINT NOT NULL,
    instruction BYTEA NOT NULL,
    -- Of a confirmed one: its place in the chain.
    sequence BIGINT CHECK ((sequence IS NOT NULL) = (phase = 'confirmed')),
    -- What the brake saw when it last held it.
    alarm_reds BIGINT,
    alarm_recent BIGINT,
    alarm_holders BIGINT,
    alarm_share_permille BIGINT,
    -- The national platform's release, and for how many reds.
    release BYTEA,
    released BIGINT,
    PRIMARY KEY (issuer, id),
    UNIQUE (issuer, content)
);
-- The few that something may still become of.
CREATE INDEX proposals_open ON proposals (issuer, phase, id) WHERE phase IN ('pending', 'braked');

CREATE TABLE sets (
    issuer BIGINT NOT NULL,
    sequence BIGINT NOT NULL CHECK (sequence > 0),
    -- The chain's digest up to here: whoever reads the bytes sees whether they are still the same.
    digest BYTEA NOT NULL,
    bytes BYTEA NOT NULL,
    -- Holders whom it turned red, and when it was appended, for the brake.
    reds BIGINT NOT NULL,
    appended BIGINT NOT NULL,
    PRIMARY KEY (issuer, sequence)
);
-- Changes are short already: compressing them takes longer than writing them.
ALTER TABLE sets ALTER COLUMN bytes SET STORAGE EXTERNAL;
ALTER TABLE proposals ALTER COLUMN instruction SET STORAGE EXTERNAL;
-- The brake adds up the reds of its window without reading a set.
CREATE INDEX sets_of_window ON sets (issuer, appended) INCLUDE (reds) WHERE reds > 0;

-- The words that the chain made, all but those that are zero. No index names what changes, and pages have room,
-- so that a new word replaces the old one within its page.
CREATE TABLE statuses (
    issuer BIGINT NOT NULL,
    holder BIGINT NOT NULL,
    word BIGINT NOT NULL,
    sequence BIGINT NOT NULL,
    PRIMARY KEY (issuer, holder)
) WITH (fillfactor = 85);

CREATE TABLE checkpoints (
    issuer BIGINT PRIMARY KEY,
    sequence BIGINT NOT NULL,
    made BIGINT NOT NULL,
    bytes BYTEA NOT NULL
);

CREATE TABLE tokens (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hash BYTEA NOT NULL UNIQUE,
    label TEXT COLLATE "C" NOT NULL CONSTRAINT tokens_label UNIQUE,
    scopes BIGINT NOT NULL,
    issuer BIGINT,
    made BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    revoked BIGINT
);

CREATE TABLE trail (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at BIGINT NOT NULL,
    who TEXT NOT NULL,
    deed TEXT NOT NULL,
    issuer BIGINT,
    what TEXT NOT NULL
);

-- Whatever the registry's role may do, sets and lines of the trail stay as they are.
CREATE FUNCTION only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% only grows', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON sets
    FOR EACH STATEMENT EXECUTE FUNCTION only_grows();
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON trail
    FOR EACH STATEMENT EXECUTE FUNCTION only_grows();
