//! Sessions whose cookies this worker has already opened, so that a gate's next packet costs no key set-up.
//!
//! Only a cache: the cookie in the packet is the session, and an engine that has never seen it opens it.

use aws_lc_rs::aead::{AES_128_GCM, LessSafeKey, UnboundKey};
use hufu_wire::{Cookie, RequestHeader, UnixMillis, limits};

use crate::cookie::CookieKeys;
use crate::counters::Counters;
use crate::numbers::SessionKey;

/// Sessions one worker remembers; a power of two.
const PLACES: usize = 4096;

/// An opened cookie with its keys set up.
pub(crate) struct Session {
    /// The front of every packet of this session: epoch, nonce and sealed cookie.
    sealed: ([u8; 12], [u8; 80], u32),
    pub(crate) cookie: Cookie,
    pub(crate) request_key: LessSafeKey,
    pub(crate) reply_key: LessSafeKey,
}

/// Direct-mapped, with room at the end for sessions of one batch that want the same place.
pub(crate) struct Sessions {
    keys: CookieKeys,
    places: Box<[Option<Session>]>,
    /// The batch that last used a place: until it is answered, its session stays.
    used_in: Box<[u64]>,
    batch: u64,
    spilled: usize,
}

/// Where a session of the current batch lies.
#[derive(Clone, Copy)]
pub(crate) struct SessionPlace(usize);

impl Sessions {
    pub(crate) fn new(keys: CookieKeys) -> Sessions {
        let places = (0..PLACES + limits::BATCH_MAX).map(|_| None).collect();
        Sessions { keys, places, used_in: vec![0; PLACES].into(), batch: 0, spilled: 0 }
    }

    /// Sessions found for the batch before may give way from now on.
    pub(crate) fn begin_batch(&mut self) {
        self.batch += 1;
        self.spilled = 0;
    }

    /// The session of a packet, opened now unless it is remembered. `None`: not a cookie of this cluster.
    pub(crate) fn find(
        &mut self,
        now: UnixMillis,
        header: &RequestHeader,
        counters: &Counters,
    ) -> Option<SessionPlace> {
        let home = place_of(header);
        if self.places[home].as_ref().is_some_and(|session| session.is_of(header)) {
            self.used_in[home] = self.batch;
            return Some(SessionPlace(home));
        }
        let session = Session::open(&mut self.keys, now, header)?;
        counters.count_session_opened();
        let place = if self.used_in[home] == self.batch {
            self.spilled += 1;
            PLACES + self.spilled - 1
        } else {
            self.used_in[home] = self.batch;
            home
        };
        self.places[place] = Some(session);
        Some(SessionPlace(place))
    }

    /// The session at a place that [`find`](Self::find) gave in this batch.
    pub(crate) fn get(&self, place: SessionPlace) -> Option<&Session> {
        self.places[place.0].as_ref()
    }
}

impl Session {
    fn open(keys: &mut CookieKeys, now: UnixMillis, header: &RequestHeader) -> Option<Session> {
        let cookie = keys.open(now, header.epoch, &header.cookie_nonce, &header.cookie)?;
        let key = |bytes| UnboundKey::new(&AES_128_GCM, bytes).map(LessSafeKey::new).ok();
        Some(Session {
            sealed: (header.cookie_nonce, header.cookie, header.epoch.0),
            request_key: key(&cookie.keys.request)?,
            reply_key: key(&cookie.keys.reply)?,
            cookie,
        })
    }

    /// What its device's numbers are kept by.
    pub(crate) fn key(&self) -> SessionKey {
        let tag = self.sealed.1.last_chunk().map_or(0, |tag| u64::from_le_bytes(*tag));
        SessionKey { issued: self.cookie.issued, tag }
    }

    fn is_of(&self, header: &RequestHeader) -> bool {
        (&self.sealed.0, &self.sealed.1, self.sealed.2)
            == (&header.cookie_nonce, &header.cookie, header.epoch.0)
    }
}

/// Genuine cookies end in a tag that nobody can choose, so they spread by themselves; made-up ones are never
/// remembered.
fn place_of(header: &RequestHeader) -> usize {
    let [.., low, high] = header.cookie;
    usize::from(u16::from_le_bytes([low, high])) % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_wire::{
        CheckNumber, DeviceGeneration, DeviceId, Grant, Scope, SessionKeys, SiteId, UnixSeconds,
    };

    const NOW: UnixMillis = UnixMillis(1_790_000_000_000);

    /// A header of device `device` whose cookie lands in `place`.
    fn header_at(place: usize, device: u32) -> RequestHeader {
        let mut keys = CookieKeys::new(&[1; 32]);
        let epoch = CookieKeys::epoch_at(NOW);
        let cookie = Cookie {
            grant: Grant {
                device: DeviceId(device),
                generation: DeviceGeneration(0),
                site: SiteId(1),
                scope: Scope::CHECKS,
            },
            issued: NOW.seconds(),
            expires: UnixSeconds(NOW.seconds().0 + 60),
            keys: SessionKeys { request: [1; 16], reply: [2; 16] },
        };
        (0..u64::MAX)
            .map(|n| {
                let mut nonce = [0; 12];
                nonce[..8].copy_from_slice(&n.to_le_bytes());
                let cookie = keys.seal(epoch, nonce, &cookie).unwrap();
                RequestHeader { epoch, cookie_nonce: nonce, cookie, number: CheckNumber(1) }
            })
            .find(|header| place_of(header) == place)
            .unwrap()
    }

    #[test]
    fn sessions_that_want_one_place_are_all_kept_until_the_batch_is_answered() {
        let mut sessions = Sessions::new(CookieKeys::new(&[1; 32]));
        let counters = Counters::default();
        let headers: Vec<_> = (0..3).map(|device| header_at(77, device)).collect();
        for _ in 0..2 {
            sessions.begin_batch();
            let places: Vec<_> =
                headers.iter().map(|header| sessions.find(NOW, header, &counters).unwrap()).collect();
            for (device, place) in (0..).zip(places) {
                assert_eq!(sessions.get(place).unwrap().cookie.grant.device, DeviceId(device));
            }
        }
    }

    #[test]
    fn a_remembered_session_is_not_opened_again() {
        let mut sessions = Sessions::new(CookieKeys::new(&[1; 32]));
        let counters = Counters::default();
        let header = header_at(5, 9);
        for _ in 0..10 {
            sessions.begin_batch();
            assert!(sessions.find(NOW, &header, &counters).is_some());
        }
        assert_eq!(counters.sessions_opened(), 1);
    }

    #[test]
    fn a_changed_cookie_is_not_taken_for_the_remembered_one() {
        let mut sessions = Sessions::new(CookieKeys::new(&[1; 32]));
        let header = header_at(5, 9);
        let counters = Counters::default();
        sessions.begin_batch();
        assert!(sessions.find(NOW, &header, &counters).is_some());
        let mut changed = header;
        changed.cookie[0] ^= 1;
        assert!(sessions.find(NOW, &changed, &counters).is_none());
        let mut later_epoch = header;
        later_epoch.epoch.0 += 1;
        assert!(sessions.find(NOW, &later_epoch, &counters).is_none());
    }
}
