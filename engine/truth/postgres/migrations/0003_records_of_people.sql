-- A number that several people may have, and this is one of them: a document's without its issuing state, or that of the
-- first of two people with one number. A keyed digest, as the subject is.
ALTER TABLE holders ADD COLUMN document BYTEA;
CREATE INDEX holders_of_document ON holders (issuer, document) WHERE document IS NOT NULL;

-- The record that goes on when this one was another of the same person.
ALTER TABLE holders ADD COLUMN joined BIGINT CHECK (joined >= 0);
CREATE INDEX holders_joined ON holders (issuer, joined) WHERE joined IS NOT NULL;
