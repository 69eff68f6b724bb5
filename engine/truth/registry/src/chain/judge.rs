//! Whether a set may be appended, from what the store has locked and read.

use hufu_codes::chain::{Confirmed, Place, Tip};
use hufu_wire::chain::{ChainDigest, ChangeSet};

use super::append::Appended;
use crate::brake::{Alarm, Brake, SetBack};

/// What the brake looks at, read under the issuer's lock.
#[derive(Clone, Copy, Debug)]
pub struct BrakeInput {
    /// The issuer's brake.
    pub brake: Brake,
    /// Holders set back by sets that were appended within the brake's window.
    pub recent: u64,
    /// Holders that are registered here.
    pub registered: u64,
    /// Holders whose colour is known.
    pub known: u64,
    /// For how many holders the national platform released the proposal.
    pub released: Option<u32>,
}

/// Whether `set` is what comes next after `tip`. `held` is the digest of the set that the chain has at its place.
///
/// # Errors
/// [`Appended::Duplicate`] or [`Appended::Moved`]: the answer, and nothing is to be written.
pub fn place(tip: &Tip, set: &Confirmed<ChangeSet<'_>>, held: Option<ChainDigest>) -> Result<(), Appended> {
    if held == Some(set.tip().digest) {
        return Err(Appended::Duplicate { sequence: set.position.sequence });
    }
    // Every engine refuses an instruction that is not later than the one before it.
    match tip.place(&set.position) {
        Place::Next if set.content.proposed.may_follow(tip.proposed) => Ok(()),
        Place::Next | Place::Behind | Place::AtTip | Place::Branch | Place::Beyond => {
            Err(Appended::Moved { tip: *tip })
        }
    }
}

impl BrakeInput {
    /// Whether so many holders may be set back.
    ///
    /// # Errors
    /// The [`Alarm`], unless the national platform released at least as many.
    pub fn judge(&self, set_back: SetBack) -> Result<(), Alarm> {
        if self.released.is_some_and(|released| set_back.all() <= released) {
            return Ok(());
        }
        self.brake.judge(set_back, self.recent, self.registered.max(self.known))
    }
}
