//! What every worker of one engine shares.

use core::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use aws_lc_rs::rand;
use hufu_codes::keyring::Keyring;
use hufu_codes::seen::SeenCache;
use hufu_policy::{SitePolicy, Sites};
use hufu_table::Reader;
use hufu_wire::{Cookie, Enrolled, Grant, Reason, SessionKeys, UnixMillis, UnixSeconds, limits};
use zeroize::Zeroizing;

use crate::cookie::CookieKeys;
use crate::devices::{Devices, Rate};
use crate::passback::PassBack;

/// What an engine is made of.
pub struct EngineParts {
    /// The status table, to read and never to write (R11).
    pub table: Reader,
    /// The issuer keys that are trusted now.
    pub keyring: Keyring,
    /// The policies of all sites.
    pub sites: Sites,
    /// The seed that all engines of the cluster share; cookies are sealed under keys derived from it.
    pub cluster_seed: Zeroizing<[u8; 32]>,
    /// Device ids are below this.
    pub devices_max: u32,
    /// How often one device may ask.
    pub device_rate: Rate,
    /// How long a cookie lives, seconds; at most [`limits::COOKIE_S_MAX`].
    pub cookie_s: u32,
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
    pub(crate) devices: Devices,
    pub(crate) pass_back: PassBack,
    cluster_seed: Zeroizing<[u8; 32]>,
    enrolling: Mutex<CookieKeys>,
    cookie_s: u32,
    seen_entries: usize,
}

/// The keyring and the credentials verified under it; they are replaced together, so a key that was revoked
/// leaves no verified credential behind.
pub(crate) struct Trust {
    pub(crate) keyring: Keyring,
    pub(crate) seen: SeenCache,
}

/// The site policies, and what follows from all of them together.
pub(crate) struct Rules {
    pub(crate) sites: Arc<Sites>,
    /// The most steps a presentation may be off at any site.
    skew_steps_max: u8,
    /// The longest pass-back window of any site, seconds.
    pub(crate) pass_back_s_max: u32,
}

/// Why a device gets no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotEnrolled {
    /// The device may not have one, for this reason.
    Refused(Reason),
    /// The operating system gives no random bytes.
    NoRandomness,
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
            devices: Devices::new(parts.devices_max.min(limits::DEVICES_MAX), parts.device_rate),
            pass_back: PassBack::new(parts.pass_back_entries, random()?),
            enrolling: Mutex::new(CookieKeys::new(&parts.cluster_seed)),
            cluster_seed: parts.cluster_seed,
            cookie_s: parts.cookie_s.min(limits::COOKIE_S_MAX),
            seen_entries: parts.seen_entries,
        }))
    }

    /// Gives a device a session, which ends with its certificate at the latest. Call it only for a grant that a
    /// certificate has proved.
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
        if !self.devices.has_room_for(grant.device) {
            return Err(NotEnrolled::Refused(Reason::DeviceUnknown));
        }
        if self.devices.is_revoked(&grant) {
            return Err(NotEnrolled::Refused(Reason::DeviceRevoked));
        }
        if self.sites.load().sites.get(grant.site).is_none() {
            return Err(NotEnrolled::Refused(Reason::SiteUnknown));
        }
        self.devices.meet(&grant);
        let issued = now.seconds();
        let expires = UnixSeconds(issued.0.saturating_add(self.cookie_s)).min(not_after);
        let keys = SessionKeys { request: random()?, reply: random()? };
        let cookie = Cookie { grant, issued, expires, keys };
        let epoch = CookieKeys::epoch_at(now);
        let cookie_nonce = random()?;
        let mut cookie_keys = self.enrolling.lock().unwrap_or_else(PoisonError::into_inner);
        let sealed = cookie_keys.seal(epoch, cookie_nonce, &cookie).map_err(|_| NotEnrolled::NoRandomness)?;
        Ok(Enrolled {
            server_time: now,
            grant,
            issued,
            expires,
            udp_port,
            epoch,
            cookie_nonce,
            cookie: sealed,
            keys: cookie.keys,
        })
    }

    /// The devices, to revoke them.
    pub fn devices(&self) -> &Devices {
        &self.devices
    }

    /// The table that checks read, for staleness figures.
    pub fn table(&self) -> &Reader {
        &self.table
    }

    /// The site policies in force.
    pub fn sites(&self) -> Arc<Sites> {
        Arc::clone(&self.sites.load().sites)
    }

    /// Replaces all site policies; batches that have begun finish under the old ones.
    pub fn set_sites(&self, sites: Sites) {
        self.sites.store(Arc::new(Rules::new(sites)));
    }

    /// Replaces the keyring and forgets every credential verified under the old one.
    ///
    /// # Errors
    /// [`NotEnrolled::NoRandomness`], and the old keyring stays.
    pub fn set_keyring(&self, keyring: Keyring) -> Result<(), NotEnrolled> {
        self.trust.store(Arc::new(Trust::new(keyring, self.seen_entries)?));
        Ok(())
    }

    pub(crate) fn cookie_keys(&self) -> CookieKeys {
        CookieKeys::new(&self.cluster_seed)
    }
}

impl Rules {
    fn new(sites: Sites) -> Rules {
        let skew_steps_max = sites.iter().map(|site| site.skew_steps).max().unwrap_or(0);
        let mut rules = Rules { sites: Arc::new(sites), skew_steps_max, pass_back_s_max: 0 };
        rules.pass_back_s_max =
            rules.sites.iter().map(|site| rules.pass_back_s(site, true)).max().unwrap_or(0);
        rules
    }

    /// Seconds for which a use elsewhere counts at `site`; 0 where it does not look. A presentation counts for
    /// as long as it can still be shown: one site may have taken it that many steps early, this one takes it
    /// that many steps late.
    pub(crate) fn pass_back_s(&self, site: &SitePolicy, presented: bool) -> u32 {
        if site.pass_back_s == 0 || !presented {
            return site.pass_back_s;
        }
        let alive_steps = u32::from(self.skew_steps_max) + u32::from(site.skew_steps) + 1;
        site.pass_back_s.max(alive_steps * limits::STEP_S)
    }
}

impl Trust {
    fn new(keyring: Keyring, seen_entries: usize) -> Result<Trust, NotEnrolled> {
        Ok(Trust { keyring, seen: SeenCache::new(seen_entries, random()?) })
    }
}

fn random<const N: usize>() -> Result<[u8; N], NotEnrolled> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| NotEnrolled::NoRandomness)?;
    Ok(bytes)
}

impl fmt::Display for NotEnrolled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotEnrolled::Refused(reason) => write!(f, "the device gets no session: {}", reason.says()),
            NotEnrolled::NoRandomness => f.write_str("the operating system gives no random bytes"),
        }
    }
}

impl core::error::Error for NotEnrolled {}
