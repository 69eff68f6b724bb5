-- Tickets that codes were issued for. The ticket is a keyed digest of the office's number; the reference that gates show is
-- in the code alone.
CREATE TABLE tickets (
    issuer   INTEGER NOT NULL,
    ticket   BLOB    NOT NULL,
    office   TEXT    NOT NULL,
    phase    TEXT    NOT NULL,
    holder   INTEGER NOT NULL,
    hub      INTEGER NOT NULL,
    from_s   INTEGER NOT NULL,
    until_s  INTEGER NOT NULL,
    -- Of the credential that was issued last.
    issued_s INTEGER NOT NULL,
    digest   BLOB    NOT NULL,
    made     INTEGER NOT NULL,
    changed  INTEGER NOT NULL,
    PRIMARY KEY (issuer, ticket),
    FOREIGN KEY (issuer, holder) REFERENCES holders
) STRICT, WITHOUT ROWID;
CREATE INDEX tickets_of_holder ON tickets (issuer, holder, issued_s);

-- Trip credentials that ended before their time, for engines.
CREATE TABLE ended_trips (
    issuer    INTEGER NOT NULL,
    digest    BLOB    NOT NULL,
    expires_s INTEGER NOT NULL,
    PRIMARY KEY (issuer, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX ended_trips_by_end ON ended_trips (issuer, expires_s);
