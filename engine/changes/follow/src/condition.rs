//! One log line for each change of a condition, however often it is met.

use std::time::Duration;

/// Conditions that come and go faster than this are logged once.
const QUIET: Duration = Duration::from_secs(10);

/// Whether a condition holds, and whether the log says so.
#[derive(Debug, Default)]
pub(crate) struct Condition {
    is_on: bool,
    is_logged: bool,
    last: Option<Duration>,
}

impl Condition {
    /// The condition holds: whether the log should say so now.
    pub(crate) fn begins(&mut self, now: Duration) -> bool {
        if self.is_on && self.is_logged {
            return false;
        }
        self.is_on = true;
        self.is_logged = self.last.is_none_or(|last| now.saturating_sub(last) >= QUIET);
        if self.is_logged {
            self.last = Some(now);
        }
        self.is_logged
    }

    /// It does not hold: whether the log should say so now, because it said that it did.
    pub(crate) fn ends(&mut self) -> bool {
        let logged = self.is_on && self.is_logged;
        (self.is_on, self.is_logged) = (false, false);
        logged
    }

    /// Of a condition that is looked at again and again.
    pub(crate) fn turns(&mut self, holds: bool, now: Duration) -> Option<bool> {
        if holds { self.begins(now).then_some(true) } else { self.ends().then_some(false) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_logged_when_it_begins_and_when_it_ends() {
        let mut condition = Condition::default();
        assert_eq!(
            [true, true, true, false, false].map(|on| condition.turns(on, Duration::ZERO)),
            [Some(true), None, None, Some(false), None]
        );
    }

    #[test]
    fn one_that_flickers_is_logged_again_later() {
        let mut condition = Condition::default();
        let lines = (0..60_000_u64)
            .filter(|ms| condition.turns(ms % 2 == 0, Duration::from_millis(*ms)).is_some())
            .count();
        assert_eq!(lines, 12, "two each ten seconds");
        assert!(!condition.begins(Duration::from_secs(59)), "logged nine seconds ago");
        assert!(condition.begins(Duration::from_secs(70)), "and it still holds");
    }
}
