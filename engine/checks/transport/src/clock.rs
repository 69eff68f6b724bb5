//! The clock that a server judges by.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hufu_wire::{UnixMillis, UnixSeconds};
use tokio::time::sleep;

/// Where a server reads the wall clock: the system's, unless it is started with another. It is read once for each batch.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> UnixMillis + Send + Sync>);

impl Clock {
    /// The system's clock; 1970 when it is before that.
    pub fn system() -> Clock {
        Clock::new(|| SystemTime::now().into())
    }

    /// A clock that is read by calling `read`, from any thread.
    pub fn new(read: impl Fn() -> UnixMillis + Send + Sync + 'static) -> Clock {
        Clock(Arc::new(read))
    }

    /// Now, as checks see it.
    pub fn now(&self) -> UnixMillis {
        (self.0)()
    }

    /// Resolves once the clock has reached `end`. It may be set meanwhile, so it is read again every few minutes.
    pub(crate) async fn reaches(&self, end: UnixSeconds) {
        const LOOK_AGAIN_MS: u64 = 300_000;
        let end_ms = u64::from(end.0) * 1000;
        while let left_ms @ 1.. = end_ms.saturating_sub(self.now().0) {
            sleep(Duration::from_millis(left_ms.min(LOOK_AGAIN_MS))).await;
        }
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}
