-- Each line of the trail carries the digest over itself and the line before, and a seal over that digest. Lines get
-- their numbers under a lock that is held until the commit, one after the other.
ALTER TABLE trail DISABLE TRIGGER only_grows;
ALTER TABLE trail ALTER COLUMN number DROP IDENTITY;
ALTER TABLE trail ADD COLUMN digest BYTEA;
ALTER TABLE trail ADD COLUMN seal BYTEA;

-- The same bytes as TrailDigest::after in engine/registry/src/trail/link.rs.
CREATE FUNCTION pg_temp.trail_text(said TEXT) RETURNS BYTEA LANGUAGE sql AS $$
    SELECT int4send(octet_length(convert_to(said, 'UTF8'))) || convert_to(said, 'UTF8')
$$;
DO $$
DECLARE
    line RECORD;
    chained BYTEA := decode(repeat('00', 32), 'hex');
BEGIN
    FOR line IN SELECT * FROM trail ORDER BY number LOOP
        chained := sha256(convert_to('hufu/1 trail', 'UTF8') || chained || int8send(line.number) || int8send(line.at)
            || pg_temp.trail_text(line.who) || pg_temp.trail_text(line.deed) || int8send(coalesce(line.issuer, -1))
            || pg_temp.trail_text(line.what));
        UPDATE trail SET digest = chained WHERE number = line.number;
    END LOOP;
END
$$;
ALTER TABLE trail ALTER COLUMN digest SET NOT NULL;
ALTER TABLE trail ENABLE TRIGGER only_grows;

-- What becomes of a second phone credential of one holder: tell or supersede.
ALTER TABLE issuers ADD COLUMN second_phone TEXT COLLATE "C" NOT NULL DEFAULT 'tell';
