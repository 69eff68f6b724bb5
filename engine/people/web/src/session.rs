//! Sessions: who holds which secret, and until when. Of a secret only its SHA-256 is kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::accounts::Stamp;
use super::role::Role;
use super::secret::sha256;

/// How long sessions last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionLimits {
    /// Without a request, seconds.
    pub idle_s: u64,
    /// Since sign-in, seconds.
    pub whole_s: u64,
}

impl SessionLimits {
    /// 30 minutes without a request, 12 hours in all: a shift.
    pub const DEFAULT: SessionLimits = SessionLimits { idle_s: 1800, whole_s: 12 * 3600 };
}

/// Sessions at once; the one that was idle longest gives way.
const SESSIONS_MAX: usize = 8192;

/// Sessions of one account at once; likewise.
const SESSIONS_ACCOUNT_MAX: usize = 16;

/// A person who signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The name of the account, or what the organisation calls the person.
    pub name: String,
    /// What they may look at.
    pub role: Role,
    /// The state of the local account at sign-in; none where an organisation vouched.
    pub(crate) stamp: Option<Stamp>,
}

struct Held {
    person: Arc<Person>,
    begun_s: u64,
    seen_s: u64,
}

/// Every session of a process.
pub(crate) struct Sessions {
    held: Mutex<HashMap<[u8; 32], Held>>,
    limits: SessionLimits,
}

impl Sessions {
    pub(crate) fn new(limits: SessionLimits) -> Sessions {
        Sessions { held: Mutex::default(), limits }
    }

    /// Begins a session under a secret that is new.
    pub(crate) fn begin(&self, secret: &str, person: Person, now_s: u64) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|_, session| self.limits.allow(session, now_s));
        // An organisation may call a person what a local account is called.
        let of_account = |session: &Held| {
            session.person.name == person.name && session.person.stamp.is_some() == person.stamp.is_some()
        };
        if held.values().filter(|session| of_account(session)).count() >= SESSIONS_ACCOUNT_MAX {
            drop_oldest(&mut held, of_account);
        }
        if held.len() >= SESSIONS_MAX {
            drop_oldest(&mut held, |_| true);
        }
        let session = Held { person: Arc::new(person), begun_s: now_s, seen_s: now_s };
        held.insert(sha256(secret.as_bytes()), session);
    }

    /// The person of a secret, as long as the session lasts and `is_current` says that their account is as it was. A
    /// session that does not last is forgotten. `touches` keeps it from being idle; a stream that goes on by itself does
    /// not.
    pub(crate) fn find(
        &self,
        secret: &str,
        now_s: u64,
        touches: bool,
        is_current: impl FnOnce(&Person) -> bool,
    ) -> Option<Arc<Person>> {
        let id = sha256(secret.as_bytes());
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let session = held.get_mut(&id)?;
        if !self.limits.allow(session, now_s) || !is_current(&session.person) {
            held.remove(&id);
            return None;
        }
        if touches {
            session.seen_s = now_s;
        }
        Some(Arc::clone(&session.person))
    }

    /// Ends a session.
    pub(crate) fn end(&self, secret: &str) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).remove(&sha256(secret.as_bytes()));
    }
}

impl SessionLimits {
    fn allow(self, session: &Held, now_s: u64) -> bool {
        now_s < session.seen_s + self.idle_s && now_s < session.begun_s + self.whole_s
    }
}

fn drop_oldest(held: &mut HashMap<[u8; 32], Held>, which: impl Fn(&Held) -> bool) {
    let oldest = held.iter().filter(|(_, session)| which(session)).min_by_key(|(_, session)| session.seen_s);
    if let Some(id) = oldest.map(|(id, _)| *id) {
        held.remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(name: &str) -> Person {
        Person { name: name.to_owned(), role: Role::Operator, stamp: None }
    }

    #[test]
    fn r61_a_session_ends_when_idle_when_old_when_signed_out_and_when_its_account_changed() {
        let limits = SessionLimits { idle_s: 10, whole_s: 25 };
        let sessions = Sessions::new(limits);
        let find = |secret: &str, now_s| sessions.find(secret, now_s, true, |_| true).is_some();
        sessions.begin("a", person("li"), 0);
        assert!(find("a", 9) && find("a", 18) && find("a", 24), "each request keeps it");
        assert!(!find("a", 25), "its whole time is over");
        sessions.begin("a", person("li"), 0);
        assert!(sessions.find("a", 9, false, |_| true).is_some());
        assert!(!find("a", 10), "a stream alone does not keep it");
        sessions.begin("a", person("li"), 0);
        sessions.end("a");
        assert!(!find("a", 1));
        sessions.begin("a", person("li"), 0);
        assert!(sessions.find("a", 1, true, |_| false).is_none(), "the account changed");
        assert!(!find("a", 1), "and stays ended");
        assert!(!find("b", 1));
    }

    #[test]
    fn r61_sessions_are_bounded_for_each_account_and_secrets_are_not_kept() {
        let sessions = Sessions::new(SessionLimits::DEFAULT);
        sessions.begin("other", person("wang"), 0);
        sessions.begin("local", Person { stamp: Some([0; 32]), ..person("li") }, 0);
        for n in 0..=SESSIONS_ACCOUNT_MAX as u64 {
            sessions.begin(&format!("secret {n}"), person("li"), n);
        }
        let find = |secret: &str| sessions.find(secret, 20, true, |_| true).is_some();
        assert!(!find("secret 0"), "the oldest gave way");
        assert!(find("secret 1") && find("other"));
        assert!(find("local"), "an organisation's person is not the account of that name");
        let held = sessions.held.lock().unwrap();
        assert!(held.keys().all(|id| id != b"other".as_slice()) && held.contains_key(&sha256(b"other")));
    }
}
