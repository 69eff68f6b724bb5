//! Where this crate reads the wall clock.

use std::time::{SystemTime, UNIX_EPOCH};

use hufu_wire::{UnixMillis, UnixSeconds};

/// Now, in milliseconds; 1970 when the machine's clock is before it.
pub(crate) fn now_ms() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Now, in seconds.
pub(crate) fn now() -> UnixSeconds {
    now_ms().seconds()
}
