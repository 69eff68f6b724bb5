-- The brake counts every holder whom a set sets back, not only those it turns red. Sets from before keep their reds as that
-- number: a window is a day at most.
ALTER TABLE sets RENAME COLUMN reds TO set_back;

-- What the brake saw when it last held a proposal, beside the reds; of proposals from before it saw reds alone.
ALTER TABLE proposals ADD COLUMN alarm_ambers INTEGER;
ALTER TABLE proposals ADD COLUMN alarm_forgotten INTEGER;
ALTER TABLE proposals ADD COLUMN alarm_generations INTEGER;
UPDATE proposals SET alarm_ambers = 0, alarm_forgotten = 0, alarm_generations = 0 WHERE alarm_reds IS NOT NULL;
