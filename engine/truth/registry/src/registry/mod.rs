//! The registry's entry point: permissions, rules, and what is written.

mod abroad;
mod access;
mod appeals;
mod batches;
mod chains;
mod checkpoints;
mod credentials;
mod desk;
mod devices;
mod facts;
mod families;
mod history;
mod holders;
mod intake;
mod issuers;
mod peak;
mod phones;
mod proposals;
mod records;
mod reseal;
mod reviews;
mod rosters;
mod signers;
mod sites;
mod source;
mod together;
mod trips;

use core::fmt;
use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use hufu_codes::chain::Authorities;
use hufu_codes::keyring::Keyring;
use hufu_contract::Scope;
use hufu_signature::{Backend, backend};
use hufu_wire::limits::{CHAIN_SKEW_MS_MAX, INSTRUCTION_VALIDITY_S_MAX};
use hufu_wire::{HolderIndex, IssuerId, RuleId, SiteId, UnixMillis};

use crate::appeal::APPEAL_DUE_S;
use crate::caller::Caller;
use crate::family::Families;
use crate::fault::Fault;
use crate::issuer::Issuer;
use crate::store::Store;
use crate::vault::Vault;
use batches::Batches;

pub use facts::{FACTS_MAX, Of, PAPER_BYTES_MAX};
pub use peak::{Crowded, IssuingRoom};
pub use records::{Correction, Meant};
pub use signers::Signers;

/// A registry process: a store, the keys that lie beside it, and the rules. Shared by reference among all requests.
pub struct Registry {
    store: Arc<dyn Store>,
    batches: Batches,
    issuing: IssuingRoom,
    vault: Vault,
    signers: Signers,
    keyring: ArcSwap<Keyring>,
    rules: BTreeMap<RuleId, String>,
    appeal_due_s: u32,
    families: Families,
    backend: &'static dyn Backend,
}

impl Registry {
    /// A registry over `store`. `keyring` says whose signatures are believed; [`trust`](Self::trust) changes it.
    pub fn new(store: Arc<dyn Store>, vault: Vault, signers: Signers, keyring: Arc<Keyring>) -> Registry {
        store.seal_with(vault.trail_key());
        let (keyring, rules, families) = (ArcSwap::new(keyring), BTreeMap::new(), Families::default());
        Registry {
            batches: Batches::over(&store),
            issuing: IssuingRoom::default(),
            store,
            vault,
            signers,
            keyring,
            rules,
            families,
            appeal_due_s: APPEAL_DUE_S,
            backend: backend(),
        }
    }

    /// The same registry, which takes only instructions by one of these rules; by any when there is none.
    #[must_use]
    pub fn with_rules(self, rules: BTreeMap<RuleId, String>) -> Registry {
        Registry { rules, ..self }
    }

    /// The same registry, where an appeal is due so many seconds after it came in.
    #[must_use]
    pub fn with_appeals_due(self, appeal_due_s: u32) -> Registry {
        Registry { appeal_due_s, ..self }
    }

    /// The rules with their names; none when any is taken.
    ///
    /// # Errors
    /// [`Fault::Forbidden`].
    pub fn rules(&self, caller: &Caller, issuer: IssuerId) -> Result<&BTreeMap<RuleId, String>, Fault> {
        caller.may_one_of(&[Scope::Propose, Scope::Confirm, Scope::Audit, Scope::History], issuer)?;
        Ok(&self.rules)
    }

    /// What a rule is called.
    pub fn rule_name(&self, rule: RuleId) -> Option<&str> {
        self.rules.get(&rule).map(String::as_str)
    }

    /// Believes another trust list from now on.
    pub fn trust(&self, keyring: Arc<Keyring>) {
        self.keyring.store(keyring);
    }

    /// Whether the store answers.
    ///
    /// # Errors
    /// [`Fault::Unavailable`].
    pub async fn ready(&self) -> Result<(), Fault> {
        self.store.ready().await
    }

    /// Room for requests that get a credential: they are turned away at the door when the others before them already take
    /// as long as anybody waits.
    pub fn issuing(&self) -> &IssuingRoom {
        &self.issuing
    }

    async fn issuer_of(&self, issuer: IssuerId) -> Result<Issuer, Fault> {
        self.store.issuer(issuer).await?.ok_or_else(|| Fault::no_issuer(issuer))
    }

    async fn ensure_holder(&self, issuer: IssuerId, holder: HolderIndex) -> Result<(), Fault> {
        let held = self.store.holder(issuer, holder).await?;
        held.map(drop).ok_or_else(|| Fault::no_holder(issuer, holder))
    }

    async fn ensure_site(&self, site: SiteId) -> Result<(), Fault> {
        self.store.site(site).await?.map(drop).ok_or_else(|| Fault::no_site(site))
    }

    async fn authorities(&self, issuer: IssuerId) -> Result<Authorities, Fault> {
        let issuer = self.issuer_of(issuer).await?;
        issuer.authorities().map_err(|fault| Fault::Damaged(fault.to_string()))
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Registry({})", self.store.name())
    }
}

/// Whether something was signed by now, as far as clocks agree: engines refuse what is of the future.
fn check_not_ahead(what: &str, signed: UnixMillis, now: UnixMillis) -> Result<(), Fault> {
    let ahead_ms = signed.since(now);
    if ahead_ms > CHAIN_SKEW_MS_MAX {
        return Err(Fault::Conflict(format!(
            "{what} was signed {ahead_ms} ms in the future by the registry's clock: set the signer's clock, or this one"
        )));
    }
    Ok(())
}

/// Whether something was signed shortly enough ago, by the registry's clock: more is a clock that is behind. It may be
/// under way for as long as an instruction. Confirmations need no such rule: each is bound to an instruction that had not
/// expired when it came in.
fn check_not_late(what: &str, signed: UnixMillis, now: UnixMillis) -> Result<(), Fault> {
    let late_ms = now.since(signed);
    if late_ms > u64::from(INSTRUCTION_VALIDITY_S_MAX) * 1000 {
        return Err(Fault::Conflict(format!(
            "{what} was signed {late_ms} ms ago by the registry's clock, which is more than a week: set the signer's clock, \
             or this one, and sign again"
        )));
    }
    Ok(())
}

/// Most entries of one page.
const PAGE_MAX: u32 = 4096;

/// A page of at least one entry and at most [`PAGE_MAX`].
fn page(limit: u32) -> u32 {
    limit.clamp(1, PAGE_MAX)
}
