//! What is decided about a message, by what the follower answered to it.

use hufu_sync::{CheckpointAnswer, Follower, HeadAnswer, SetAnswer, SyncFault};
use hufu_wire::Sequence;

use super::Machine;
use crate::allowance::Allowance;
use crate::now::Now;

/// What a message was good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Worth {
    /// It led on. There is no end of these only if both authorities or the publisher make them.
    LedOn,
    /// It was genuine, but may have been repeated.
    Genuine,
    /// It was neither.
    Nothing,
}

impl Machine {
    pub(super) fn set(
        &mut self,
        now: Now,
        bytes: usize,
        answer: Result<SetAnswer, SyncFault>,
        follower: &Follower,
    ) {
        let worth = match answer {
            Ok(SetAnswer::Applied { .. }) => {
                self.resync.moved(follower);
                self.notices.applied(follower);
                Worth::LedOn
            }
            Ok(SetAnswer::Gap { .. }) => {
                self.subscription.lost_sets(now.uptime);
                Worth::Genuine
            }
            // Not even looked at: a feed that repeats it may have no other.
            Ok(SetAnswer::Duplicate | SetAnswer::Behind) => Worth::Nothing,
            Ok(SetAnswer::Fork { .. }) => Worth::Genuine,
            Err(fault) => self.refused(now, &fault, follower),
        };
        self.credit(now, bytes, worth, follower);
    }

    pub(super) fn head(
        &mut self,
        now: Now,
        bytes: usize,
        answer: Result<HeadAnswer, SyncFault>,
        follower: &Follower,
    ) {
        let worth = match answer {
            Ok(HeadAnswer::Current { .. }) => {
                self.notices.current(follower);
                Worth::LedOn
            }
            Ok(HeadAnswer::Rollback { offered, .. }) => {
                self.notices.rolled_back(follower, offered, now.uptime);
                Worth::Genuine
            }
            Ok(HeadAnswer::Gap { .. } | HeadAnswer::Fork { .. }) => {
                self.notices.speaks(follower);
                Worth::Genuine
            }
            // As old as any: repeating it is no sign of life.
            Ok(HeadAnswer::Late) => Worth::Nothing,
            Err(fault) => self.refused(now, &fault, follower),
        };
        self.credit(now, bytes, worth, follower);
    }

    pub(super) fn checkpoint(
        &mut self,
        now: Now,
        bytes: usize,
        answer: Result<CheckpointAnswer, SyncFault>,
        follower: &Follower,
    ) {
        // It has no time by which silence could be detected, and can be repeated for ever.
        let worth = match answer {
            Ok(CheckpointAnswer::Load(checkpoint)) => {
                self.resync.offer(&checkpoint, now.uptime);
                Worth::Nothing
            }
            Ok(CheckpointAnswer::Agrees | CheckpointAnswer::Behind | CheckpointAnswer::Fork { .. }) => {
                Worth::Nothing
            }
            Err(fault) => self.refused(now, &fault, follower),
        };
        self.credit(now, bytes, worth, follower);
    }

    pub(super) fn trimmed(&mut self, now: Now, first: Option<Sequence>, follower: &Follower) {
        if self.resync.trim(first, follower) {
            self.notices.trimmed(follower, first, now.uptime);
        }
        self.credit(now, 0, Worth::Nothing, follower);
    }

    fn refused(&mut self, now: Now, fault: &SyncFault, follower: &Follower) -> Worth {
        self.notices.refused(follower, fault, now.uptime);
        Worth::Nothing
    }

    /// Gives the feed the credit for a message, or the blame.
    fn credit(&mut self, now: Now, bytes: usize, worth: Worth, follower: &Follower) {
        if std::mem::replace(&mut self.was_forked, follower.is_forked()) != follower.is_forked() {
            // A fork outlives a restart only in the warm copy.
            self.copies.hurry(now.uptime);
        }
        match worth {
            Worth::LedOn => {
                self.subscription.led_on(now.uptime);
                self.allowance.restore();
                return;
            }
            Worth::Genuine => self.subscription.spoke(now.uptime),
            Worth::Nothing => {}
        }
        if self.allowance.is_spent(bytes, now.uptime) {
            self.tally.trips_flooded += 1;
            self.subscription.left(now.uptime, Allowance::REST);
            self.notices.flooding(follower, now.uptime);
        }
    }
}
