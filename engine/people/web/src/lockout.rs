//! How many wrong passwords there may be. Device cookies, as OWASP describes them: a browser that signed in before has
//! its own budget, so that strangers who guess lock out strangers and not the account's owner.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use super::secret::{random, sha256};

/// Wrong passwords in [`WINDOW_S`] before further ones are not looked at.
pub(crate) const FAILURES_MAX: usize = 10;

/// Seconds after which a wrong password is forgotten.
pub(crate) const WINDOW_S: u64 = 15 * 60;

/// Names without an account share so many budgets: memory stays bounded, and they are answered as accounts are.
const STRANGERS: u16 = 4096;

/// Browsers whose failures are counted apart; further ones count as strangers.
const BROWSERS_MAX: usize = 16_384;

/// Whose budget an attempt is taken from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Budget {
    /// Browsers that never signed in to this account, all together.
    Account(String),
    /// A name without an account.
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

    /// The budget of a name without an account.
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

    /// The password was right: nothing is held against this budget.
    pub(crate) fn succeeded(&self, budget: &Budget) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).remove(budget);
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
        let (strangers, own) = (Budget::Account("li".to_owned()), Budget::Browser("nonce".to_owned()));
        for n in 0..FAILURES_MAX as u64 {
            lockout.take(&strangers, n).unwrap();
        }
        assert_eq!(lockout.take(&strangers, 10), Err(WINDOW_S - 10));
        lockout.take(&own, 10).unwrap();
        lockout.take(&Budget::Account("wang".to_owned()), 10).unwrap();
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
    fn names_without_an_account_are_limited_in_bounded_memory() {
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
