-- One row in each table, with the names of columns from before migration 3.
INSERT INTO issuers (issuer, name, national, publisher, brake_share_permille, brake_window_s, brake_free, sequence,
    digest, proposed_ms, confirmed_ms, second_phone)
    VALUES (310000, 'Shanghai', 100000, 100001, 11, 12, 13, 1, x'0707070707070707070707070707070707070707070707070707070707070707', 71, 72, 'supersede');
INSERT INTO holders VALUES (310000, 0, x'0202020202020202020202020202020202020202020202020202020202020202', x'00', 21);
INSERT INTO credentials (issuer, holder, kind, generation, issued_s, expires_s, key, digest)
    VALUES (310000, 0, 2, 0, 31, 32, x'0101010101010101', x'0303030303030303030303030303030303030303030303030303030303030303');
INSERT INTO sites VALUES (5, 'A school', '');
INSERT INTO devices VALUES (1, 5, 'north', 1, 41, 42);
INSERT INTO rosters VALUES (5, '3b', 51, x'00');
INSERT INTO proposals VALUES (310000, 1, x'0606060606060606060606060606060606060606060606060606060606060606', 66, 67, 7, x'0606060606060606060606060606060606060606060606060606060606060606',
    x'0101010101010101', 'contact of a case', 1, 1, 68, 'braked', NULL, 61, 62, 63, 64, 65, x'00', x'00');
INSERT INTO sets VALUES (310000, 1, 73, 1, x'0707070707070707070707070707070707070707070707070707070707070707', x'00');
INSERT INTO checkpoints VALUES (310000, 1, 81, x'00');
INSERT INTO tokens (label, hash, scopes, issuer, made_ms, expires_ms, revoked_ms)
    VALUES ('clerk', x'0909090909090909090909090909090909090909090909090909090909090909', 1, NULL, 91, 92, 93);
INSERT INTO trail (number, at_ms, who, deed, issuer, what, digest)
    VALUES (1, 99, 'clerk', 'issuer.put', 310000, 'x', x'0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a');
INSERT INTO trail (number, at_ms, who, deed, issuer, what, digest)
    VALUES (2, 99, 'district', 'proposal.added', 310000,
        '1 changes, 1 red, content 0606060606060606060606060606060606060606060606060606060606060606', x'0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a');
