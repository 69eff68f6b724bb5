//! Cookies: a session sealed under a cluster key, so that any engine can serve any packet and a restarted
//! engine needs no handshake.

use arrayvec::ArrayVec;
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use hufu_seal::Key;
use hufu_wire::{Cookie, KeyEpoch, Suite, UnixMillis, read, sealed, write};
use zeroize::Zeroizing;

use crate::chain::{Bytes, EPOCHS};
use crate::cluster::ClusterKeys;

/// Keys of two chains that are accepted at a time.
const KEYS: usize = 2 * EPOCHS;

/// The keys of all cookies that can be alive at one time, ready to use.
///
/// They seal cookies and nothing else, each with what its session's packets are sealed with: AES-128-GCM-SIV (RFC 8452),
/// or SM4-GCM under nonces that follow from what they seal (docs/decisions/0041). Two machines that were made from one
/// image and draw the same nonce give away at most that two cookies are the same.
pub struct CookieKeys {
    /// Apart from the keys, for this is what every packet is held against.
    epochs: ArrayVec<KeyEpoch, KEYS>,
    /// In the same order.
    keys: ArrayVec<Key, KEYS>,
    /// In the same order, for cookies of SM4.
    sm4: ArrayVec<Key, KEYS>,
    /// The epoch under which new cookies are sealed.
    sealing: Option<KeyEpoch>,
}

/// A sealed cookie, and what a device sends with it.
pub struct SealedCookie {
    /// Which key opens it.
    pub epoch: KeyEpoch,
    /// What it was sealed with.
    pub nonce: [u8; sealed::NONCE_BYTES],
    /// The cookie.
    pub bytes: [u8; sealed::COOKIE_BYTES],
}

impl CookieKeys {
    /// No keys: opens nothing.
    pub(crate) const fn none() -> CookieKeys {
        CookieKeys {
            epochs: ArrayVec::new_const(),
            keys: ArrayVec::new_const(),
            sm4: ArrayVec::new_const(),
            sealing: None,
        }
    }

    /// The keys of the cluster that count at `now`.
    ///
    /// # Errors
    /// [`Unspecified`] when the cryptographic library fails.
    pub fn new(cluster: &ClusterKeys, now: UnixMillis) -> Result<CookieKeys, Unspecified> {
        let mut made = CookieKeys::none();
        let sealing = cluster.keys_at(now, |epoch, key| {
            made.epochs.try_push(epoch).map_err(|_| Unspecified)?;
            made.sm4.try_push(sm4_key(key)?).map_err(|_| Unspecified)?;
            let key = Key::aes_128_gcm_siv(key).map_err(|_| Unspecified)?;
            made.keys.try_push(key).map_err(|_| Unspecified)
        })?;
        made.sealing = Some(sealing);
        Ok(made)
    }

    /// Seals `cookie` under the current key of its suite and the random `nonce`. Returns the key's epoch and the nonce
    /// that the cookie was sealed with, which is another one for SM4.
    ///
    /// # Errors
    /// [`Unspecified`] when there is no key, or the cryptographic library fails.
    pub fn seal(
        &self,
        nonce: [u8; sealed::NONCE_BYTES],
        cookie: &Cookie,
    ) -> Result<SealedCookie, Unspecified> {
        let epoch = self.sealing.ok_or(Unspecified)?.sealed_with(cookie.suite);
        let mut bytes = Zeroizing::new([0; sealed::COOKIE_BYTES]);
        let (plain, tag_bytes) = bytes.split_last_chunk_mut().ok_or(Unspecified)?;
        write(cookie, plain).map_err(|_| Unspecified)?;
        let key = self.key(epoch).ok_or(Unspecified)?;
        let nonce = key.nonce(nonce, plain);
        *tag_bytes = key.seal(nonce, sealed::COOKIE_AAD, plain).map_err(|_| Unspecified)?;
        Ok(SealedCookie { epoch, nonce, bytes: *bytes })
    }

    /// Opens a cookie, `None` unless this cluster sealed it in an epoch whose key is here, for the suite that `epoch` says.
    pub fn open(
        &self,
        epoch: KeyEpoch,
        nonce: &[u8; sealed::NONCE_BYTES],
        cookie: &[u8; sealed::COOKIE_BYTES],
    ) -> Option<Cookie> {
        let key = self.key(epoch)?;
        let mut bytes = Zeroizing::new(*cookie);
        let plain = key.open(*nonce, sealed::COOKIE_AAD, &mut bytes[..])?;
        read(plain).ok().filter(|cookie: &Cookie| cookie.suite == epoch.suite())
    }

    /// Whether a cookie of `epoch` can be alive.
    pub fn accepts(&self, epoch: KeyEpoch) -> bool {
        self.epochs.contains(&epoch.sealed_with(Suite::Aes))
    }

    fn key(&self, epoch: KeyEpoch) -> Option<&Key> {
        let at = self.epochs.iter().position(|known| *known == epoch.sealed_with(Suite::Aes))?;
        match epoch.suite() {
            Suite::Aes => self.keys.get(at),
            Suite::Sm4 => self.sm4.get(at),
        }
    }
}

