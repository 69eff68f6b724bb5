//! What every worker of one engine shares.

use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::{Acquire, Release};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use hufu_codes::ended::EndedTrips;
use hufu_codes::keyring::Keyring;
use hufu_policy::Sites;
use hufu_table::Reader;
use hufu_wire::{
    Cookie, Enrolled, Grant, IssuerId, Reason, SessionKeys, SiteId, Suite, Suites, UnixMillis, UnixSeconds,
    limits, sealed,
};
use zeroize::Zeroizing;

use crate::cases::{Batch, Binaries, Case, judge};
use crate::chain::Bytes;
use crate::cluster::ClusterKeys;
use crate::cookie::{CookieKeys, SealedCookie};
use crate::counters::Counters;
use crate::devices::{Devices, Rate};
use crate::fault::NotEnrolled;
use crate::foreign::Foreign;
use crate::grounds::{Beside, Grounds, Rules, Trust};
use crate::passback::PassBack;
use crate::random::random;

/// What an engine is made of.
pub struct EngineParts {
    /// The status table, to read and never to write (R11).
    pub table: Reader,
    /// The issuer keys that are trusted now.
    pub keyring: Keyring,
    /// The policies of all sites.
    pub sites: Sites,
    /// The keys that all engines of the cluster share; cookies are sealed under them.
    pub cluster: ClusterKeys,
    /// Device ids are below this.
    pub devices_max: u32,
    /// How often one device may ask.
    pub device_rate: Rate,
    /// How long a cookie lives, seconds; at most [`limits::COOKIE_S_MAX`].
    pub cookie_s: u32,
    /// What new sessions may be sealed with. Where AES is not among them, sessions of AES are told to enrol again.
    pub suites: Suites,
    /// Credentials remembered as verified, 16 bytes each.
    pub seen_entries: usize,
    /// Presentations remembered as used, 16 bytes each.
    pub pass_back_entries: usize,
}

/// What all workers share. The check path only reads it; the one thing it writes is its own memory of seen
/// credentials, used presentations and device rates.
pub struct Engine {
    pub(crate) table: Reader,
    pub(crate) trust: ArcSwap<Trust>,
    pub(crate) sites: ArcSwap<Rules>,
    beside: ArcSwap<Beside>,
    pub(crate) devices: Devices,
    pub(crate) pass_back: PassBack,
    cluster: Mutex<ClusterKeys>,
    /// Rises whenever `cluster` changes, so that workers notice.
    cluster_version: AtomicU64,
    enrolling: Mutex<Option<Enrolling>>,
    cookie_s: u32,
    suites: Suites,
    seen_entries: usize,
}

/// The keys that seal new cookies.
struct Enrolling {
    of: KeysOf,
    keys: CookieKeys,
}

/// Which cookie keys a thread has: those of this version of the cluster's keys at this epoch.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeysOf {
    version: u64,
    epoch: u32,
}

impl Engine {
    /// An engine of these parts.
    ///
    /// # Errors
    /// [`NotEnrolled::NoRandomness`] when the operating system gives no random bytes for its secret keys.
    pub fn new(parts: EngineParts) -> Result<Arc<Engine>, NotEnrolled> {
        let trust = Trust::new(parts.keyring, parts.seen_entries)?;
        Ok(Arc::new(Engine {
            table: parts.table,
            trust: ArcSwap::from_pointee(trust),
            sites: ArcSwap::from_pointee(Rules::new(parts.sites)),
            beside: ArcSwap::default(),
            devices: Devices::new(parts.devices_max.min(limits::DEVICES_MAX), parts.device_rate),
            pass_back: PassBack::new(parts.pass_back_entries, random()?),
            cluster: Mutex::new(parts.cluster),
            cluster_version: AtomicU64::new(0),
            enrolling: Mutex::new(None),
            cookie_s: parts.cookie_s.min(limits::COOKIE_S_MAX),
            suites: parts.suites,
            seen_entries: parts.seen_entries,
        }))
    }

