//! Rosters.

use hufu_contract::Scope;
use hufu_wire::{HolderIndex, IssuerId, SiteId, UnixMillis, UnixSeconds};

use super::Registry;
use crate::caller::Caller;
use crate::fault::Fault;
use crate::roster::{Roster, RosterSummary};
use crate::trail::{Action, Entry};

/// Longest validity of a signed roster, seconds: a week of school, and the weekend before it.
const ROSTER_VALIDITY_S_MAX: u32 = 9 * 24 * 3600;

impl Registry {
    /// Rosters of a site.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`] without such a site.
    pub async fn rosters(&self, caller: &Caller, site: SiteId) -> Result<Vec<RosterSummary>, Fault> {
        caller.may_everywhere(Scope::Rosters)?;
        self.ensure_site(site).await?;
        self.store.rosters(site).await
    }

    /// One roster with its members.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`].
    pub async fn roster(
        &self,
        caller: &Caller,
        site: SiteId,
        name: &str,
        now: UnixMillis,
    ) -> Result<Roster, Fault> {
        caller.may_everywhere(Scope::Rosters)?;
        let roster = self.find_roster(site, name).await?;
        // Only now: a name that is no roster's may be anything, and whatever stands in the trail stays there.
        self.store.note(&entry(now, caller, Action::RosterRead, site, name)).await?;
        Ok(roster)
    }

    /// Adds a roster or replaces it.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`] without such a site, [`Fault::Invalid`] for a holder whom this registry
    /// would know and does not. Holders of issuers that it does not keep are taken as they are.
    pub async fn put_roster(&self, caller: &Caller, roster: &Roster, now: UnixMillis) -> Result<(), Fault> {
        caller.may_everywhere(Scope::Rosters)?;
        for (issuer, holders) in &roster.groups {
            // Indices have no gaps: who stands before a registered holder is one, too.
            let Some(last) = holders.last() else { continue };
            if self.store.issuer(*issuer).await?.is_some()
                && self.store.holder(*issuer, *last).await?.is_none()
            {
                return Err(Fault::invalid(
                    "groups",
                    format!("holder {last} of issuer {issuer} is not registered"),
                ));
            }
        }
        self.store.put_roster(roster, &entry(now, caller, Action::RosterPut, roster.site, &roster.name)).await
    }

    /// Removes a roster.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`].
    pub async fn remove_roster(
        &self,
        caller: &Caller,
        site: SiteId,
        name: &str,
        now: UnixMillis,
    ) -> Result<(), Fault> {
        caller.may_everywhere(Scope::Rosters)?;
        let entry = entry(now, caller, Action::RosterRemoved, site, name);
        if self.store.remove_roster(site, name, &entry).await? { Ok(()) } else { Err(no_roster(site, name)) }
    }

    /// Signs a roster, valid from now for `valid_s` seconds.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`], [`Fault::Invalid`] for a validity of 0 or more than nine days,
    /// [`Fault::Misconfigured`] without a key, [`Fault::Misissued`].
    pub async fn sign_roster(
        &self,
        caller: &Caller,
        site: SiteId,
        name: &str,
        valid_s: u32,
        now: UnixMillis,
    ) -> Result<Vec<u8>, Fault> {
        caller.may_everywhere(Scope::Rosters)?;
        if valid_s == 0 || valid_s > ROSTER_VALIDITY_S_MAX {
            return Err(Fault::invalid("valid_s", format!("1 to {ROSTER_VALIDITY_S_MAX} seconds")));
        }
        let roster = self.find_roster(site, name).await?;
        let groups: Vec<(IssuerId, &[HolderIndex])> =
            roster.groups.iter().map(|(issuer, members)| (*issuer, members.as_slice())).collect();
        let issued = now.seconds();
        let expires = UnixSeconds(issued.0.saturating_add(valid_s));
        let signer = self.signers.roster(&self.keyring.load(), (now, expires))?;
        let signed = signer.sign_roster(site, issued, expires, &groups)?;
        self.store.note(&entry(now, caller, Action::RosterSigned, site, name)).await?;
        Ok(signed)
    }

    async fn find_roster(&self, site: SiteId, name: &str) -> Result<Roster, Fault> {
        self.store.roster(site, name).await?.ok_or_else(|| no_roster(site, name))
    }
}

fn entry(now: UnixMillis, caller: &Caller, action: Action, site: SiteId, name: &str) -> Entry {
    Entry::new(now, caller, action, None, format!("{name} of site {site}"))
}

fn no_roster(site: SiteId, name: &str) -> Fault {
    Fault::NotFound(format!("roster {name:?} of site {site}"))
}
