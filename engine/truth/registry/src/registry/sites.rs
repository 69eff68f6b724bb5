//! Sites.

use hufu_contract::Scope;
use hufu_wire::{SiteId, UnixMillis};

use super::Registry;
use crate::caller::Caller;
use crate::fault::Fault;
use crate::site::{Site, render};
use crate::store::Removed;
use crate::trail::{Action, Entry};

impl Registry {
    /// Every site.
    ///
    /// # Errors
    /// [`Fault::Forbidden`].
    pub async fn sites(&self, caller: &Caller) -> Result<Vec<Site>, Fault> {
        caller.may_one_everywhere(&[Scope::Sites, Scope::Audit])?;
        self.store.sites().await
    }

    /// All of them as the engine's `sites.toml`.
    ///
    /// # Errors
    /// [`Fault::Forbidden`].
    pub async fn sites_toml(&self, caller: &Caller) -> Result<String, Fault> {
        Ok(render(&self.sites(caller).await?))
    }

    /// One site.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`].
    pub async fn site(&self, caller: &Caller, site: SiteId) -> Result<Site, Fault> {
        caller.may_one_everywhere(&[Scope::Sites, Scope::Audit])?;
        self.store.site(site).await?.ok_or_else(|| Fault::no_site(site))
    }

    /// Adds a site or replaces it.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::Invalid`] with the line and key of the policy that no engine would take.
    pub async fn put_site(&self, caller: &Caller, site: &Site, now: UnixMillis) -> Result<(), Fault> {
        caller.may_everywhere(Scope::Sites)?;
        site.check()?;
        let entry = Entry::new(now, caller, Action::SitePut, None, site.id.to_string());
        self.store.put_site(site, &entry).await
    }

    /// Removes a site.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`], [`Fault::Conflict`] while it has devices or rosters.
    pub async fn remove_site(&self, caller: &Caller, site: SiteId, now: UnixMillis) -> Result<(), Fault> {
        caller.may_everywhere(Scope::Sites)?;
        let entry = Entry::new(now, caller, Action::SiteRemoved, None, site.to_string());
        match self.store.remove_site(site, &entry).await? {
            Removed::Gone => Ok(()),
            Removed::Absent => Err(Fault::no_site(site)),
            Removed::InUse => Err(Fault::Conflict(format!(
                "site {site} has devices or rosters and cannot be removed: devices are kept for the record"
            ))),
        }
    }
}
