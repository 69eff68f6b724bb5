//! What a follower does with a change set.

use hufu_codes::chain::{Place, Tip, Unconfirmed};
use hufu_codes::keyring::Keyring;
use hufu_wire::chain::ChangeSet;
use hufu_wire::{Message, UnixMillis};

use crate::answer::SetAnswer;
use crate::fault::SyncFault;
use crate::follower::Follower;
use crate::words::Words;

impl<W: Words> Follower<W> {
    /// Takes the bytes of a change set: applies it if both authorities signed it (R21) and it is the next one
    /// (R22).
    ///
    /// What was applied before costs reading and at most hashing; no signature is verified for it, because it
    /// changes nothing.
    ///
    /// # Errors
    /// [`SyncFault`]; nothing has changed then.
    pub fn change_set(
        &mut self,
        bytes: &[u8],
        keyring: &Keyring,
        now: UnixMillis,
    ) -> Result<SetAnswer, SyncFault> {
        self.change_set_kept(bytes, keyring, now, &mut |_| {})
    }

    /// As [`change_set`](Self::change_set), and `keep` is called once for a set that will be applied: when everything
    /// about it is proven and there is room, before its first word can be seen. A caller that writes the bytes to
    /// its disk there loses nothing that was ever served.
    ///
    /// # Errors
    /// As [`change_set`](Self::change_set).
    pub fn change_set_kept(
        &mut self,
        bytes: &[u8],
        keyring: &Keyring,
        now: UnixMillis,
        keep: &mut dyn FnMut(&Tip),
    ) -> Result<SetAnswer, SyncFault> {
        let answer = self.take_set(bytes, keyring, now, keep);
        let counters = &mut self.counters;
        *match &answer {
            Ok(SetAnswer::Applied { changes, .. }) => {
                counters.changes_applied += *changes as u64;
                &mut counters.sets_applied
            }
            Ok(SetAnswer::Duplicate) => &mut counters.sets_duplicate,
            Ok(SetAnswer::Behind) => &mut counters.sets_behind,
            Ok(SetAnswer::Gap { .. }) => &mut counters.sets_beyond_gap,
            Ok(SetAnswer::Fork { .. }) => &mut counters.sets_forked,
            Err(SyncFault::Table { .. }) => &mut counters.sets_without_room,
            Err(_) => &mut counters.sets_refused,
        } += 1;
        answer
    }

    fn take_set(
        &mut self,
        bytes: &[u8],
        keyring: &Keyring,
        now: UnixMillis,
        keep: &mut dyn FnMut(&Tip),
    ) -> Result<SetAnswer, SyncFault> {
        let set = Unconfirmed::read(bytes, &self.authorities)?;
        let place = self.tip.place(&set.set().position);
        match place {
            Place::Behind => return Ok(SetAnswer::Behind),
            Place::AtTip if set.digest() == self.tip.digest => return Ok(SetAnswer::Duplicate),
            Place::AtTip if self.tip.sequence <= self.settled => return Ok(SetAnswer::Behind),
            _ => {}
        }

        #[cfg(feature = "planted")]
        let place = match place {
            Place::Branch if hufu_wire::planted::has(hufu_wire::planted::Bug::BranchTaken) => Place::Next,
            place => place,
        };
        // Only what both authorities signed has any effect from here on, be it an alarm.
        let set = set.confirm(keyring, self.backend)?;
        let sequence = set.tip().sequence;
        let proposed = set.content.proposed;
        // The authorities have reset the time of the chain since: its clock was ahead, and they know.
        if proposed.era() >= self.era_known {
            self.admit_time(ChangeSet::NAME, sequence, set.position.confirmed, now)?;
        }
        self.era_known = self.era_known.max(proposed.era());
        match place {
            Place::AtTip | Place::Branch => self.is_forked = true,
            Place::Behind | Place::Next | Place::Beyond => {}
        }
        if self.is_forked {
            return Ok(SetAnswer::Fork { at: self.tip.sequence });
        }
        if place == Place::Beyond {
            self.confirmed_to = self.confirmed_to.max(sequence);
            return Ok(SetAnswer::Gap { from: self.tip.next(), to: self.confirmed_to });
        }
        if !proposed.may_follow(self.tip.proposed) {
            return Err(SyncFault::OutOfOrder { issuer: self.issuer(), sequence });
        }
        self.apply(&set, now, keep)?;
        Ok(SetAnswer::Applied { sequence, changes: set.content.changes.len() })
    }
}
