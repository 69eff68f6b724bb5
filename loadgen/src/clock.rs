//! The generator's clocks: nanoseconds of the run, and the steps of the day.

use std::time::{Duration, Instant, SystemTime};

use hufu_wire::{Step, UnixMillis, UnixSeconds};

/// Counts from the start of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock whose zero is in `ahead` from now, so that workers can be ready.
    pub(crate) fn starting_in(ahead: Duration) -> Clock {
        Clock { start: Instant::now() + ahead }
    }

    /// Nanoseconds since the start, 0 before it.
    #[inline]
    pub(crate) fn now_ns(self) -> u64 {
        u64::try_from(Instant::now().saturating_duration_since(self.start).as_nanos()).unwrap_or(u64::MAX)
    }

    /// Waits for the start.
    pub(crate) fn wait(self) {
        std::thread::sleep(self.start.saturating_duration_since(Instant::now()));
    }
}

/// How long this thread has been on a CPU.
pub(crate) fn thread_cpu() -> Duration {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let (s, ns) = (u64::try_from(used.tv_sec), u32::try_from(used.tv_nsec));
    Duration::new(s.unwrap_or(0), ns.unwrap_or(0))
}

/// The second of the day's clock.
pub(crate) fn unix_seconds() -> UnixSeconds {
    UnixMillis::from(SystemTime::now()).seconds()
}

/// The step that phones show now.
#[inline]
pub(crate) fn step() -> Step {
    unix_seconds().step()
}
