//! One log line for each change of a condition, however often it is met.

use std::time::Duration;

use tokio::time::Instant;

/// Conditions that come and go faster than this are told once.
const QUIET: Duration = Duration::from_secs(10);

/// Whether a condition holds, and whether the log knows.
#[derive(Debug, Default)]
pub(crate) struct Told {
    is_on: bool,
    is_said: bool,
    last: Option<Instant>,
}

impl Told {
    /// The condition holds: whether the log should say so now.
    pub(crate) fn begins(&mut self, now: Instant) -> bool {
        if self.is_on && self.is_said {
            return false;
        }
        self.is_on = true;
        self.is_said = self.last.is_none_or(|last| now.saturating_duration_since(last) >= QUIET);
        if self.is_said {
            self.last = Some(now);
        }
        self.is_said
    }

    /// It does not hold: whether the log should say so now, because it said that it did.
    pub(crate) fn ends(&mut self) -> bool {
        let said = self.is_on && self.is_said;
        (self.is_on, self.is_said) = (false, false);
        said
    }

    /// Of a condition that is looked at again and again.
    pub(crate) fn turns(&mut self, holds: bool, now: Instant) -> Option<bool> {
        if holds { self.begins(now).then_some(true) } else { self.ends().then_some(false) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_said_when_it_begins_and_when_it_ends() {
        let (mut told, now) = (Told::default(), Instant::now());
        assert_eq!(
            [true, true, true, false, false].map(|on| told.turns(on, now)),
            [Some(true), None, None, Some(false), None]
        );
    }

    #[test]
    fn one_that_flickers_is_said_again_later() {
        let (mut told, start) = (Told::default(), Instant::now());
        let lines = (0..60_000_u64)
            .filter(|ms| told.turns(ms % 2 == 0, start + Duration::from_millis(*ms)).is_some())
            .count();
        assert_eq!(lines, 12, "two each ten seconds");
        assert!(!told.begins(start + Duration::from_secs(59)), "told nine seconds ago");
        assert!(told.begins(start + Duration::from_secs(70)), "and it still holds");
    }
}
