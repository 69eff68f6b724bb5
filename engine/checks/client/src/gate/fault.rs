//! How a gate fails, and who can correct it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use hufu_wire::Actor;

use crate::fault::ControlFault;
use hufu_gate::SealFault;

/// Why a gate could not be opened for work.
#[derive(Debug, thiserror::Error)]
pub enum GateFault {
    /// No engine was named.
    #[error("the list of engines is empty")]
    NoServer,
    /// This machine gives no socket or thread.
    #[error("cannot open a local socket or thread: {0}")]
    Local(#[source] io::Error),
    /// No engine gave a session.
    #[error(transparent)]
    NoSession(#[from] ControlFault),
}

impl GateFault {
    /// Who can correct it.
    pub const fn actor(&self) -> Actor {
        match self {
            GateFault::NoServer | GateFault::Local(_) => Actor::Gate,
            GateFault::NoSession(fault) => fault.actor(),
        }
    }
}

/// Why there is no verdict. The gate stays shut, or does what its site's offline rule says.
#[derive(Debug, thiserror::Error)]
pub enum CheckFault {
    /// No engine answered within the budget.
    #[error("no engine answered within {} ms", waited.as_millis())]
    NoAnswer {
        /// How long the gate waited.
        waited: Duration,
    },
    /// The session is over and no engine gives a new one.
    #[error("no new session: {0}")]
    NoSession(#[source] Arc<ControlFault>),
    /// The request cannot be sealed.
    #[error(transparent)]
    Seal(#[from] SealFault),
    /// The local socket is broken.
    #[error("the local socket failed: {0}")]
    Local(#[source] io::Error),
}

impl CheckFault {
    /// Who can correct it.
    pub fn actor(&self) -> Actor {
        match self {
            CheckFault::NoAnswer { .. } => Actor::Operator,
            CheckFault::NoSession(fault) => fault.actor(),
            CheckFault::Seal(_) | CheckFault::Local(_) => Actor::Gate,
        }
    }
}
