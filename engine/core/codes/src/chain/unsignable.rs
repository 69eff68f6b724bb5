//! Why an authority does not sign.

use hufu_wire::{KeyId, Malformed, Sequence};

/// Why something is not signed: every follower would refuse it. The caller is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsignable {
    /// It names another key than the signer's.
    #[error("it names key {claimed}, and this is {signer}")]
    AnotherKey {
        /// The key that it names.
        claimed: KeyId,
        /// The key that was to sign.
        signer: KeyId,
    },
    /// It has no encoding that is read.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// It would be read as something else; a reason too long is cut off, for example.
    #[error("it would not be read as it was meant: the reason is too long")]
    Altered,
    /// It can no longer be confirmed.
    #[error("the instruction has expired")]
    Expired,
    /// The local authority's clock is ahead, or this one is behind.
    #[error("the instruction was proposed in the future")]
    FromTheFuture,
    /// A later instruction is in the chain already.
    #[error(
        "instruction {sequence} of the chain was proposed at the same time or later: sign this one again"
    )]
    OutOfOrder {
        /// The chain's last set.
        sequence: Sequence,
    },
    /// The chain's last instruction was proposed by a clock that was ahead, or this clock is behind.
    #[error(
        "instruction {sequence} of the chain is dated {ahead_ms} ms after this clock: set the clock if it is wrong; if it \
         is right, reset the time of the chain (docs/OPERATIONS.md, Clocks)"
    )]
    ChainAhead {
        /// The chain's last set.
        sequence: Sequence,
        /// How far its instruction is ahead.
        ahead_ms: u64,
    },
    /// An instruction that resets the time of a chain which is not ahead.
    #[error(
        "the instruction resets the time of the chain, and set {sequence} is not ahead of this clock: sign the \
         instruction again without a reset"
    )]
    NeedlessReset {
        /// The chain's last set.
        sequence: Sequence,
    },
    /// Whoever holds the key signed something else, or with another key.
    #[error("the signature is not key {signer}'s for this: see that the right key was asked")]
    NotGenuine {
        /// The key that was to sign.
        signer: KeyId,
    },
}