    /// Gives a device that takes every suite a session, which ends with its certificate at the latest. Call it only for
    /// a grant that a certificate has proved.
    ///
    /// # Errors
    /// [`NotEnrolled::Refused`] with the reason to tell the device, or [`NotEnrolled::NoRandomness`].
    pub fn enrol(
        &self,
        grant: Grant,
        udp_port: u16,
        not_after: UnixSeconds,
        now: UnixMillis,
    ) -> Result<Enrolled, NotEnrolled> {
        self.enrol_bound(grant, Suites::AES_AND_SM4, udp_port, not_after, now, &[0; 32])
    }

    /// The same for a device that takes these suites, over a connection that gives `binding`: secret material that device and engine share and
    /// no other connection has, as from a TLS exporter (RFC 8446 section 7.5). It goes into the session's keys, so that two machines that were made from
    /// one image and draw the same random bytes still give out different keys.
    ///
    /// # Errors
    /// As [`enrol`](Self::enrol).
    pub fn enrol_bound(
        &self,
        grant: Grant,
        suites: Suites,
        udp_port: u16,
        not_after: UnixSeconds,
        now: UnixMillis,
        binding: &[u8; 32],
    ) -> Result<Enrolled, NotEnrolled> {
        if !self.devices.has_room_for(grant.device) {
            return Err(NotEnrolled::Refused(Reason::DeviceUnknown));
        }
        if self.devices.is_revoked(&grant) {
            return Err(NotEnrolled::Refused(Reason::DeviceRevoked));
        }
        if self.sites.load().sites.get(grant.site).is_none() {
            return Err(NotEnrolled::Refused(Reason::SiteUnknown));
        }
        let suite = self.suites.shared(suites).ok_or(NotEnrolled::Refused(Reason::SuiteNotShared))?;
        self.devices.meet(&grant);
        let issued = now.seconds();
        let expires = UnixSeconds(issued.0.saturating_add(self.cookie_s)).min(not_after);
        let keys = session_keys(suite, binding, now)?;
        let cookie = Cookie { grant, issued, expires, suite, keys };
        let sealed = self.seal(now, random()?, &cookie)?;
        Ok(Enrolled {
            server_time: now,
            grant,
            issued,
            expires,
            udp_port,
            epoch: sealed.epoch,
            cookie_nonce: sealed.nonce,
            cookie: sealed.bytes,
            suite,
            keys: cookie.keys,
        })
    }

    fn seal(
        &self,
        now: UnixMillis,
        nonce: [u8; sealed::NONCE_BYTES],
        cookie: &Cookie,
    ) -> Result<SealedCookie, NotEnrolled> {
        let of = self.keys_of(now);
        let mut enrolling = self.enrolling.lock().unwrap_or_else(PoisonError::into_inner);
        let keys = match enrolling.take().filter(|enrolling| enrolling.of == of) {
            Some(enrolling) => enrolling.keys,
            None => self.cookie_keys(now).ok_or(NotEnrolled::NoRandomness)?,
        };
        let sealed = keys.seal(nonce, cookie).map_err(|_| NotEnrolled::NoRandomness);
        *enrolling = Some(Enrolling { of, keys });
        sealed
    }

