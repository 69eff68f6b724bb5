-- Relatives whom users were bound to (R27). Rows are never removed, and their numbers have no gaps in an issuer.
CREATE TABLE bindings (
    issuer    INTEGER NOT NULL,
    id        INTEGER NOT NULL,
    -- The user's record and the relative's when it was made; either may have been joined into another since.
    applicant INTEGER NOT NULL,
    relative  INTEGER NOT NULL,
    made      INTEGER NOT NULL,
    -- When it ends by itself: the start of a child's 17th birthday.
    until_ms  INTEGER,
    ended     INTEGER,
    ended_by  TEXT,
    -- What showed that the application was meant and the relative's consent, sealed for this row.
    sealed    BLOB    NOT NULL,
    PRIMARY KEY (issuer, id),
    FOREIGN KEY (issuer, applicant) REFERENCES holders,
    FOREIGN KEY (issuer, relative) REFERENCES holders
) STRICT, WITHOUT ROWID;
CREATE INDEX bindings_of_applicant ON bindings (issuer, applicant, id);
CREATE INDEX bindings_of_relative ON bindings (issuer, relative, id);
