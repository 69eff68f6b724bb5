//! Passwords: Argon2id as OWASP asks for it, on so few threads that sign-ins cannot take the machine.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use zeroize::Zeroizing;

use super::secret::random;

/// OWASP's Password Storage Cheat Sheet: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Shortest password that is taken, characters (NIST SP 800-63B-4 where it is the only factor).
pub const PASSWORD_CHARACTERS_MIN: usize = 15;

/// Longest password that is taken, bytes: hashing is bounded.
pub const PASSWORD_BYTES_MAX: usize = 1024;

/// Sign-ins that wait for a hash at once; further ones are told to come back.
const WAITING_MAX: usize = 32;

/// Why a password is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPassword {
    /// Shorter than [`PASSWORD_CHARACTERS_MIN`].
    #[error(
        "the password is too short; take at least {PASSWORD_CHARACTERS_MIN} characters, for example five words"
    )]
    Short,
    /// Longer than [`PASSWORD_BYTES_MAX`].
    #[error("the password is too long; take at most {PASSWORD_BYTES_MAX} bytes")]
    Long,
    /// Argon2 cannot hash it.
    #[error("the password cannot be hashed; report this as a fault of Hufu")]
    Unhashed,
}

/// The text that an accounts file keeps of a password (PHC string format), with a salt of its own.
///
/// # Errors
/// [`BadPassword`]: take another one.
pub fn hash_password(password: &str) -> Result<String, BadPassword> {
    if password.chars().count() < PASSWORD_CHARACTERS_MIN {
        return Err(BadPassword::Short);
    }
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(BadPassword::Long);
    }
    hash(password)
}

fn hash(password: &str) -> Result<String, BadPassword> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| BadPassword::Unhashed)?;
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hashed = hasher.hash_password_with_salt(password.as_bytes(), &random::<16>());
    hashed.map(|hashed| hashed.to_string()).map_err(|_| BadPassword::Unhashed)
}

/// Whether `text` is what [`hash_password`] writes.
pub(crate) fn is_hash(text: &str) -> bool {
    let Ok(hash) = PasswordHash::new(text) else { return false };
    let ours = Params::try_from(&hash).is_ok_and(|params| {
        // A file cannot ask for more memory than the machine has.
        params.m_cost() <= 4 * MEMORY_KIB && params.t_cost() <= 8 * PASSES && params.p_cost() <= 4
    });
    ours && hash.algorithm.as_str() == "argon2id" && hash.hash.is_some()
}

fn is_right(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash)
        .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

/// The threads that hash. A place is given back when its thread is done, also where the browser is gone by then. One serves browsers that signed in before, so that strangers cannot keep them out.
pub(crate) struct Hashing {
    strangers: Arc<Semaphore>,
    known: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// What a name without an account is compared with: takes as long as a wrong password.
    decoy: String,
}

/// Too many sign-ins wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Busy;

impl Hashing {
    pub(crate) fn new() -> Result<Hashing, BadPassword> {
        Ok(Hashing {
            strangers: Arc::new(Semaphore::new(1)),
            known: Arc::new(Semaphore::new(1)),
            waiting: Arc::new(Semaphore::new(WAITING_MAX)),
            decoy: hash("the password of an account that is not there")?,
        })
    }

    /// Whether this is the password of `hash`; without one the answer is no, as late as a wrong password's.
    pub(crate) async fn check(
        &self,
        password: Zeroizing<String>,
        hash: Option<String>,
        is_known: bool,
    ) -> Result<bool, Busy> {
        self.check_by(is_right, password, hash, is_known).await
    }

