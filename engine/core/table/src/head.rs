//! How current an issuer's words are.

use hufu_wire::{Sequence, UnixMillis};

use crate::sync::{AtomicU64, Ordering};

/// How current the words are that are read after this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AsOf {
    /// Every change up to this one is in the words. Zero: nothing was ever applied.
    pub sequence: Sequence,
    /// Time of the last head that was heard while the words were at `sequence` or before it: their age is never
    /// told too young. `None`: no head was ever heard.
    pub heard: Option<UnixMillis>,
}

/// One issuer's sequence and last head, on a cache line of their own: the heads of other issuers arrive every
/// second.
#[repr(align(64))]
pub(crate) struct Head {
    sequence: AtomicU64,
    heard_ms: AtomicU64,
}

impl Head {
    /// Nothing applied, nothing heard.
    pub(crate) fn new() -> Head {
        Head { sequence: AtomicU64::new(0), heard_ms: AtomicU64::new(0) }
    }

    /// Heard first, then the sequence, then (by the caller) the words: each is stored in the opposite order, so
    /// each read sees at least what the one before it promised, without a lock and without a retry.
    #[inline]
    pub(crate) fn read(&self) -> AsOf {
        // Acquire: pairs with Release in Head::hear; the sequence below is at least the one that was heard.
        let heard_ms = self.heard_ms.load(Ordering::Acquire);
        // Acquire: pairs with Release in Head::advance; words read from here on include this sequence.
        let sequence = self.sequence.load(Ordering::Acquire);
        AsOf { sequence: Sequence(sequence), heard: (heard_ms != 0).then_some(UnixMillis(heard_ms)) }
    }

    /// The sequence, for the one writer that stores it.
    pub(crate) fn sequence(&self) -> Sequence {
        // Relaxed: read by the thread that stored it, or after the lock that handed the writer on.
        Sequence(self.sequence.load(Ordering::Relaxed))
    }

    pub(crate) fn advance(&self, sequence: Sequence) {
        // Release: pairs with Acquire in Head::read; publishes every word stored before.
        self.sequence.store(sequence.0, Ordering::Release);
    }

    pub(crate) fn hear(&self, heard: UnixMillis) {
        // Release: pairs with Acquire in Head::read; publishes the sequence stored before.
        self.heard_ms.store(heard.0, Ordering::Release);
    }
}
