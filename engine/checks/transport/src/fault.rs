//! Why a server does not start.

use std::io;
use std::net::SocketAddr;

use hufu_check::NotEnrolled;
use hufu_wire::Actor;

use crate::tls::TlsFault;

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// An address cannot be served.
    #[error("cannot serve {addr}: {why}")]
    Socket {
        /// The address.
        addr: SocketAddr,
        /// What the system says.
        #[source]
        why: io::Error,
    },
    /// A certificate, key or list cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsFault),
    /// The system gives no thread.
    #[error("cannot start a thread: {0}")]
    Thread(#[source] io::Error),
    /// The engine gives no worker.
    #[error(transparent)]
    Engine(NotEnrolled),
}

impl ServeError {
    /// Who can correct it: always the operator of the engine.
    pub const fn actor(&self) -> Actor {
        Actor::Operator
    }
}
