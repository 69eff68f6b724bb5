-- Which proposals name a holder.
CREATE TABLE proposal_holders (
    issuer BIGINT NOT NULL,
    holder BIGINT NOT NULL,
    proposal BIGINT NOT NULL,
    PRIMARY KEY (issuer, holder, proposal)
);

-- Those of the proposals that are here. An instruction has 16 bytes and the 192 of its content's header, then 16 for each
-- change, whose first four are the holder, little-endian (docs/SYNC.md).
INSERT INTO proposal_holders (issuer, holder, proposal)
SELECT issuer,
    get_byte(instruction, at)::bigint + get_byte(instruction, at + 1)::bigint * 256
        + get_byte(instruction, at + 2)::bigint * 65536 + get_byte(instruction, at + 3)::bigint * 16777216,
    id
FROM proposals CROSS JOIN LATERAL generate_series(208, 208 + 16 * (changes::int - 1), 16) AS at
-- Of an instruction that somebody altered, nobody is found.
WHERE octet_length(instruction) = 272 + 16 * changes;
