//! Places for work that takes memory or a thread: one for each school, and so many for all schools together.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// The place of one school for one kind of work.
pub(crate) struct Places {
    own: Arc<Semaphore>,
    all: Arc<Semaphore>,
    wait: Duration,
}

/// A place that is taken until this is dropped. Fields are dropped in their order: the school's own place comes back last.
pub(crate) struct Place {
    _all: OwnedSemaphorePermit,
    own: OwnedSemaphorePermit,
}

impl Place {
    /// Gives others theirs back, and keeps the school's own.
    pub(crate) fn own(self) -> OwnedSemaphorePermit {
        self.own
    }
}

impl Places {
    /// Of a school, among the places of all schools. Work waits so long for its place.
    pub(crate) fn among(all: &Arc<Semaphore>, wait: Duration) -> Places {
        Places { own: Arc::new(Semaphore::new(1)), all: Arc::clone(all), wait }
    }

    /// A place; none when other work of this school, or of all schools together, takes too long.
    pub(crate) async fn take(&self) -> Option<Place> {
        let place = async {
            // The school's own first: while it waits for that, it takes none from others.
            let own = Arc::clone(&self.own).acquire_owned().await.ok()?;
            let all = Arc::clone(&self.all).acquire_owned().await.ok()?;
            Some(Place { _all: all, own })
        };
        timeout(self.wait, place).await.ok().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn r61_a_school_takes_one_place_and_waits_for_the_next_one() {
        let all = Arc::new(Semaphore::new(2));
        let [one, other, third] = [(); 3].map(|()| Places::among(&all, Duration::ZERO));
        let held = one.take().await.unwrap();
        assert!(one.take().await.is_none(), "one for each school");
        let _more = other.take().await.unwrap();
        assert!(third.take().await.is_none(), "two for all");
        drop(held);
        let held = third.take().await.unwrap();
        assert!(one.take().await.is_none(), "each school can have it");

        let patient = Places { wait: Duration::from_secs(60), ..third };
        let (place, ()) = tokio::join!(patient.take(), async { drop(held) });
        assert!(place.is_some(), "it waits for its turn");
    }
}
