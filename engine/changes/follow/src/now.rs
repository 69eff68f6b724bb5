use std::time::Duration;

use hufu_wire::UnixMillis;

/// One instant, by both clocks. Read for each step of a [`Machine`](crate::Machine).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Since the following was started, by a clock that is never set. Waits and timeouts go by it.
    pub uptime: Duration,
    /// The date. Signatures and ages go by it.
    pub time: UnixMillis,
}
