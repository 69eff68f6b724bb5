//! Sessions whose cookies this worker has already opened, so that a gate's next packet costs no key set-up.
//!
//! Only a cache: the cookie in the packet is the session, and an engine that has never seen it opens it.

use hufu_seal::Key;
use hufu_wire::{
    Cookie, KeyEpoch, RequestHeader, SessionKeys, Suite, Suites, UnixMillis, UnixSeconds, limits,
};

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
    pub(crate) request_key: Key,
    pub(crate) reply_key: Key,
}

/// Direct-mapped, with room at the end for sessions of one batch that want the same place.
pub(crate) struct Sessions {
    keys: CookieKeys,
    /// What the engine offers.
    offered: Suites,
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
    /// No sessions, and no keys to open any.
    pub(crate) fn new(offered: Suites) -> Sessions {
        let places = (0..PLACES + limits::BATCH_MAX).map(|_| None).collect();
        let (keys, used_in) = (CookieKeys::none(), vec![0; PLACES].into());
        Sessions { keys, offered, places, used_in, batch: 0, spilled: 0 }
    }

    /// Opens cookies with these keys from now on, and forgets every session that they do not open or that has expired at
    /// `now`: what is kept in memory would open packets that were recorded long ago. Other keys may have the same epoch, after
    /// an import or when a cluster began again.
    pub(crate) fn set_keys(&mut self, keys: CookieKeys, now: UnixMillis) {
        self.keys = keys;
        for place in &mut self.places {
            let over = |session: &Session| {
                let (nonce, cookie, epoch) = &session.sealed;
                let is_ours = self.keys.open(KeyEpoch(*epoch), nonce, cookie).is_some();
                !is_ours || session.cookie.expires <= now.seconds()
            };
            if place.as_ref().is_some_and(over) {
                *place = None;
            }
        }
    }

    /// Whether a cookie of `epoch` can be alive.
    pub(crate) fn accepts(&self, epoch: KeyEpoch) -> bool {
        self.keys.accepts(epoch)
    }

    /// Sessions found for the batch before may give way from now on.
    pub(crate) fn begin_batch(&mut self) {
        self.batch += 1;
        self.spilled = 0;
    }

