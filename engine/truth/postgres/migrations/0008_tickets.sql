-- Tickets that codes were issued for. The ticket is a keyed digest of the office's number; the reference that gates show is
-- in the code alone.
CREATE TABLE tickets (
    issuer BIGINT NOT NULL,
    ticket BYTEA NOT NULL,
    office TEXT COLLATE "C" NOT NULL,
    phase TEXT COLLATE "C" NOT NULL,
    holder BIGINT NOT NULL CHECK (holder >= 0),
    hub BIGINT NOT NULL,
    from_s BIGINT NOT NULL,
    until_s BIGINT NOT NULL,
    -- Of the credential that was issued last.
    issued_s BIGINT NOT NULL,
    digest BYTEA NOT NULL,
    made BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    PRIMARY KEY (issuer, ticket)
);
CREATE INDEX tickets_of_holder ON tickets (issuer, holder, issued_s);

-- Trip credentials that ended before their time, for engines.
CREATE TABLE ended_trips (
    issuer BIGINT NOT NULL,
    digest BYTEA NOT NULL,
    expires_s BIGINT NOT NULL,
    PRIMARY KEY (issuer, digest)
);
CREATE INDEX ended_trips_by_end ON ended_trips (issuer, expires_s);
