-- Each line of the trail carries the digest over itself and the line before, and a seal over that digest. The program
-- fills in the digests of the lines that are here (SQLite has no SHA-256), in the transaction of this migration.
ALTER TABLE trail ADD COLUMN digest BLOB;
ALTER TABLE trail ADD COLUMN seal BLOB;

DROP TRIGGER trail_stays;
CREATE TRIGGER trail_stays BEFORE UPDATE ON trail WHEN OLD.digest IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'the trail only grows'); END;

-- What becomes of a second phone credential of one holder: tell or supersede.
ALTER TABLE issuers ADD COLUMN second_phone TEXT NOT NULL DEFAULT 'tell';
