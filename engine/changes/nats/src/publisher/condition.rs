//! Trouble, told once when it begins and once when it is over, and tried again later each time.

use std::mem::{Discriminant, discriminant};
use std::time::Duration;

use hufu_contract::SourceFault;
use hufu_wire::Sequence;

use crate::fault::NatsFault;
use crate::link::Link;

/// Why nothing is published.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    #[error("{0}")]
    Nats(NatsFault),
    #[error("{0}")]
    Registry(String),
    #[error(
        "set {sequence} has {bytes} bytes, and the server takes no more than {bytes_max}: set max_payload to 1MB there"
    )]
    TooLarge { sequence: Sequence, bytes: usize, bytes_max: usize },
    #[error(
        "the stream goes on to set {newest} and the registry's chain ends with {tip}: the registry has lost sets, and \
         the stream still has them; have them appended again"
    )]
    Ahead { tip: Sequence, newest: Sequence },
    #[error(
        "the stream's set {sequence} is not the chain's: one of them was restored from a backup, or two registries \
         publish different chains here; the stream will be emptied and filled anew"
    )]
    OtherHistory { sequence: Sequence },
    #[error("others keep publishing the same chain")]
    Contended,
    #[error("a task has ended")]
    Ended,
}

impl Trouble {
    /// With what the server said meanwhile.
    pub(super) fn explained(self, link: &Link) -> Trouble {
        match self {
            Trouble::Nats(fault) => Trouble::Nats(link.explain(fault)),
            trouble => trouble,
        }
    }

    fn kind(&self) -> Kind {
        let nats = if let Trouble::Nats(fault) = self { Some(discriminant(fault)) } else { None };
        (discriminant(self), nats)
    }
}

impl From<NatsFault> for Trouble {
    fn from(fault: NatsFault) -> Trouble {
        Trouble::Nats(fault)
    }
}

impl From<SourceFault> for Trouble {
    fn from(fault: SourceFault) -> Trouble {
        Trouble::Registry(fault.to_string())
    }
}

type Kind = (Discriminant<Trouble>, Option<Discriminant<NatsFault>>);

/// Whether something goes well. Only changes are logged.
pub(super) struct Condition {
    about: String,
    trouble: Option<Kind>,
}

impl Condition {
    pub(super) fn of(about: impl Into<String>) -> Condition {
        Condition { about: about.into(), trouble: None }
    }

    pub(super) fn well(&mut self) {
        if self.trouble.take().is_some() {
            tracing::info!("{}: goes on", self.about);
        }
    }

    pub(super) fn ill(&mut self, trouble: &Trouble) {
        let kind = trouble.kind();
        if self.trouble.replace(kind) != Some(kind) {
            tracing::warn!("{}: {trouble}", self.about);
        }
    }
}

/// How long to wait before the next try.
#[derive(Default)]
pub(super) struct Backoff {
    tries: u32,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(100);
    /// A cluster takes seconds to elect a leader; no more of them are to be lost here.
    const MAX: Duration = Duration::from_secs(1);

    pub(super) fn next(&mut self) -> Duration {
        let wait = Self::FIRST.saturating_mul(1 << self.tries.min(10)).min(Self::MAX);
        self.tries += 1;
        wait
    }

    pub(super) fn reset(&mut self) {
        self.tries = 0;
    }
}
