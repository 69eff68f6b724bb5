-- Invitations to activate a holder's phone. Of the number only its SHA-256 is here.
CREATE TABLE invitations (
    number  BLOB    NOT NULL PRIMARY KEY,
    issuer  INTEGER NOT NULL,
    holder  INTEGER NOT NULL,
    level   TEXT    NOT NULL,
    made    INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    -- By a newer one.
    ended   INTEGER,
    -- When it was used, and which phone it made.
    used    INTEGER,
    phone   INTEGER,
    FOREIGN KEY (issuer, holder) REFERENCES holders
) STRICT, WITHOUT ROWID;
CREATE INDEX invitations_of_holder ON invitations (issuer, holder);

-- Phones of holders, counted from 1 for each. The key is public.
CREATE TABLE phones (
    issuer  INTEGER NOT NULL,
    holder  INTEGER NOT NULL,
    phone   INTEGER NOT NULL,
    key     BLOB    NOT NULL,
    level   TEXT    NOT NULL,
    made    INTEGER NOT NULL,
    renewed INTEGER,
    ended   INTEGER,
    PRIMARY KEY (issuer, holder, phone),
    FOREIGN KEY (issuer, holder) REFERENCES holders
) STRICT, WITHOUT ROWID;
