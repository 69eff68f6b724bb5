//! How many wrong passwords there may be. Device cookies, as OWASP describes them: a browser that signed in before has
//! its own budget, so that strangers who guess lock out strangers and not the account's owner.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use super::secret::{random, sha256};

/// Wrong passwords in [`WINDOW_S`] before further ones are not looked at.
pub(crate) const FAILURES_MAX: usize = 10;

/// Seconds after which a wrong password is forgotten.
pub(crate) const WINDOW_S: u64 = 15 * 60;

/// Names share so many budgets, whether they have an account or not: memory stays bounded, and a lock does not tell which
/// names have one.
const STRANGERS: u16 = 4096;

/// Browsers whose failures are counted apart; further ones count as strangers.
const BROWSERS_MAX: usize = 16_384;

/// Whose budget an attempt is taken from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Budget {
    /// Browsers that never signed in to an account of this name or of others that share its budget, all together.
    Stranger(u16),
    /// A browser that signed in to this account, by the nonce of its cookie.
    Browser(String),
}

/// Wrong passwords of the last minutes.
pub(crate) struct Lockout {
    failures: Mutex<HashMap<Budget, VecDeque<u64>>>,
    salt: [u8; 32],
}

impl Lockout {
    pub(crate) fn new() -> Lockout {
        Lockout { failures: Mutex::default(), salt: random() }
    }

    /// The budget of a name for browsers that never signed in with it.
    pub(crate) fn stranger(&self, name: &str) -> Budget {
        let digest = sha256(&[&self.salt, name.as_bytes()].concat());
        Budget::Stranger(u16::from_le_bytes([digest[0], digest[1]]) % STRANGERS)
    }

    /// Takes one attempt; [`Lockout::succeeded`] gives it back. Taken before the password is looked at, so that attempts
    /// at once count too.
    ///
    /// # Errors
    /// Seconds until the next attempt.
    pub(crate) fn take(&self, budget: &Budget, now_s: u64) -> Result<(), u64> {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= BROWSERS_MAX && !failures.contains_key(budget) {
            failures.retain(|_, times| times.back().is_some_and(|last| now_s < last + WINDOW_S));
        }
        let times = failures.entry(budget.clone()).or_default();
        while times.front().is_some_and(|first| now_s >= first + WINDOW_S) {
            times.pop_front();
        }
        match times.front() {
            Some(first) if times.len() >= FAILURES_MAX => Err(first + WINDOW_S - now_s),
            _ => {
                times.push_back(now_s);
                Ok(())
            }
        }
    }

    /// The password was right. A browser has all its attempts again. Strangers have this one again and no other: names
    /// share their budget, and signing in with one account must not give attempts at others.
    pub(crate) fn succeeded(&self, budget: &Budget) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        match budget {
            Budget::Browser(_) => drop(failures.remove(budget)),
            Budget::Stranger(_) => {
                if let Some(times) = failures.get_mut(budget) {
                    times.pop_back();
                }
            }
        }
    }

    /// Whether another browser can have a budget of its own.
    pub(crate) fn has_room(&self) -> bool {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).len() < BROWSERS_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r61_a_lock_out_holds_strangers_and_not_the_browser_that_signed_in_before() {
        let lockout = Lockout::new();
        let (strangers, own) = (lockout.stranger("li"), Budget::Browser("nonce".to_owned()));
        for n in 0..FAILURES_MAX as u64 {
            lockout.take(&strangers, n).unwrap();
        }
        assert_eq!(lockout.take(&strangers, 10), Err(WINDOW_S - 10));
        lockout.take(&own, 10).unwrap();
        let other =
            (0..1_000).map(|n| lockout.stranger(&format!("wang {n}"))).find(|other| *other != strangers);
        lockout.take(&other.unwrap(), 10).unwrap();
        // One failure is forgotten after its time, and one attempt is there again.
        lockout.take(&strangers, WINDOW_S).unwrap();
        assert_eq!(lockout.take(&strangers, WINDOW_S), Err(1));
    }

    #[test]
    fn r61_a_known_browser_has_a_budget_too_and_a_right_password_gives_it_back() {
        let (lockout, own) = (Lockout::new(), Budget::Browser("nonce".to_owned()));
        for _ in 0..FAILURES_MAX {
            lockout.take(&own, 0).unwrap();
        }
        assert!(lockout.take(&own, 0).is_err());
        lockout.succeeded(&own);
        lockout.take(&own, 0).unwrap();
    }

    #[test]
    fn r61_signing_in_with_one_account_gives_no_attempts_at_others() {
        let lockout = Lockout::new();
        let strangers = lockout.stranger("li");
        for _ in 1..FAILURES_MAX {
            lockout.take(&strangers, 0).unwrap();
        }
        // Another account that shares the budget.
        lockout.take(&strangers, 0).unwrap();
        lockout.succeeded(&strangers);
        lockout.take(&strangers, 0).unwrap();
        assert!(lockout.take(&strangers, 0).is_err());
    }

    #[test]
    fn names_are_limited_in_bounded_memory() {
        let lockout = Lockout::new();
        for n in 0..10_000 {
            let _ = lockout.take(&lockout.stranger(&format!("name {n}")), 0);
        }
        assert!(lockout.failures.lock().unwrap().len() <= usize::from(STRANGERS));
        let one = lockout.stranger("zhao");
        assert_eq!(one, lockout.stranger("zhao"));
        while lockout.take(&one, 0).is_ok() {}
        assert!(lockout.take(&one, 0).is_err());
    }
}