    /// The session of a packet, opened now unless it is remembered. `None`: not a cookie of this cluster.
    pub(crate) fn find(&mut self, header: &RequestHeader, counters: &Counters) -> Option<SessionPlace> {
        let home = place_of(header);
        if self.places[home].as_ref().is_some_and(|session| session.is_of(header)) {
            self.used_in[home] = self.batch;
            return Some(SessionPlace(home));
        }
        let session = Session::open(&self.keys, self.offered, header)?;
        counters.count_sessions_opened(1);
        let place = if self.used_in[home] == self.batch {
            let spilled = PLACES + self.spilled;
            self.spilled += 1;
            spilled
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
    fn open(keys: &CookieKeys, offered: Suites, header: &RequestHeader) -> Option<Session> {
        let mut cookie = keys.open(header.epoch, &header.cookie_nonce, &header.cookie)?;
        let (request, reply) = (&cookie.keys.request, &cookie.keys.reply);
        // Engines that share a session, or a machine that was cloned, may draw the same nonce for two replies.
        let (request_key, reply_key) = match cookie.suite {
            Suite::Aes => (Key::aes_128_gcm(request).ok()?, Key::aes_128_gcm_siv(reply).ok()?),
            Suite::Sm4 => (Key::sm4_gcm(request), Key::sm4_gcm_shared(reply)),
        };
        // Where SM4 alone is offered, a session of before is told to enrol again. One of SM4 is served everywhere.
        if cookie.suite == Suite::Aes && !offered.contain(Suite::Aes) {
            cookie.expires = UnixSeconds(0);
        }
        // The library wipes its own copies when they are dropped.
        cookie.keys = SessionKeys { request: [0; 16], reply: [0; 16] };
        let sealed = (header.cookie_nonce, header.cookie, header.epoch.0);
        Some(Session { sealed, cookie, request_key, reply_key })
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

/// Genuine cookies end in a tag that no one can choose, so they spread by themselves; forged ones are never
/// remembered.
fn place_of(header: &RequestHeader) -> usize {
    let [.., low, high] = header.cookie;
    usize::from(u16::from_le_bytes([low, high])) % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_wire::{CheckNumber, DeviceGeneration, DeviceId, Grant, Scope, SiteId};

    use crate::cluster::ClusterKeys;

    const NOW: UnixMillis = UnixMillis(1_790_000_000_000);

    fn keys() -> CookieKeys {
        CookieKeys::new(&ClusterKeys::from_seed(&[1; 32], NOW).unwrap(), NOW).unwrap()
    }

    fn sessions() -> Sessions {
        let mut sessions = Sessions::new(Suites::AES);
        sessions.set_keys(keys(), NOW);
        sessions
    }

    /// A header of device `device` whose cookie lands in `place`.
    fn header_at(place: usize, device: u32) -> RequestHeader {
        let keys = keys();
        let cookie = Cookie {
            grant: Grant {
                device: DeviceId(device),
                generation: DeviceGeneration(0),
                site: SiteId(1),
                scope: Scope::CHECKS,
            },
            issued: NOW.seconds(),
            expires: UnixSeconds(NOW.seconds().0 + 60),
            suite: Suite::Aes,
            keys: SessionKeys { request: [1; 16], reply: [2; 16] },
        };
        (0..1_000_000_u64)
            .map(|n| {
                let mut nonce = [0; 12];
                nonce[..8].copy_from_slice(&n.to_le_bytes());
                let sealed = keys.seal(nonce, &cookie).unwrap();
                let (epoch, cookie) = (sealed.epoch, sealed.bytes);
                RequestHeader { epoch, cookie_nonce: sealed.nonce, cookie, number: CheckNumber(1) }
            })
            .find(|header| place_of(header) == place)
            .unwrap()
    }

    #[test]
    fn sessions_that_want_one_place_are_all_kept_until_the_batch_is_answered() {
        let mut sessions = sessions();
        let counters = Counters::default();
        // The others want the places around those of the sessions that find theirs taken.
        let homes = [77, 0, 1, PLACES - 1, PLACES - 2, 77, 77, 77];
        let headers: Vec<_> = homes.iter().zip(0..).map(|(&home, device)| header_at(home, device)).collect();
        for _ in 0..2 {
            sessions.begin_batch();
            let places: Vec<_> =
                headers.iter().map(|header| sessions.find(header, &counters).unwrap()).collect();
            for (device, place) in (0..).zip(places) {
                assert_eq!(sessions.get(place).unwrap().cookie.grant.device, DeviceId(device));
            }
        }
    }

    #[test]
    fn a_remembered_session_is_not_opened_again() {
        let mut sessions = sessions();
        let counters = Counters::default();
        let header = header_at(5, 9);
        for _ in 0..10 {
            sessions.begin_batch();
            assert!(sessions.find(&header, &counters).is_some());
        }
        assert_eq!(counters.sessions_opened(), 1);
    }

    #[test]
    fn a_changed_cookie_is_not_taken_for_the_remembered_one() {
        let mut sessions = sessions();
        let header = header_at(5, 9);
        let counters = Counters::default();
        sessions.begin_batch();
        assert!(sessions.find(&header, &counters).is_some());
        let mut changed = header;
        changed.cookie[0] ^= 1;
        assert!(sessions.find(&changed, &counters).is_none());
        let mut later_epoch = header;
        later_epoch.epoch.0 += 1;
        assert!(sessions.find(&later_epoch, &counters).is_none());
    }

    #[test]
    fn b10_an_expired_session_is_forgotten_with_its_keys() {
        let mut sessions = sessions();
        let header = header_at(5, 9);
        let counters = Counters::default();
        sessions.begin_batch();
        let place = sessions.find(&header, &counters).unwrap();
        assert_eq!(
            sessions.get(place).unwrap().cookie.keys,
            SessionKeys { request: [0; 16], reply: [0; 16] }
        );
        sessions.set_keys(keys(), UnixMillis(NOW.0 + 59_000));
        assert!(sessions.get(place).is_some());
        sessions.set_keys(keys(), UnixMillis(NOW.0 + 60_000));
        assert!(sessions.get(place).is_none());

        sessions.begin_batch();
        let place = sessions.find(&header, &counters).unwrap();
        sessions.set_keys(CookieKeys::none(), NOW);
        assert!(sessions.get(place).is_none(), "nor does it outlive its epoch's key");

        sessions.begin_batch();
        sessions.set_keys(keys(), NOW);
        let place = sessions.find(&header, &counters).unwrap();
        let another = ClusterKeys::from_seed(&[2; 32], NOW).unwrap();
        let another = CookieKeys::new(&another, NOW).unwrap();
        assert!(another.accepts(header.epoch), "the same epoch");
        sessions.set_keys(another, NOW);
        assert!(sessions.get(place).is_none(), "nor its cluster's");
    }
}
