//! The one place where transport reads the wall clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hufu_wire::{UnixMillis, UnixSeconds};
use tokio::time::sleep;

/// Now, as checks see it; 1970 when the machine's clock is before it.
pub(crate) fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Resolves once the wall clock has reached `end`. It may be set while somebody waits, so it is looked at again
/// every few minutes.
pub(crate) async fn reaches(end: UnixSeconds) {
    const LOOK_AGAIN_MS: u64 = 300_000;
    let end_ms = u64::from(end.0) * 1000;
    while let left_ms @ 1.. = end_ms.saturating_sub(now().0) {
        sleep(Duration::from_millis(left_ms.min(LOOK_AGAIN_MS))).await;
    }
}
