//! When something was committed.

/// Microseconds since 1970-01-01T00:00Z: how long a change takes to its verdict is counted from here (R23).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMicros(pub u64);

impl UnixMicros {
    /// Now, by this machine's clock. Stores call it right after a commit.
    pub fn now() -> UnixMicros {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        UnixMicros(since.map_or(0, |since| u64::try_from(since.as_micros()).unwrap_or(u64::MAX)))
    }
}
