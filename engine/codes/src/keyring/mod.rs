//! The keyring: which keys may sign what, and which never again.
//!
//! A [`Keyring`] does not change. [`Keyring::update`] makes the next one from the trust list that the
//! operator signed; readers keep the one they hold until they fetch the next.

mod key;
mod list;
mod state;
mod update;

use std::sync::Arc;

use hufu_wire::{KeyId, Reason, UnixSeconds};

use crate::verified::{Admitted, Claims, Signed};

pub use key::{IssuerKey, Uses};
pub use list::{ListedKey, TrustList};
pub use update::TrustFault;

/// Every key an engine trusts, as of one trust list, and every key it will never trust again.
#[derive(Clone, Debug)]
pub struct Keyring {
    list: Arc<TrustList>,
    /// Usable keys, sorted by id.
    keys: Vec<IssuerKey>,
    /// Every key that any list this engine took revoked, sorted. It only grows.
    revoked: Vec<KeyId>,
}

impl Keyring {
    /// A keyring that trusts nobody yet and takes a list of any version.
    pub fn empty() -> Keyring {
        Keyring { list: Arc::new(TrustList::none()), keys: Vec::new(), revoked: Vec::new() }
    }

    /// The version of the list it was made from; 0 before the first.
    pub fn version(&self) -> u64 {
        self.list.version()
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

    /// Admits a signed message to signature verification: every rule that needs neither signature nor clock.
    ///
    /// # Errors
    /// Those of [`key_for`](Self::key_for), then [`Reason::ValidityTooLong`].
    pub fn admit<'a, T: Claims<'a>>(&self, signed: Signed<'a, T>) -> Result<Admitted<'_, 'a, T>, Reason> {
        let claims = signed.claims();
        let key = self.key_for(signed.envelope().key, claims.key_use(), claims.issued())?;
        claims.within_rules()?;
        Ok(Admitted::new(signed, key))
    }
}

impl Default for Keyring {
    fn default() -> Keyring {
        Keyring::empty()
    }
}
