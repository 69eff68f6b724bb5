//! What time it is, for signatures and ages. Waiting goes by the monotonic clock.

use std::time::{SystemTime, UNIX_EPOCH};

use hufu_wire::UnixMillis;

/// The clock of this machine.
pub(crate) fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