/// The key of an epoch's SM4 cookies, from that of its others: HKDF-SHA256 (RFC 5869).
fn sm4_key(key: &[u8; 16]) -> Result<Key, Unspecified> {
    let mut made = Zeroizing::new([0; 16]);
    let secret = Salt::new(HKDF_SHA256, sealed::SM4_KEY_INFO).extract(key);
    secret.expand(&[sealed::SM4_KEY_INFO], Bytes(made.len()))?.fill(&mut made[..])?;
    Ok(Key::sm4_gcm_shared(&made))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_wire::{DeviceGeneration, DeviceId, Grant, Scope, SessionKeys, SiteId, UnixSeconds, limits};

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
            suite: Suite::Aes,
            keys: SessionKeys { request: [1; 16], reply: [2; 16] },
        }
    }

    fn keys(seed: u8) -> CookieKeys {
        CookieKeys::new(&ClusterKeys::from_seed(&[seed; 32], NOW).unwrap(), NOW).unwrap()
    }

    #[test]
    fn any_engine_of_the_cluster_opens_a_cookie() {
        for suite in Suite::ALL {
            let cookie = Cookie { suite, ..cookie() };
            let sealed = keys(9).seal([3; 12], &cookie).unwrap();
            assert_eq!(sealed.epoch.suite(), suite);
            assert_eq!(keys(9).open(sealed.epoch, &sealed.nonce, &sealed.bytes), Some(cookie));
        }
    }

    #[test]
    fn another_cluster_another_epoch_or_a_changed_bit_opens_nothing() {
        let keys_of_ours = keys(9);
        for suite in Suite::ALL {
            let sealed = keys_of_ours.seal([3; 12], &Cookie { suite, ..cookie() }).unwrap();
            let SealedCookie { epoch, nonce, bytes } = &sealed;
            assert_eq!(keys(8).open(*epoch, nonce, bytes), None);
            assert_eq!(keys_of_ours.open(KeyEpoch(epoch.0 + 1), nonce, bytes), None);
            for other in Suite::ALL.into_iter().filter(|other| *other != suite) {
                assert_eq!(keys_of_ours.open(epoch.sealed_with(other), nonce, bytes), None, "as {other:?}");
            }
            for bit in 0..bytes.len() * 8 {
                let mut flipped = *bytes;
                flipped[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(keys_of_ours.open(*epoch, nonce, &flipped), None, "bit {bit} of {suite:?}");
            }
        }
    }

    /// An engine that makes such a cookie is broken, and its clients would seal with other keys than they think.
    #[test]
    fn r45_a_cookie_that_names_another_suite_than_it_is_sealed_with_is_none() {
        let ours = keys(9);
        let epoch = ours.seal([3; 12], &cookie()).unwrap().epoch;
        let mut bytes = [0; sealed::COOKIE_BYTES];
        let (plain, tag) = bytes.split_last_chunk_mut().unwrap();
        write(&Cookie { suite: Suite::Sm4, ..cookie() }, plain).unwrap();
        *tag = ours.key(epoch).unwrap().seal([3; 12], sealed::COOKIE_AAD, plain).unwrap();
        assert_eq!(ours.open(epoch, &[3; 12], &bytes), None);
    }

    /// GCM would give away the difference of the two sessions' keys, and with it the means to forge cookies.
    #[test]
    fn b10_a_nonce_that_is_drawn_twice_gives_no_key_away() {
        let other = Cookie { keys: SessionKeys { request: [3; 16], reply: [2; 16] }, ..cookie() };
        for suite in Suite::ALL {
            let [one, two] = [cookie(), other.clone()]
                .map(|cookie| keys(9).seal([3; 12], &Cookie { suite, ..cookie }).unwrap());
            let apart = |range: core::ops::Range<usize>| one.bytes[range.clone()] != two.bytes[range];
            assert!(apart(0..16) && apart(16..32) && apart(48..64), "equal plain text is sealed differently");
            // AES-GCM-SIV bears the same nonce twice; SM4-GCM must not meet it.
            assert_eq!(one.nonce == two.nonce, suite == Suite::Aes);
        }
    }

    /// While one chain takes over from another, each has all its epochs.
    #[test]
    fn b10_two_whole_chains_are_accepted_at_a_time() {
        let epochs_s = |epochs: u64| 1000 * epochs * u64::from(limits::EPOCH_S);
        let mut cluster = ClusterKeys::from_seed(&[9; 32], UnixMillis(NOW.0 - epochs_s(20))).unwrap();
        cluster.add_next(UnixMillis(NOW.0 - epochs_s(10)), [2; 8], &[2; 32]).unwrap();
        let keys = CookieKeys::new(&cluster, NOW).unwrap();
        let epoch = NOW.seconds().0 / limits::EPOCH_S;
        for chain in [0, 1] {
            assert!((epoch - 4..=epoch + 1).all(|epoch| keys.accepts(KeyEpoch::of(chain, epoch))));
        }
    }

    #[test]
    fn epochs_live_as_long_as_their_cookies_can() {
        let cluster = ClusterKeys::from_seed(&[9; 32], UnixMillis(NOW.0 - 30 * 86_400_000)).unwrap();
        let keys = CookieKeys::new(&cluster, NOW).unwrap();
        let epoch = NOW.seconds().0 / limits::EPOCH_S;
        for (offset, accepted) in [(-5, false), (-4, true), (0, true), (1, true), (2, false)] {
            let epoch = KeyEpoch::of(0, epoch.saturating_add_signed(offset));
            assert_eq!(keys.accepts(epoch), accepted, "{offset}");
        }
        assert!(!keys.accepts(KeyEpoch::of(1, epoch)), "another chain");
        assert!(!keys.accepts(KeyEpoch(u32::MAX)));
    }
}
