-- The brake counts every holder whom a set sets back, not only those it turns red. Sets from before keep their reds as that
-- number: a window is a day at most.
ALTER TABLE sets RENAME COLUMN reds TO set_back;

-- What the brake saw when it last held a proposal, beside the reds; of proposals from before it saw reds alone.
ALTER TABLE proposals ADD COLUMN alarm_ambers INTEGER;
ALTER TABLE proposals ADD COLUMN alarm_forgotten INTEGER;
ALTER TABLE proposals ADD COLUMN alarm_generations INTEGER;
UPDATE proposals SET alarm_ambers = 0, alarm_forgotten = 0, alarm_generations = 0 WHERE alarm_reds IS NOT NULL;

-- The label of the token that handed a proposal in; of those that are here it stands in the trail. Nothing where no line of
-- the trail says so.
ALTER TABLE proposals ADD COLUMN proposer TEXT NOT NULL DEFAULT '';
CREATE INDEX trail_of_proposals ON trail (issuer, substr(what, -64)) WHERE deed = 'proposal.added';
UPDATE proposals SET proposer = coalesce((
    SELECT who FROM trail
    WHERE deed = 'proposal.added' AND trail.issuer = proposals.issuer AND substr(what, -64) = lower(hex(proposals.content))
    ORDER BY number LIMIT 1
), '');
DROP INDEX trail_of_proposals;

-- Appeals against a colour or a check. An empty text is none.
CREATE TABLE appeals (
    issuer   INTEGER NOT NULL REFERENCES issuers,
    id       INTEGER NOT NULL CHECK (id > 0),
    holder   INTEGER NOT NULL,
    against  TEXT    NOT NULL,
    -- A keyed digest of what it is against, so that the same is found again.
    subject  BLOB    NOT NULL,
    channel  TEXT    NOT NULL,
    -- Whether an accepted one is carried out is read from its proposal.
    phase    TEXT    NOT NULL CHECK (phase <> 'carried-out'),
    colour   TEXT    NOT NULL,
    first    INTEGER,
    given_by INTEGER,
    opened   INTEGER NOT NULL,
    due      INTEGER NOT NULL,
    decided  INTEGER,
    taken_by TEXT    NOT NULL,
    reviewer TEXT    NOT NULL,
    proposal INTEGER,
    -- What the appellant said, sealed with a key that is not in the database.
    sealed   BLOB    NOT NULL,
    PRIMARY KEY (issuer, id)
) STRICT;
CREATE INDEX appeals_of_holder ON appeals (issuer, holder, id);
CREATE INDEX appeals_opened ON appeals (issuer, opened);
CREATE INDEX appeals_decided ON appeals (issuer, decided) WHERE decided IS NOT NULL;
CREATE INDEX appeals_due ON appeals (issuer, due) WHERE phase IN ('open', 'in-review');

-- Every step of an appeal, with words for the appellant. They only grow.
CREATE TABLE appeal_steps (
    issuer INTEGER NOT NULL,
    appeal INTEGER NOT NULL,
    number INTEGER NOT NULL CHECK (number > 0),
    at     INTEGER NOT NULL,
    who    TEXT    NOT NULL,
    phase  TEXT    NOT NULL,
    words  TEXT    NOT NULL,
    PRIMARY KEY (issuer, appeal, number),
    FOREIGN KEY (issuer, appeal) REFERENCES appeals
) STRICT, WITHOUT ROWID;
CREATE TRIGGER appeal_steps_stay BEFORE UPDATE ON appeal_steps
    BEGIN SELECT RAISE(ABORT, 'steps of appeals only grow'); END;
CREATE TRIGGER appeal_steps_are_kept BEFORE DELETE ON appeal_steps
    BEGIN SELECT RAISE(ABORT, 'steps of appeals only grow'); END;

-- Appeals with what became of their proposals.
CREATE VIEW told_appeals AS
SELECT a.issuer, a.id, a.holder, a.against, a.subject, a.channel, a.colour, a.first, a.given_by, a.opened, a.due, a.decided,
    a.taken_by, a.reviewer, a.proposal, a.sealed,
    CASE WHEN a.phase = 'accepted' AND p.phase = 'confirmed' THEN 'carried-out' ELSE a.phase END AS phase,
    coalesce(p.phase, '') AS proposal_phase, coalesce(g.proposer, '') AS proposer
FROM appeals AS a
LEFT JOIN proposals AS p ON p.issuer = a.issuer AND p.id = a.proposal
LEFT JOIN proposals AS g ON g.issuer = a.issuer AND g.id = a.given_by;
