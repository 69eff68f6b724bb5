-- The registry's tables. docs/REGISTRY.md says what stands in them and what is sealed.
-- Times are milliseconds since 1970 unless their name says seconds. Status words are 64 bits read as signed.

CREATE TABLE issuers (
    issuer               INTEGER PRIMARY KEY,
    name                 TEXT    NOT NULL,
    national             INTEGER NOT NULL,
    publisher            INTEGER NOT NULL,
    brake_share_permille INTEGER NOT NULL,
    brake_window_s       INTEGER NOT NULL,
    brake_free           INTEGER NOT NULL,
    next_holder          INTEGER NOT NULL DEFAULT 0,
    next_proposal        INTEGER NOT NULL DEFAULT 1,
    -- Holders whose colour is known.
    known                INTEGER NOT NULL DEFAULT 0,
    -- Where the chain ends.
    sequence             INTEGER NOT NULL DEFAULT 0,
    digest               BLOB    NOT NULL,
    proposed_ms          INTEGER NOT NULL DEFAULT 0,
    confirmed_ms         INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE holders (
    issuer        INTEGER NOT NULL REFERENCES issuers,
    holder        INTEGER NOT NULL,
    subject       BLOB    NOT NULL,
    sealed        BLOB    NOT NULL,
    registered_ms INTEGER NOT NULL,
    PRIMARY KEY (issuer, holder),
    UNIQUE (issuer, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE credentials (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    issuer     INTEGER NOT NULL,
    holder     INTEGER NOT NULL,
    kind       INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    issued_s   INTEGER NOT NULL,
    expires_s  INTEGER NOT NULL,
    key        BLOB    NOT NULL,
    digest     BLOB    NOT NULL,
    UNIQUE (issuer, digest),
    FOREIGN KEY (issuer, holder) REFERENCES holders
) STRICT;
CREATE INDEX credentials_of_holder ON credentials (issuer, holder, number);

CREATE TABLE sites (
    site   INTEGER PRIMARY KEY,
    name   TEXT NOT NULL,
    policy TEXT NOT NULL
) STRICT;

CREATE TABLE devices (
    device     INTEGER PRIMARY KEY,
    site       INTEGER NOT NULL REFERENCES sites,
    name       TEXT    NOT NULL,
    generation INTEGER NOT NULL,
    revoked_ms INTEGER,
    added_ms   INTEGER NOT NULL,
    UNIQUE (site, name)
) STRICT;

CREATE TABLE rosters (
    site    INTEGER NOT NULL REFERENCES sites,
    name    TEXT    NOT NULL,
    count   INTEGER NOT NULL,
    members BLOB    NOT NULL,
    PRIMARY KEY (site, name)
) STRICT;

CREATE TABLE proposals (
    issuer         INTEGER NOT NULL REFERENCES issuers,
    proposal       INTEGER NOT NULL,
    content        BLOB    NOT NULL,
    proposed_ms    INTEGER NOT NULL,
    expires_ms     INTEGER NOT NULL,
    rule           INTEGER NOT NULL,
    inputs         BLOB    NOT NULL,
    local_key      BLOB    NOT NULL,
    reason         TEXT    NOT NULL,
    changes        INTEGER NOT NULL,
    reds           INTEGER NOT NULL,
    added_ms       INTEGER NOT NULL,
    phase          TEXT    NOT NULL,
    sequence       INTEGER,
    alarm_reds     INTEGER,
    alarm_recent   INTEGER,
    alarm_holders  INTEGER,
    alarm_permille INTEGER,
    released_reds  INTEGER,
    released       BLOB,
    instruction    BLOB    NOT NULL,
    PRIMARY KEY (issuer, proposal),
    UNIQUE (issuer, content)
) STRICT;
CREATE INDEX proposals_of_phase ON proposals (issuer, phase, proposal);

-- Bytes come last: whoever reads the other columns reads no page of them.
CREATE TABLE sets (
    issuer      INTEGER NOT NULL REFERENCES issuers,
    sequence    INTEGER NOT NULL,
    appended_ms INTEGER NOT NULL,
    reds        INTEGER NOT NULL,
    digest      BLOB    NOT NULL,
    bytes       BLOB    NOT NULL,
    PRIMARY KEY (issuer, sequence)
) STRICT;
CREATE INDEX reds_of_window ON sets (issuer, appended_ms, reds) WHERE reds > 0;

CREATE TABLE statuses (
    issuer   INTEGER NOT NULL,
    holder   INTEGER NOT NULL,
    word     INTEGER NOT NULL,
    -- The set that gave it.
    sequence INTEGER NOT NULL,
    PRIMARY KEY (issuer, holder)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoints (
    issuer   INTEGER PRIMARY KEY REFERENCES issuers,
    sequence INTEGER NOT NULL,
    made_ms  INTEGER NOT NULL,
    bytes    BLOB    NOT NULL
) STRICT;

CREATE TABLE tokens (
    token      INTEGER PRIMARY KEY AUTOINCREMENT,
    label      TEXT    NOT NULL UNIQUE,
    hash       BLOB    NOT NULL UNIQUE,
    scopes     INTEGER NOT NULL,
    issuer     INTEGER,
    made_ms    INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    revoked_ms INTEGER
) STRICT;

CREATE TABLE trail (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms  INTEGER NOT NULL,
    who    TEXT    NOT NULL,
    deed   TEXT    NOT NULL,
    issuer INTEGER,
    what   TEXT    NOT NULL
) STRICT;

-- Chains and the trail only grow.
CREATE TRIGGER trail_stays BEFORE UPDATE ON trail BEGIN SELECT RAISE(ABORT, 'the trail only grows'); END;
CREATE TRIGGER trail_is_kept BEFORE DELETE ON trail BEGIN SELECT RAISE(ABORT, 'the trail only grows'); END;
CREATE TRIGGER sets_stay BEFORE UPDATE ON sets BEGIN SELECT RAISE(ABORT, 'a chain only grows'); END;
CREATE TRIGGER sets_are_kept BEFORE DELETE ON sets BEGIN SELECT RAISE(ABORT, 'a chain only grows'); END;
