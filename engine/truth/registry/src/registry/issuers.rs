//! Issuers.

use hufu_contract::Scope;
use hufu_wire::{IssuerId, UnixMillis};

use super::Registry;
use crate::caller::Caller;
use crate::fault::Fault;
use crate::issuer::Issuer;
use crate::trail::{Action, Entry};

impl Registry {
    /// The issuers that `caller` may ask about.
    ///
    /// # Errors
    /// [`Fault::Unavailable`].
    pub async fn issuers(&self, caller: &Caller) -> Result<Vec<Issuer>, Fault> {
        let mut issuers = self.store.issuers().await?;
        issuers.retain(|issuer| caller.issuer().is_none_or(|own| own == issuer.id));
        Ok(issuers)
    }

    /// One of them.
    ///
    /// # Errors
    /// [`Fault::NotFound`], also for an issuer that `caller` may not ask about.
    pub async fn issuer(&self, caller: &Caller, issuer: IssuerId) -> Result<Issuer, Fault> {
        if caller.issuer().is_some_and(|own| own != issuer) {
            return Err(Fault::no_issuer(issuer));
        }
        self.issuer_of(issuer).await
    }

    /// Adds an issuer, or changes its name, publisher, brake and what becomes of second phones.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::Invalid`], [`Fault::Conflict`] when it is here with another national
    /// platform: engines are configured with that one.
    pub async fn put_issuer(&self, caller: &Caller, issuer: &Issuer, now: UnixMillis) -> Result<(), Fault> {
        caller.may_everywhere(Scope::Admin)?;
        issuer.check()?;
        let second_phone = issuer.second_phone.slug();
        let crate::brake::Brake { share_permille, window_s, free } = issuer.brake;
        let what = format!(
            "publisher {}, brake {share_permille} permille in {window_s} s beyond {free}, second phone: {second_phone}",
            issuer.publisher
        );
        let entry = Entry::new(now, caller, Action::IssuerPut, Some(issuer.id), what);
        self.store.put_issuer(issuer, &entry).await
    }
}
