//! Checks of single codes outside an engine: at a gate that has no network.

use std::sync::Arc;

use hufu_codes::keyring::Keyring;
use hufu_policy::Sites;
use hufu_wire::{CheckNumber, CheckRequest, Grant, UnixMillis, Verdict, limits};

use crate::cases::{Batch, Binaries, Case, judge};
use crate::counters::Counters;
use crate::fault::NotEnrolled;
use crate::foreign::Foreign;
use crate::grounds::{Beside, Grounds, Rules, Trust};
use crate::passback::PassBack;
use crate::random::random;
use crate::statuses::Statuses;

/// Checks one code at a time against statuses that its caller has, with everything an engine does: reading, signatures,
/// presence, status, policy, pass-back. It is the same code, for a batch of one.
pub struct SingleCheck {
    trust: Trust,
    rules: Rules,
    /// No list of ended trips comes to a gate without a network.
    beside: Beside,
    pass_back: PassBack,
    counters: Counters,
    binaries: Box<Binaries>,
}

impl SingleCheck {
    /// Checks by these keys and policies. It remembers as many verified credentials and used presentations as said, 16
    /// bytes each.
    ///
    /// # Errors
    /// [`NotEnrolled::NoRandomness`] when the operating system gives no random bytes for its secret keys.
    pub fn new(
        keyring: Keyring,
        sites: Sites,
        seen_entries: usize,
        pass_back_entries: usize,
    ) -> Result<SingleCheck, NotEnrolled> {
        Ok(SingleCheck {
            trust: Trust::new(keyring, seen_entries)?,
            rules: Rules::new(sites),
            beside: Beside::default(),
            pass_back: PassBack::new(pass_back_entries, random()?),
            counters: Counters::default(),
            binaries: Box::new([[0; limits::CODE_BINARY_BYTES_MAX]; limits::BATCH_MAX]),
        })
    }

    /// Replaces the keys, and forgets every credential verified under the old ones.
    ///
    /// # Errors
    /// [`NotEnrolled::NoRandomness`], and the old keys stay.
    pub fn set_keyring(&mut self, keyring: Keyring) -> Result<(), NotEnrolled> {
        self.trust = Trust::new(keyring, self.trust.seen.capacity())?;
        Ok(())
    }

    /// Replaces the policies. What was used stays used.
    pub fn set_sites(&mut self, sites: Sites) {
        self.rules = Rules::new(sites);
    }

    /// Replaces what verifies certificates of other systems (R63); there is nothing at the start.
    pub fn set_foreign(&mut self, foreign: Option<Arc<dyn Foreign>>) {
        self.beside.foreign = foreign;
    }

    /// The keys that it trusts.
    pub fn keyring(&self) -> &Keyring {
        &self.trust.keyring
    }

    /// Checks one request of the device with this grant.
    pub fn check(
        &mut self,
        now: UnixMillis,
        grant: &Grant,
        number: CheckNumber,
        request: &CheckRequest<'_>,
        statuses: &impl Statuses,
    ) -> Verdict {
        let grounds = Grounds {
            trust: &self.trust,
            rules: &self.rules,
            beside: &self.beside,
            statuses,
            pass_back: &self.pass_back,
            counters: &self.counters,
        };
        let mut cases: Batch<Case<'_, '_>> = Batch::new();
        // What a scanner reads is not a packet that can be replayed.
        cases.push(Case::new(now, number, *grant, Some(request), Ok(false)));
        judge(now, &grounds, &mut cases, &mut self.binaries);
        *cases[0].verdict()
    }
}
