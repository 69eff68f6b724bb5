-- Each renewal of a phone looks for the holder's other phone credentials that have not ended. Rows that have are never deleted.
CREATE INDEX IF NOT EXISTS living_phone_credentials ON credentials (issuer, holder, expires_s) WHERE kind = 1;
