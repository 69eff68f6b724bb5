-- Which proposals name a holder. The program fills in those of the proposals that are here.
CREATE TABLE proposal_holders (
    issuer   INTEGER NOT NULL,
    holder   INTEGER NOT NULL,
    proposal INTEGER NOT NULL,
    PRIMARY KEY (issuer, holder, proposal)
) STRICT, WITHOUT ROWID;
