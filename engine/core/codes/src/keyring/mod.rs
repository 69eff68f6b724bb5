//! The keyring: which keys may sign what, and which never again.
//!
//! A [`Keyring`] does not change. [`Keyring::update`] makes the next one from the trust list that the
//! operator signed; readers keep the one they hold until they fetch the next.
//!
//! [`Admitted`] and this module import each other: the keyring alone admits, and what it admits names its key.

mod fault;
mod key;
mod list;
mod state;
mod update;

use std::sync::Arc;

#[cfg(doc)]
use hufu_wire::limits;
use hufu_wire::{KeyId, Reason, UnixSeconds};

use crate::verified::{Admitted, Claims, Signed};

pub use fault::TrustFault;
pub use key::{IssuerKey, Uses};
pub use list::{ListDigest, ListedKey, TrustList};

/// Every key an engine trusts, as of one trust list, and every key it will never trust again.
#[derive(Clone, Debug)]
pub struct Keyring {
    list: Arc<TrustList>,
    /// Usable keys, sorted by id.
    keys: Vec<IssuerKey>,
    /// Every key that any list this engine took revoked, sorted. It only grows.
    revoked: Vec<KeyId>,
    /// Whether nothing is admitted once the list should have been followed by another.
    must_be_fresh: bool,
}

impl Keyring {
    /// A keyring that trusts nobody yet and takes a list of any version.
    pub fn empty() -> Keyring {
        Keyring {
            list: Arc::new(TrustList::none()),
            keys: Vec::new(),
            revoked: Vec::new(),
            must_be_fresh: false,
        }
    }

    /// The version of the list it was made from; 0 before the first.
    pub fn version(&self) -> u64 {
        self.list.version()
    }

    /// This keyring, and every one [updated](Self::update) from it, admitting nothing once its list should have been
    /// followed by another. Under a list that says no such time nothing is admitted either.
    #[must_use]
    pub fn that_must_be_fresh(self, must_be_fresh: bool) -> Keyring {
        Keyring { must_be_fresh, ..self }
    }

    /// Whether it admits nothing once its list should have been followed by another.
    pub fn must_be_fresh(&self) -> bool {
        self.must_be_fresh
    }

    /// The list it was made from; before the first, an empty one of version 0.
    pub fn list(&self) -> &TrustList {
        &self.list
    }

    /// The usable key with this id: listed and never revoked. It may be out of force.
    pub fn find(&self, kid: KeyId) -> Option<&IssuerKey> {
        let at = self.keys.binary_search_by_key(&kid, |key| key.kid).ok()?;
        self.keys.get(at)
    }

    /// Every usable key, by rising id.
    pub fn keys(&self) -> &[IssuerKey] {
        &self.keys
    }

    /// Whether a key was ever revoked.
    pub fn is_revoked(&self, kid: KeyId) -> bool {
        self.revoked.binary_search(&kid).is_ok()
    }

    /// The key `kid`, if it may sign for `uses` and was in force at `signed_at`.
    ///
    /// # Errors
    /// The first that holds of [`Reason::KeyRevoked`], [`Reason::KeyUnknown`], [`Reason::KeyOutOfScope`] and
    /// [`Reason::KeyNotValid`].
    pub fn key_for(&self, kid: KeyId, uses: Uses, signed_at: UnixSeconds) -> Result<&IssuerKey, Reason> {
        let Some(key) = self.find(kid) else {
            return Err(if self.is_revoked(kid) { Reason::KeyRevoked } else { Reason::KeyUnknown });
        };
        if !key.uses.contain(uses) {
            return Err(Reason::KeyOutOfScope);
        }
        if signed_at < key.from || signed_at > key.until {
            return Err(Reason::KeyNotValid);
        }
        Ok(key)
    }

    /// Admits a signed message to signature verification: every rule about its key, and those of its claims that
    /// need no clock.
    ///
    /// # Errors
    /// [`Reason::StaleData`] when the list must be fresh and is not; those of [`key_for`](Self::key_for);
    /// [`Reason::KeyOutOfScope`] for a message that names another scheme than its key's;
    /// [`Reason::KeyNotValid`] more than [`limits::ENDED_KEY_S_MAX`] after the key's end; then
    /// [`Reason::ValidityTooLong`].
    pub fn admit<'a, T: Claims<'a>>(
        &self,
        signed: Signed<'a, T>,
        now: UnixSeconds,
    ) -> Result<Admitted<'_, 'a, T>, Reason> {
        if self.must_be_fresh && self.list.next_by().is_none_or(|next_by| now > next_by) {
            return Err(Reason::StaleData);
        }
        let claims = signed.claims();
        let key = self.key_for(signed.envelope().key, claims.key_use(), claims.issued())?;
        if signed.envelope().scheme != key.prepared.scheme() {
            return Err(Reason::KeyOutOfScope);
        }
        // When it was signed is its signer's word: a thief of an ended key says what suits it.
        if now > key.believed_until() {
            return Err(Reason::KeyNotValid);
        }
        claims.within_rules()?;
        Ok(Admitted::new(signed, key))
    }
}

impl Default for Keyring {
    fn default() -> Keyring {
        Keyring::empty()
    }
}
