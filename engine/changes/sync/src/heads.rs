//! What a follower does with a head.

use hufu_codes::chain::open_head;
use hufu_codes::keyring::Keyring;
use hufu_wire::chain::Head;
use hufu_wire::limits::CHAIN_SKEW_MS_MAX;
use hufu_wire::{Message, UnixMillis};

use crate::answer::HeadAnswer;
use crate::fault::SyncFault;
use crate::follower::Follower;
use crate::words::Words;

impl<W: Words> Follower<W> {
    /// Takes the bytes of a head: how current the words are, and whether sets are missing (R24).
    ///
    /// A head never changes a word and never stops a set. The time in it is signed, so a repeated head makes
    /// nothing look younger.
    ///
    /// # Errors
    /// [`SyncFault::Chain`], [`SyncFault::FromTheFuture`].
    pub fn head(
        &mut self,
        bytes: &[u8],
        keyring: &Keyring,
        now: UnixMillis,
    ) -> Result<HeadAnswer, SyncFault> {
        let answer = self.take_head(bytes, keyring, now);
        let counters = &mut self.counters;
        *match &answer {
            Ok(HeadAnswer::Current { .. }) => &mut counters.heads_current,
            Ok(HeadAnswer::Gap { .. }) => &mut counters.heads_beyond_gap,
            Ok(HeadAnswer::Late) => &mut counters.heads_late,
            Ok(HeadAnswer::Rollback { .. }) => &mut counters.heads_rolled_back,
            Ok(HeadAnswer::Fork { .. }) => &mut counters.heads_forked,
            Err(_) => &mut counters.heads_refused,
        } += 1;
        answer
    }

    fn take_head(
        &mut self,
        bytes: &[u8],
        keyring: &Keyring,
        now: UnixMillis,
    ) -> Result<HeadAnswer, SyncFault> {
        let head = *open_head(bytes, &self.authorities, keyring, self.backend)?;
        self.admit_time(Head::NAME, head.sequence, head.time, now)?;
        if head.time <= self.heard_before(head.sequence, now) {
            return Ok(HeadAnswer::Late);
        }

        let (held, offered) = (self.tip.sequence, head.sequence);
        if offered < held {
            // A head that crossed with the set is older than it; one made after the set should know it.
            let crossed = head.time.since(self.tip.confirmed) <= CHAIN_SKEW_MS_MAX;
            return Ok(if crossed { HeadAnswer::Late } else { HeadAnswer::Rollback { held, offered } });
        }
        if offered > held {
            self.announced = Some(head);
            self.is_contradicted = false;
            return Ok(if self.is_forked {
                HeadAnswer::Fork { at: held }
            } else {
                HeadAnswer::Gap { from: self.tip.next(), to: offered }
            });
        }
        if head.digest != self.tip.digest {
            self.is_contradicted = true;
            return Ok(HeadAnswer::Fork { at: held });
        }
        if self.is_forked {
            return Ok(HeadAnswer::Fork { at: held });
        }
        self.announced = Some(head);
        self.is_contradicted = false;
        self.hear(head.time, now);
        Ok(HeadAnswer::Current { age_ms: now.since(head.time) })
    }
}