    async fn check_by(
        &self,
        verify: impl FnOnce(&str, &str) -> bool + Send + 'static,
        password: Zeroizing<String>,
        hash: Option<String>,
        is_known: bool,
    ) -> Result<bool, Busy> {
        let threads = if is_known { &self.known } else { &self.strangers };
        let waits = if is_known {
            None
        } else {
            Some(Arc::clone(&self.waiting).try_acquire_owned().map_err(|_| Busy)?)
        };
        let thread = Arc::clone(threads).acquire_owned().await.map_err(|_| Busy)?;
        let has_account = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.decoy.clone());
        let is_right = spawn_blocking(move || {
            let _held = (waits, thread);
            let is_short = password.len() <= PASSWORD_BYTES_MAX;
            verify(if is_short { &password } else { "" }, &hash) && is_short
        });
        Ok(is_right.await.unwrap_or(false) && has_account)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[test]
    fn r61_a_password_is_kept_as_argon2id_with_owasps_parameters_and_a_salt_of_its_own() {
        let password = "five words make a password";
        let [one, other] = [hash_password(password).unwrap(), hash_password(password).unwrap()];
        assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
        assert_ne!(one, other);
        assert!(is_hash(&one) && is_right(password, &one) && !is_right("five words make a passwort", &one));
        assert_eq!(hash_password("fourteen chars"), Err(BadPassword::Short));
        assert_eq!(hash_password(&"x".repeat(PASSWORD_BYTES_MAX + 1)), Err(BadPassword::Long));
        for text in [
            "",
            "$argon2id$",
            "password",
            &one.replace("argon2id", "argon2i"),
            &one.replace("m=19456", "m=99999999"),
        ] {
            assert!(!is_hash(text), "{text}");
        }
    }

    #[test]
    fn r61_a_name_without_an_account_is_hashed_like_a_wrong_password_and_strangers_wait_apart() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let hashing = Hashing::new().unwrap();
            let decoy = "the password of an account that is not there".to_owned();
            assert!(is_hash(&hashing.decoy));
            assert_eq!(hashing.check(Zeroizing::new(decoy), None, false).await, Ok(false));
            let held = hashing.waiting.try_acquire_many(u32::try_from(WAITING_MAX).unwrap()).unwrap();
            let try_it = |is_known| hashing.check(Zeroizing::new(String::new()), None, is_known);
            assert_eq!(try_it(false).await, Err(Busy));
            assert_eq!(try_it(true).await, Ok(false), "a browser that signed in before still gets in");
            drop(held);
        });
    }

    #[test]
    fn r61_one_password_is_verified_whether_the_name_has_an_account_or_not() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let hashing = Hashing::new().unwrap();
            assert!(hashing.decoy.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hashing.decoy);
            for hash in [None, Some("of an account".to_owned())] {
                let (tell, verified) = std::sync::mpsc::channel();
                let verify = move |password: &str, hash: &str| {
                    tell.send((password.to_owned(), hash.to_owned())).is_ok()
                };
                let password = Zeroizing::new("a password".to_owned());
                let answer = hashing.check_by(verify, password, hash.clone(), false).await;
                assert_eq!(answer, Ok(hash.is_some()), "only an account's can be right");
                let hash = hash.unwrap_or_else(|| hashing.decoy.clone());
                assert_eq!(verified.iter().collect::<Vec<_>>(), [("a password".to_owned(), hash)]);
            }
        });
    }

    #[test]
    fn r61_a_browser_that_goes_away_frees_no_thread_before_its_hash_is_done() {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.max_blocking_threads(1).build().unwrap().block_on(async {
            let hashing = Hashing::new().unwrap();
            // The one thread is taken, so that the hash cannot begin.
            let (go, wait) = std::sync::mpsc::channel::<()>();
            let taken = spawn_blocking(move || wait.recv());
            let asked = hashing.check(Zeroizing::new("wrong".to_owned()), None, false);
            assert_eq!(asked.now_or_never(), None, "it waits, and its browser goes away");
            assert_eq!(hashing.strangers.available_permits(), 0);
            assert_eq!(hashing.waiting.available_permits(), WAITING_MAX - 1);
            go.send(()).unwrap();
            taken.await.unwrap().unwrap();
            _ = hashing.strangers.acquire().await.unwrap();
        });
    }
}
