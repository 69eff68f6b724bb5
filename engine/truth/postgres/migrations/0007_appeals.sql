-- The brake counts every holder whom a set sets back, not only those it turns red. Sets from before keep their reds as that
-- number: a window is a day at most.
ALTER TABLE sets RENAME COLUMN reds TO set_back;

-- What the brake saw when it last held a proposal, beside the reds; of proposals from before it saw reds alone.
ALTER TABLE proposals ADD COLUMN alarm_ambers BIGINT;
ALTER TABLE proposals ADD COLUMN alarm_forgotten BIGINT;
ALTER TABLE proposals ADD COLUMN alarm_generations BIGINT;
UPDATE proposals SET alarm_ambers = 0, alarm_forgotten = 0, alarm_generations = 0 WHERE alarm_reds IS NOT NULL;

-- The label of the token that handed a proposal in; of those that are here it stands in the trail. Nothing where no line of
-- the trail says so.
ALTER TABLE proposals ADD COLUMN proposer TEXT COLLATE "C" NOT NULL DEFAULT '';
UPDATE proposals SET proposer = line.who
FROM (
    SELECT DISTINCT ON (issuer, right(what, 64)) issuer, right(what, 64) AS content, who FROM trail
    WHERE deed = 'proposal.added' ORDER BY issuer, right(what, 64), number
) AS line
WHERE line.issuer = proposals.issuer AND line.content = encode(proposals.content, 'hex');

-- Appeals against a colour or a check. An empty text is none.
CREATE TABLE appeals (
    issuer BIGINT NOT NULL,
    id BIGINT NOT NULL CHECK (id > 0),
    holder BIGINT NOT NULL,
    against TEXT COLLATE "C" NOT NULL,
    -- A keyed digest of what it is against, so that the same is found again.
    subject BYTEA NOT NULL,
    channel TEXT COLLATE "C" NOT NULL,
    -- Whether an accepted one is carried out is read from its proposal.
    phase TEXT COLLATE "C" NOT NULL CHECK (phase <> 'carried-out'),
    colour TEXT COLLATE "C" NOT NULL,
    first BIGINT,
    given_by BIGINT,
    opened BIGINT NOT NULL,
    due BIGINT NOT NULL,
    decided BIGINT,
    taken_by TEXT COLLATE "C" NOT NULL,
    reviewer TEXT COLLATE "C" NOT NULL,
    proposal BIGINT,
    -- What the appellant said, sealed with a key that is not in the database.
    sealed BYTEA NOT NULL,
    PRIMARY KEY (issuer, id)
);
CREATE INDEX appeals_of_holder ON appeals (issuer, holder, id);
CREATE INDEX appeals_opened ON appeals (issuer, opened);
CREATE INDEX appeals_decided ON appeals (issuer, decided) WHERE decided IS NOT NULL;
CREATE INDEX appeals_due ON appeals (issuer, due) WHERE phase IN ('open', 'in-review');

-- Every step of an appeal, with words for the appellant. They only grow.
CREATE TABLE appeal_steps (
    issuer BIGINT NOT NULL,
    appeal BIGINT NOT NULL,
    number BIGINT NOT NULL CHECK (number > 0),
    at BIGINT NOT NULL,
    who TEXT COLLATE "C" NOT NULL,
    phase TEXT COLLATE "C" NOT NULL,
    words TEXT NOT NULL,
    PRIMARY KEY (issuer, appeal, number),
    FOREIGN KEY (issuer, appeal) REFERENCES appeals
);
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON appeal_steps
    FOR EACH STATEMENT EXECUTE FUNCTION only_grows();

-- Appeals with what became of their proposals.
CREATE VIEW told_appeals AS
SELECT a.issuer, a.id, a.holder, a.against, a.subject, a.channel, a.colour, a.first, a.given_by, a.opened, a.due, a.decided,
    a.taken_by, a.reviewer, a.proposal, a.sealed,
    CASE WHEN a.phase = 'accepted' AND p.phase = 'confirmed' THEN 'carried-out' ELSE a.phase END AS phase,
    coalesce(p.phase, '') AS proposal_phase, coalesce(g.proposer, '') AS proposer
FROM appeals AS a
LEFT JOIN proposals AS p ON p.issuer = a.issuer AND p.id = a.proposal
LEFT JOIN proposals AS g ON g.issuer = a.issuer AND g.id = a.given_by;
