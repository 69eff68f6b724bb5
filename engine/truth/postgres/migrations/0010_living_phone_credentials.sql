-- Each renewal of a phone looks for the holder's other phone credentials that have not ended. Rows that have are never deleted.
-- While it is built no credential is issued. Who has very many builds it beforehand, CONCURRENTLY: docs/OPERATIONS.md, Upgrades.
CREATE INDEX IF NOT EXISTS living_phone_credentials ON credentials (issuer, holder, expires_s) WHERE kind = 1;