    /// Replaces the keys of the cluster: packets that arrive from now on are opened with these.
    pub fn set_cluster(&self, keys: ClusterKeys) {
        *self.cluster.lock().unwrap_or_else(PoisonError::into_inner) = keys;
        // Release: pairs with Acquire in `keys_of`; a thread that sees the version finds these keys or later ones.
        self.cluster_version.fetch_add(1, Release);
        // What was made of the old ones is not kept until the next device comes.
        *self.enrolling.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// What new sessions may be sealed with.
    pub fn suites(&self) -> Suites {
        self.suites
    }

    /// The devices, to revoke them.
    pub fn devices(&self) -> &Devices {
        &self.devices
    }

    /// The table that checks read, for staleness figures.
    pub fn table(&self) -> &Reader {
        &self.table
    }

    /// Whether checks of this site are served at `now` although their records cannot be kept.
    pub(crate) fn goes_unrecorded(&self, site: SiteId, now: UnixMillis) -> bool {
        let rules = self.sites.load();
        rules.sites.get(site).is_some_and(|policy| now.seconds() < policy.unrecorded_until)
    }

    /// The current site policies.
    pub fn sites(&self) -> Arc<Sites> {
        Arc::clone(&self.sites.load().sites)
    }

    /// Replaces all site policies; batches that have begun finish under the old ones.
    pub fn set_sites(&self, sites: Sites) {
        self.sites.store(Arc::new(Rules::new(sites)));
    }

    /// Replaces the trip credentials that ended before their time; none had at the start.
    pub fn set_ended_trips(&self, ended: EndedTrips) {
        let ended = Arc::new(ended);
        self.beside.rcu(|beside| Beside { ended: Arc::clone(&ended), ..Beside::clone(beside) });
    }

    /// Replaces what verifies certificates of other systems (R63), with everything it remembers; `None` for nothing.
    /// There is nothing at the start: such a certificate is told [`Reason::ForeignCode`].
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the engine keeps it, by a copy for each attempt to put it there"
    )]
    pub fn set_foreign(&self, foreign: Option<Arc<dyn Foreign>>) {
        self.beside.rcu(|beside| Beside { foreign: foreign.clone(), ..Beside::clone(beside) });
    }

    /// Replaces the issuers whose public status lists are followed here, to whose entries alone a device may refer (R64).
    /// There are none at the start.
    pub fn set_listed(&self, issuers: &[IssuerId]) {
        self.beside.rcu(|beside| Beside { listed: issuers.into(), ..Beside::clone(beside) });
    }

    /// Replaces the keyring and forgets every credential verified under the old one.
    ///
    /// # Errors
    /// [`NotEnrolled::NoRandomness`], and the old keyring stays.
    pub fn set_keyring(&self, keyring: Keyring) -> Result<(), NotEnrolled> {
        self.trust.store(Arc::new(Trust::new(keyring, self.seen_entries)?));
        Ok(())
    }

    /// Checks all cases that are not settled yet, by what the engine knows now.
    pub(crate) fn judge<'b>(
        &self,
        now: UnixMillis,
        counters: &Counters,
        cases: &mut Batch<Case<'_, 'b>>,
        binaries: &'b mut Binaries,
    ) {
        let (trust, rules, beside) = (self.trust.load(), self.sites.load(), self.beside.load());
        let grounds = Grounds {
            trust: &trust,
            rules: &rules,
            beside: &beside,
            statuses: &self.table,
            pass_back: &self.pass_back,
            counters,
        };
        judge(now, &grounds, cases, binaries);
    }

    /// Which keys a thread should have at `now`.
    pub(crate) fn keys_of(&self, now: UnixMillis) -> KeysOf {
        // Acquire: pairs with Release in `set_cluster`.
        KeysOf { version: self.cluster_version.load(Acquire), epoch: ClusterKeys::epoch_at(now) }
    }

    /// Those keys, `None` when the cryptographic library fails.
    pub(crate) fn cookie_keys(&self, now: UnixMillis) -> Option<CookieKeys> {
        let cluster = self.cluster.lock().unwrap_or_else(PoisonError::into_inner);
        CookieKeys::new(&cluster, now).ok()
    }
}

/// Two keys of HKDF-SHA256 (RFC 5869): fresh random bytes are the salt, what the connection shares the input.
fn session_keys(suite: Suite, binding: &[u8; 32], now: UnixMillis) -> Result<SessionKeys, NotEnrolled> {
    let fresh = Zeroizing::new(random::<32>()?);
    let secret = Salt::new(HKDF_SHA256, &fresh[..]).extract(binding);
    let key = |use_for: &[u8]| {
        let mut key = [0; 16];
        let info = [use_for, &now.0.to_le_bytes()];
        let filled = secret.expand(&info, Bytes(key.len())).and_then(|okm| okm.fill(&mut key));
        filled.map(|()| key).map_err(|_| NotEnrolled::NoRandomness)
    };
    let uses: [&[u8]; 2] = match suite {
        Suite::Aes => [b"hufu/1 request key ", b"hufu/1 reply key "],
        Suite::Sm4 => [b"hufu/1 sm4 request key ", b"hufu/1 sm4 reply key "],
    };
    Ok(SessionKeys { request: key(uses[0])?, reply: key(uses[1])? })
}
