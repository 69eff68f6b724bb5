//! What is known of each check at its end, and where that is noted.

use core::fmt;

use hufu_codes::presentation::Node;
pub use hufu_policy::Durability;
use hufu_wire::{Grant, Lane, Verdict};

/// One check that was answered: who asked, what the answer was, and what only the holder's side knows of it. No field
/// says whose credential was shown, or who issued it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// How the request came.
    pub channel: Channel,
    /// The device that asked, and its site.
    pub grant: Grant,
    /// The device's lane; `None` for a request that could not be read, and for a roster.
    pub lane: Option<Lane>,
    /// What the holder's slip is made from.
    pub trace: Trace,
    /// How durable the site wants its records to be.
    pub durability: Durability,
    /// The answer. A roster has no number and may have several issuers: its number and its `as_of` are 0.
    pub verdict: Verdict,
    /// How many members of a roster got which decision; `None` for a check of one code.
    pub roster: Option<RosterTally>,
}

/// How a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// A packet of sealed UDP.
    Sealed,
    /// A request in a QUIC connection.
    Connection,
    /// A roster: one record for all its members, also when it was turned down. Where its device's rate has no room
    /// for one check it has none.
    Roster,
}

/// What only the holder's side knows of a check. The holder's slip is made from it, then it is forgotten: the bytes
/// are a secret of the holder, so nothing may log or store them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Trace {
    /// Nothing genuine was shown.
    None,
    /// The verified value that a phone released in a step.
    Step(Node),
    /// The first half (R) of the issuer's signature on a paper, family or trip code. The signature was verified, and the half
    /// stands for the whole code.
    Code([u8; 32]),
}

/// The members of a roster, by decision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RosterTally {
    /// All members that were checked; 0 when the roster was turned down.
    pub members: u32,
    /// Those who were admitted.
    pub admitted: u32,
    /// Those who were referred to a person.
    pub referred: u32,
    /// Those who were refused.
    pub refused: u32,
}

/// Where the records of one batch ended in a worker's journal. The default stands for a batch without records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Rises from batch to batch; 0 for a batch without records.
    pub position: u64,
    /// The strictest durability of the batch's records.
    pub durability: Durability,
}

/// What became of the records up to a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Not durable yet. The verdicts wait.
    Pending,
    /// As durable as the mark asks. The verdicts may leave.
    Durable,
    /// They will never be durable. The verdicts must not leave.
    Lost,
}

/// Where one worker notes its checks (R40). [`begin`](Self::begin), [`note`](Self::note) and
/// [`standing`](Self::standing) are called on the path of a check: no allocation, no lock, no I/O.
pub trait Journal {
    /// A batch begins, of at most `count` records and at least one. `false`: the journal cannot keep them, because the
    /// disk is full, has failed or is too slow. Then each request is answered `busy`, unchecked and unrecorded.
    fn begin(&mut self, count: usize) -> bool;

    /// Notes the records of a batch that began: every answered request once. What is not authentic, and what gets
    /// silence, is not among them.
    fn note(&mut self, records: impl ExactSizeIterator<Item = Record>) -> Mark;

    /// What became of the records up to `mark`. The default mark is always durable. No verdict leaves before.
    fn standing(&self, mark: Mark) -> Standing;

    /// Sleeps until more records are durable, or lost, or a short time (a few milliseconds) has passed. Never called
    /// with nothing pending.
    fn wait(&self);
}

/// Notes nothing, and costs nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoJournal;

/// Names the kind alone: the bytes are a secret of the holder.
impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Trace::None => "None",
            Trace::Step(_) => "Step(..)",
            Trace::Code(_) => "Code(..)",
        })
    }
}

impl Default for Mark {
    fn default() -> Mark {
        Mark { position: 0, durability: Durability::Memory }
    }
}

/// With a journal or without, as an engine's configuration says.
impl<J: Journal> Journal for Option<J> {
    #[inline]
    fn begin(&mut self, count: usize) -> bool {
        self.as_mut().is_none_or(|journal| journal.begin(count))
    }

    #[inline]
    fn note(&mut self, records: impl ExactSizeIterator<Item = Record>) -> Mark {
        self.as_mut().map_or_else(Mark::default, |journal| journal.note(records))
    }

    #[inline]
    fn standing(&self, mark: Mark) -> Standing {
        self.as_ref().map_or(Standing::Durable, |journal| journal.standing(mark))
    }

    fn wait(&self) {
        if let Some(journal) = self {
            journal.wait();
        }
    }
}

impl Journal for NoJournal {
    #[inline]
    fn begin(&mut self, _: usize) -> bool {
        true
    }

    #[inline]
    fn note(&mut self, _: impl ExactSizeIterator<Item = Record>) -> Mark {
        Mark::default()
    }

    #[inline]
    fn standing(&self, _: Mark) -> Standing {
        Standing::Durable
    }

    #[inline]
    fn wait(&self) {}
}
