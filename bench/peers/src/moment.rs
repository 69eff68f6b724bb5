//! Where this crate reads the wall clock.

use std::time::SystemTime;

use hufu_wire::{UnixMillis, UnixSeconds};

/// Now, in milliseconds.
pub(crate) fn now_ms() -> UnixMillis {
    SystemTime::now().into()
}

/// Now, in seconds.
pub(crate) fn now() -> UnixSeconds {
    now_ms().seconds()
}
