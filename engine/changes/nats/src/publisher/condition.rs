//! Faults of publishing: logged when they begin and when they end, and retried later each time.

use std::mem::{Discriminant, discriminant};
use std::time::Duration;

use hufu_contract::SourceFault;
use hufu_wire::Sequence;

use crate::fault::NatsFault;
use crate::link::Link;

/// Why nothing is published.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PublishFault {
    #[error("{0}")]
    Nats(NatsFault),
    #[error("{0}")]
    Registry(String),
    #[error(
        "set {sequence} has {bytes} bytes, and the server accepts at most {bytes_max}: set its max_payload to 1MB"
    )]
    TooLarge { sequence: Sequence, bytes: usize, bytes_max: usize },
    #[error(
        "the stream ends with set {newest} and the registry's chain with set {tip}: the registry has lost sets that the \
         stream still has; append them again"
    )]
    Ahead { tip: Sequence, newest: Sequence },
    #[error(
        "the stream's set {sequence} differs from the chain's: one of them was restored from a backup, or two registries \
         publish different chains here; the stream will be emptied and filled again"
    )]
    OtherHistory { sequence: Sequence },
    #[error("other publishers of the same chain keep being faster")]
    Contended,
    #[error("a task stopped unexpectedly")]
    Ended,
}

impl PublishFault {
    /// With what the server reported meanwhile.
    pub(super) fn explained(self, link: &Link) -> PublishFault {
        match self {
            PublishFault::Nats(fault) => PublishFault::Nats(link.explain(fault)),
            fault => fault,
        }
    }

    fn kind(&self) -> Kind {
        let nats = if let PublishFault::Nats(fault) = self { Some(discriminant(fault)) } else { None };
        (discriminant(self), nats)
    }
}

impl From<NatsFault> for PublishFault {
    fn from(fault: NatsFault) -> PublishFault {
        PublishFault::Nats(fault)
    }
}

impl From<SourceFault> for PublishFault {
    fn from(fault: SourceFault) -> PublishFault {
        PublishFault::Registry(fault.to_string())
    }
}

type Kind = (Discriminant<PublishFault>, Option<Discriminant<NatsFault>>);

/// Whether something works. Only changes are logged.
pub(super) struct Condition {
    about: String,
    fault: Option<Kind>,
}

impl Condition {
    pub(super) fn new(about: impl Into<String>) -> Condition {
        Condition { about: about.into(), fault: None }
    }

    pub(super) fn works(&mut self) {
        if self.fault.take().is_some() {
            tracing::info!("{}: works again", self.about);
        }
    }

    pub(super) fn fails(&mut self, fault: &PublishFault) {
        let kind = fault.kind();
        if self.fault.replace(kind) != Some(kind) {
            tracing::warn!("{}: {fault}", self.about);
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
    /// A cluster takes seconds to elect a leader; no more are to be lost here.
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
