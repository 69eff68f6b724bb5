//! What the token check leaves with a request: who asks, and the request's share of the room for work.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hufu_registry::{Caller, Crowded, Registry};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::clock::steady;
use super::problem::{ApiProblem, Kind};

/// Who asks, once the token was looked at.
#[derive(Clone, Debug)]
pub(super) struct Admitted {
    pub(super) caller: Caller,
    /// Whether a body is still to come.
    pub(super) takes_body: bool,
}

/// One request's room for work: taken at once, or when its body is here.
#[derive(Debug)]
pub(super) struct WorkPermit {
    room: Arc<Semaphore>,
    held: OnceLock<OwnedSemaphorePermit>,
}

impl WorkPermit {
    pub(super) fn new(room: Arc<Semaphore>) -> WorkPermit {
        WorkPermit { room, held: OnceLock::new() }
    }

    /// Whether the work has begun.
    pub(super) fn is_taken(&self) -> bool {
        self.held.get().is_some()
    }

    /// Takes room for work.
    ///
    /// # Errors
    /// [`Kind::Busy`] when there is none.
    pub(super) fn take(&self) -> Result<(), ApiProblem> {
        let permit = Arc::clone(&self.room).try_acquire_owned().map_err(|_| busy())?;
        // It is taken once; a second permit would be given back.
        let _ = self.held.set(permit);
        Ok(())
    }
}

/// A request's place among those that get a credential; given back when it is dropped.
#[derive(Debug)]
pub(super) struct IssuingPlace {
    registry: Arc<Registry>,
    entered: Duration,
}

impl IssuingPlace {
    /// Takes a place before anything of a request is read. Where there is none, this waits for a moment before it says so:
    /// who asks again at once costs time. HTTP/1 has one request of a connection at a time, so no more wait than there
    /// may be connections. The connection stays: another TLS handshake would cost more than many refusals.
    ///
    /// # Errors
    /// The answer to a request for which there is no room: [`Kind::Busy`], with when to come back.
    pub(super) async fn take(registry: &Arc<Registry>) -> Result<IssuingPlace, ApiProblem> {
        match IssuingPlace::enter(registry) {
            Ok(place) => Ok(place),
            Err(crowded) => Err(crowded.told().await),
        }
    }

    /// Takes a place, and does not wait where there is none.
    ///
    /// # Errors
    /// [`TurnedAway`], which says so after a moment.
    pub(super) fn enter(registry: &Arc<Registry>) -> Result<IssuingPlace, TurnedAway> {
        let entered = steady();
        match registry.issuing().enter(entered) {
            Ok(()) => Ok(IssuingPlace { registry: Arc::clone(registry), entered }),
            Err(crowded) => Err(TurnedAway { held: Held(Arc::clone(registry)), crowded }),
        }
    }
}

/// There was no place for a request, and it is not told yet.
pub(super) struct TurnedAway {
    held: Held,
    crowded: Crowded,
}

impl TurnedAway {
    /// The answer, after the moment that it is held back.
    pub(super) async fn told(self) -> ApiProblem {
        let TurnedAway { held, crowded } = self;
        tokio::time::sleep(crowded.held).await;
        drop(held);
        ApiProblem::crowded(crowded)
    }
}

/// Somebody who was turned away, until they are told or gone.
struct Held(Arc<Registry>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.issuing().told();
    }
}

impl Drop for IssuingPlace {
    fn drop(&mut self) {
        self.registry.issuing().leave(self.entered, steady());
    }
}

pub(super) fn busy() -> ApiProblem {
    ApiProblem::new(Kind::Busy, "too many concurrent requests: try again in a second")
}
