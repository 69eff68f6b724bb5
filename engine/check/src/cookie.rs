//! Cookies: a session sealed under a cluster key, so that any engine can serve any packet and a restarted
//! engine needs no handshake.

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use hufu_wire::{Cookie, KeyEpoch, UnixMillis, limits, read, sealed, write};
use zeroize::Zeroizing;

/// Epochs before the current one whose cookies can still be alive.
const EPOCHS_BACK: u32 = limits::COOKIE_S_MAX / limits::EPOCH_S;
/// Epochs ahead that another engine of the cluster may already have entered.
const EPOCHS_AHEAD: u32 = 1;
const EPOCHS: usize = (EPOCHS_BACK + 1 + EPOCHS_AHEAD) as usize;

/// The cluster's cookie keys, one for each epoch, derived from one seed when first needed.
///
/// A key is HKDF-SHA256 (RFC 5869) of the seed with an empty salt and the epoch in its info; it seals cookies
/// with AES-128-GCM and nothing else.
pub struct CookieKeys {
    seed: Zeroizing<[u8; 32]>,
    /// One place for each epoch that can be accepted at a time: epoch modulo their number.
    derived: [Option<(KeyEpoch, LessSafeKey)>; EPOCHS],
}

/// Sixteen bytes of key, as HKDF wants it said.
struct Aes128;

impl KeyType for Aes128 {
    fn len(&self) -> usize {
        16
    }
}

impl CookieKeys {
    /// The keys of the cluster with this seed.
    pub fn new(seed: &[u8; 32]) -> CookieKeys {
        CookieKeys { seed: Zeroizing::new(*seed), derived: [const { None }; EPOCHS] }
    }

    /// The epoch whose key seals cookies at `now`.
    pub fn epoch_at(now: UnixMillis) -> KeyEpoch {
        KeyEpoch(now.seconds().0 / limits::EPOCH_S)
    }

    /// Seals `cookie` under the key of `epoch` and the random `nonce`.
    ///
    /// # Errors
    /// [`Unspecified`] when the cryptographic library gives out no key.
    pub fn seal(
        &mut self,
        epoch: KeyEpoch,
        nonce: [u8; sealed::NONCE_BYTES],
        cookie: &Cookie,
    ) -> Result<[u8; sealed::COOKIE_BYTES], Unspecified> {
        let mut bytes = Zeroizing::new([0; sealed::COOKIE_BYTES]);
        let (plain, tag_bytes) = bytes.split_at_mut(Cookie::BYTES);
        write(cookie, plain).map_err(|_| Unspecified)?;
        let nonce = Nonce::assume_unique_for_key(nonce);
        let aad = Aad::from(sealed::COOKIE_AAD);
        let tag = self.key(epoch)?.seal_in_place_separate_tag(nonce, aad, plain)?;
        tag_bytes.copy_from_slice(tag.as_ref());
        Ok(*bytes)
    }

    /// Opens a cookie, `None` unless this cluster sealed it in an epoch that can still count at `now`.
    pub fn open(
        &mut self,
        now: UnixMillis,
        epoch: KeyEpoch,
        nonce: &[u8; sealed::NONCE_BYTES],
        cookie: &[u8; sealed::COOKIE_BYTES],
    ) -> Option<Cookie> {
        let mut bytes = Zeroizing::new(*cookie);
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let aad = Aad::from(sealed::COOKIE_AAD);
        if !Self::accepts(now, epoch) {
            return None;
        }
        let plain = self.key(epoch).ok()?.open_in_place(nonce, aad, &mut bytes[..]).ok()?;
        read(plain).ok()
    }

    /// Whether a cookie of `epoch` can still be alive at `now`.
    pub fn accepts(now: UnixMillis, epoch: KeyEpoch) -> bool {
        let current = Self::epoch_at(now).0;
        (current.saturating_sub(EPOCHS_BACK)..=current.saturating_add(EPOCHS_AHEAD)).contains(&epoch.0)
    }

    /// The key of an epoch. Only epochs that [`accepts`](Self::accepts) let through or the engine's own get
    /// here, so a flood of made-up epochs derives nothing.
    fn key(&mut self, epoch: KeyEpoch) -> Result<&LessSafeKey, Unspecified> {
        let place = &mut self.derived[epoch.0 as usize % EPOCHS];
        if place.as_ref().is_none_or(|(derived, _)| *derived != epoch) {
            *place = Some((epoch, derive(&self.seed, epoch)?));
        }
        place.as_ref().map(|(_, key)| key).ok_or(Unspecified)
    }
}

fn derive(seed: &[u8; 32], epoch: KeyEpoch) -> Result<LessSafeKey, Unspecified> {
    let epoch = epoch.0.to_le_bytes();
    let info = [sealed::EPOCH_KEY_INFO, &epoch];
    let mut key = Zeroizing::new([0; 16]);
    Salt::new(HKDF_SHA256, &[]).extract(seed).expand(&info, Aes128)?.fill(&mut key[..])?;
    Ok(LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key[..])?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_wire::{DeviceGeneration, DeviceId, Grant, Scope, SessionKeys, SiteId, UnixSeconds};

    const NOW: UnixMillis = UnixMillis(1_790_000_000_000);

    fn cookie() -> Cookie {
        Cookie {
            grant: Grant {
                device: DeviceId(7),
                generation: DeviceGeneration(1),
                site: SiteId(301),
                scope: Scope::CHECKS,
            },
            issued: UnixSeconds(1_790_000_000),
            expires: UnixSeconds(1_790_086_400),
            keys: SessionKeys { request: [1; 16], reply: [2; 16] },
        }
    }

    #[test]
    fn any_engine_of_the_cluster_opens_a_cookie() {
        let epoch = CookieKeys::epoch_at(NOW);
        let sealed = CookieKeys::new(&[9; 32]).seal(epoch, [3; 12], &cookie()).unwrap();
        assert_eq!(CookieKeys::new(&[9; 32]).open(NOW, epoch, &[3; 12], &sealed), Some(cookie()));
    }

    #[test]
    fn another_cluster_another_epoch_or_a_changed_bit_opens_nothing() {
        let epoch = CookieKeys::epoch_at(NOW);
        let sealed = CookieKeys::new(&[9; 32]).seal(epoch, [3; 12], &cookie()).unwrap();
        assert_eq!(CookieKeys::new(&[8; 32]).open(NOW, epoch, &[3; 12], &sealed), None);
        let mut keys = CookieKeys::new(&[9; 32]);
        assert_eq!(keys.open(NOW, KeyEpoch(epoch.0 - 1), &[3; 12], &sealed), None);
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(keys.open(NOW, epoch, &[3; 12], &flipped), None, "bit {bit}");
        }
    }

    #[test]
    fn epochs_live_as_long_as_their_cookies_can() {
        let epoch = CookieKeys::epoch_at(NOW).0;
        for (offset, accepted) in [(-5, false), (-4, true), (0, true), (1, true), (2, false)] {
            let epoch = KeyEpoch(epoch.saturating_add_signed(offset));
            assert_eq!(CookieKeys::accepts(NOW, epoch), accepted, "{offset}");
        }
        assert!(!CookieKeys::accepts(NOW, KeyEpoch(u32::MAX)));
    }
}
