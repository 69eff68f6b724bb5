//! A machine's clock.

use hufu_wire::UnixMillis;

/// When every run begins: noon of 2026-09-21, Unix time, milliseconds.
pub(crate) const START_MS: u64 = 1_789_992_000_000;

/// The date as one machine has it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clock {
    /// Ahead of the truth, milliseconds.
    ahead_ms: i64,
    /// Parts per million that it runs too fast.
    drift_ppm: i64,
    /// Since when it drifts.
    since_ms: u64,
    /// It was wrong at some time.
    was_wrong: bool,
}

impl Clock {
    /// The date at `now` milliseconds since the beginning.
    pub(crate) fn date(&self, now: u64) -> UnixMillis {
        UnixMillis((START_MS + now).saturating_add_signed(self.ahead(now)))
    }

    /// How far it is ahead of the truth, milliseconds.
    pub(crate) fn ahead(&self, now: u64) -> i64 {
        let passed = i64::try_from(now.saturating_sub(self.since_ms)).unwrap_or(i64::MAX);
        self.ahead_ms + passed * self.drift_ppm / 1_000_000
    }

    /// Whether it was wrong at some time.
    pub(crate) fn was_wrong(&self) -> bool {
        self.was_wrong
    }

    /// It leaps.
    pub(crate) fn leap(&mut self, by_ms: i64) {
        self.ahead_ms += by_ms;
        self.was_wrong = true;
    }

    /// It drifts from now on.
    pub(crate) fn drift(&mut self, now: u64, ppm: i64) {
        *self = Clock { ahead_ms: self.ahead(now), drift_ppm: ppm, since_ms: now, was_wrong: true };
    }

    /// It is set right.
    pub(crate) fn set_right(&mut self) {
        *self = Clock { was_wrong: self.was_wrong, ..Clock::default() };
    }
}
