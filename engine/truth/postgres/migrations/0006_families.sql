-- Relatives whom users were bound to (R27). Rows are never removed, and their numbers have no gaps in an issuer.
CREATE TABLE bindings (
    issuer BIGINT NOT NULL,
    id BIGINT NOT NULL CHECK (id > 0),
    -- The user's record and the relative's when it was made; either may have been joined into another since.
    applicant BIGINT NOT NULL,
    relative BIGINT NOT NULL,
    made BIGINT NOT NULL,
    -- When it ends by itself: the start of a child's 17th birthday.
    until_ms BIGINT,
    ended BIGINT,
    ended_by TEXT COLLATE "C",
    -- What showed that the application was meant and the relative's consent, sealed for this row.
    sealed BYTEA NOT NULL,
    PRIMARY KEY (issuer, id)
);
CREATE INDEX bindings_of_applicant ON bindings (issuer, applicant, id);
CREATE INDEX bindings_of_relative ON bindings (issuer, relative, id);
