//! Lines of a log that anyone can cause.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Lines that a log takes in a second.
const A_SECOND_MAX: u32 = 16;

/// Counts lines that callers without a valid token cause. Beyond so many in a second they are left out: strangers must not
/// fill a disk.
#[derive(Debug, Default)]
pub struct StrangerLines {
    /// When the second began, and its lines.
    second: Mutex<Option<(Instant, u32)>>,
}

impl StrangerLines {
    /// No line yet.
    pub const fn new() -> StrangerLines {
        StrangerLines { second: Mutex::new(None) }
    }

    /// Whether the log takes one more line.
    pub fn may_log(&self, now: Instant) -> bool {
        // A count is whole at every moment.
        let mut second = self.second.lock().unwrap_or_else(PoisonError::into_inner);
        let is_running = |begun: &Instant| now.saturating_duration_since(*begun) < Duration::from_secs(1);
        let (begun, lines) = second.filter(|(begun, _)| is_running(begun)).unwrap_or((now, 0));
        *second = Some((begun, lines.saturating_add(1)));
        lines < A_SECOND_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_get_so_many_lines_in_a_second() {
        let (lines, begun) = (StrangerLines::new(), Instant::now());
        let logged = |ms| (0..100).filter(|_| lines.may_log(begun + Duration::from_millis(ms))).count();
        assert_eq!((logged(0), logged(999), logged(1000)), (16, 0, 16));
    }
}
