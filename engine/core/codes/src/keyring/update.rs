//! From one trust list to the next.

use std::sync::Arc;

use hufu_signature::PreparedKey;
use hufu_wire::{KeyId, UnixSeconds};

use super::Keyring;
use super::fault::TrustFault;
use super::key::IssuerKey;
use super::list::{ListedKey, TrustList};

/// How far an operator's clock may be ahead of an engine's, seconds.
const LIST_CLOCK_TOLERANCE_S: u32 = 300;

/// Revoked keys one engine remembers: far more than any country revokes, and half a mebibyte.
pub(super) const REVOKED_MAX: usize = 1 << 16;

impl Keyring {
    /// The keyring of `list`. Keys that were ever revoked stay revoked, whatever the list says of them.
    ///
    /// Preparing a new key takes about 2 ms; known keys are shared with this keyring. Credentials remembered
    /// in a [`SeenCache`](crate::seen::SeenCache) under this keyring must not be trusted under the new one:
    /// make a new cache with it.
    ///
    /// Two lists of one version are a fork, which no list of the usual kind can end: what one branch says of a key
    /// contradicts the other. A list that [settles](TrustList::settles) the list held may say otherwise when a key
    /// was published and from when it may sign. It never brings a revoked key back, nor moves one to another issuer.
    ///
    /// # Errors
    /// [`TrustFault`]; this keyring stays in force.
    pub fn update(&self, list: &TrustList, now: UnixSeconds) -> Result<Keyring, TrustFault> {
        self.follows(list, now)?;
        let is_settled = !list.settles().is_empty() && list.settles().contains(&self.list.digest());
        list.keys().iter().try_for_each(|(kid, key)| self.consistent(*kid, key, is_settled))?;
        let revoked = self.revoked_with(list)?;
        let keys = self.usable(list, &revoked)?;
        Ok(Keyring { list: Arc::new(list.clone()), keys, revoked, must_be_fresh: self.must_be_fresh })
    }

    /// Whether `list` may come after the one held.
    fn follows(&self, list: &TrustList, now: UnixSeconds) -> Result<(), TrustFault> {
        let held = self.version();
        if list.version() < held {
            return Err(TrustFault::Rollback { held, offered: list.version() });
        }
        if list.version() == held && list.signed() != self.list.signed() && !self.list.signed().is_empty() {
            return Err(TrustFault::Fork { version: held });
        }
        if list.made_at().0 > now.0.saturating_add(LIST_CLOCK_TOLERANCE_S) {
            return Err(TrustFault::FromTheFuture);
        }
        Ok(())
    }

    /// Whether what the new list says of a key agrees with what was known of it.
    fn consistent(&self, kid: KeyId, key: &ListedKey, is_settled: bool) -> Result<(), TrustFault> {
        let held = self.list.keys();
        let Ok(at) = held.binary_search_by_key(&kid, |(kid, _)| *kid) else {
            // A key may be revoked the first time an engine hears of it, however old it is.
            let is_allowed = is_settled || key.revoked || self.is_revoked(kid);
            return if key.published < self.list.made_at() && !is_allowed {
                Err(TrustFault::Backdated { kid })
            } else {
                Ok(())
            };
        };
        let held = &held[at].1;
        let is_one_key = (held.public, held.issuer) == (key.public, key.issuer);
        let is_one_time = (held.from, held.published) == (key.from, key.published);
        if is_one_key && (is_one_time || is_settled) { Ok(()) } else { Err(TrustFault::Changed { kid }) }
    }

    fn revoked_with(&self, list: &TrustList) -> Result<Vec<KeyId>, TrustFault> {
        let mut revoked = self.revoked.clone();
        revoked.extend(list.keys().iter().filter(|(_, key)| key.revoked).map(|(kid, _)| *kid));
        revoked.sort_unstable();
        revoked.dedup();
        if revoked.len() > REVOKED_MAX { Err(TrustFault::TooManyRevoked) } else { Ok(revoked) }
    }

    /// The list's keys that were never revoked, prepared.
    fn usable(&self, list: &TrustList, revoked: &[KeyId]) -> Result<Vec<IssuerKey>, TrustFault> {
        let live = list.keys().iter().filter(|(kid, _)| revoked.binary_search(kid).is_err());
        live.map(|(kid, key)| {
            let ListedKey { issuer, uses, from, until, .. } = *key;
            let prepared = match self.find(*kid).filter(|known| known.prepared.public() == key.public) {
                Some(known) => known.prepared.clone(),
                None => {
                    PreparedKey::new(&key.public).map_err(|fault| TrustFault::BadKey { kid: *kid, fault })?
                }
            };
            Ok(IssuerKey { kid: *kid, issuer, uses, from, until, prepared })
        })
        .collect()
    }
}
