//! What is known of each check at its end, and where that is noted.

use hufu_wire::{Grant, HolderIndex, IssuerId, Lane, Verdict};

/// One check that was answered: who asked, whose credential was shown, and the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// How the request came.
    pub channel: Channel,
    /// The device that asked, and its site.
    pub grant: Grant,
    /// The device's lane; `None` for a request that could not be read and for members of rosters.
    pub lane: Option<Lane>,
    /// Whose credential it was; `None` unless its signature, or its roster's, was verified.
    pub subject: Option<Subject>,
    /// The answer. Members of rosters have no numbers: theirs is 0.
    pub verdict: Verdict,
}

/// How a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// A packet of sealed UDP.
    Sealed,
    /// A request in a QUIC connection.
    Connection,
    /// A member of a roster, or a roster that was turned down whole.
    Roster,
}

/// The holder of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Who issued it.
    pub issuer: IssuerId,
    /// The holder's index in the issuer's table.
    pub holder: HolderIndex,
}

/// How far a worker's journal had come when a batch was noted. It rises from batch to batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(pub u64);

/// Where one worker notes its checks (R40). It is called on the path of a check: no allocation, no lock, no I/O.
pub trait Journal {
    /// Notes the checks of one batch, each exactly once. What is not authentic, and what gets silence, is not among
    /// them.
    fn note(&mut self, records: impl ExactSizeIterator<Item = Record>) -> Mark;

    /// Whether everything up to `mark` is as durable as its sites ask. No verdict leaves before.
    fn is_durable(&self, mark: Mark) -> bool;
}

/// Notes nothing, and costs nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoJournal;

impl Journal for NoJournal {
    #[inline]
    fn note(&mut self, _: impl ExactSizeIterator<Item = Record>) -> Mark {
        Mark::default()
    }

    #[inline]
    fn is_durable(&self, _: Mark) -> bool {
        true
    }
}
