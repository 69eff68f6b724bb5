//! What cases are judged by, in an engine and outside of one.

use std::sync::Arc;

use hufu_codes::ended::EndedTrips;
use hufu_codes::keyring::Keyring;
use hufu_codes::seen::SeenCache;
use hufu_policy::{SitePolicy, Sites};
use hufu_wire::{IssuerId, limits};

use crate::counters::Counters;
use crate::fault::NotEnrolled;
use crate::foreign::Foreign;
use crate::passback::PassBack;
use crate::random::random;

/// What cases are judged by.
pub(crate) struct Grounds<'e, T> {
    pub(crate) trust: &'e Trust,
    pub(crate) rules: &'e Rules,
    pub(crate) beside: &'e Beside,
    pub(crate) statuses: &'e T,
    pub(crate) pass_back: &'e PassBack,
    pub(crate) counters: &'e Counters,
}

/// The keyring and the credentials verified under it; they are replaced together, so a key that was revoked
/// leaves no verified credential behind.
pub(crate) struct Trust {
    pub(crate) keyring: Keyring,
    pub(crate) seen: SeenCache,
}

/// What only some codes ask for: replaced rarely, and loaded once a batch together.
#[derive(Clone, Default)]
pub(crate) struct Beside {
    pub(crate) ended: Arc<EndedTrips>,
    pub(crate) foreign: Option<Arc<dyn Foreign>>,
    /// The issuers whose public status lists are followed here.
    pub(crate) listed: Arc<[IssuerId]>,
}

/// The site policies, and what follows from all of them together.
pub(crate) struct Rules {
    pub(crate) sites: Arc<Sites>,
    /// The most steps a presentation may be off at any site.
    skew_steps_max: u8,
    /// The longest pass-back window of any site, seconds.
    pub(crate) pass_back_s_max: u32,
}

impl Rules {
    pub(crate) fn new(sites: Sites) -> Rules {
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
    pub(crate) fn new(keyring: Keyring, seen_entries: usize) -> Result<Trust, NotEnrolled> {
        Ok(Trust { keyring, seen: SeenCache::new(seen_entries, random()?) })
    }
}

#[cfg(test)]
mod tests;
