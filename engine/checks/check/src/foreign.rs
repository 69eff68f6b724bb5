//! What verifies certificates of other systems (R63), as a trait: the formats are another crate's.

use hufu_policy::foreign::Certificate;
use hufu_wire::{Reason, UnixSeconds};

/// Verifies certificates of another system, and remembers which it has verified. All workers share one. What it trusts
/// never changes: with other keys or another list of revocations it is made again and remembers nothing.
pub trait Foreign: Send + Sync {
    /// Whether a text, as it was shown, is one of its certificates by the way it begins. Codes of ours never are.
    fn takes(&self, text: &[u8]) -> bool;

    /// Verifies a text that it [takes](Self::takes). It runs on the path of a check: no lock and no I/O, and no
    /// allocation of its own.
    ///
    /// # Errors
    /// Why it is not genuine and valid now.
    fn verify(&self, now: UnixSeconds, text: &[u8]) -> Result<Genuine, Reason>;
}

/// A certificate that is genuine and valid now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Genuine {
    /// What it says.
    pub certificate: Certificate,
    /// A digest of its identifier, for pass-back.
    pub id: u64,
    /// The beginning of its signature, which stands for the whole certificate: a secret of the holder's side.
    pub signature: [u8; 32],
    /// Whether it was verified before and remembered.
    pub remembered: bool,
}
