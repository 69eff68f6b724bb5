//! A new sealing key takes over: everything that is sealed, table by table.

use hufu_contract::{AppealId, BindingId, Scope};
use hufu_wire::{HolderIndex, IssuerId, UnixMillis};

use super::{PAGE_MAX, Registry};
use crate::caller::Caller;
use crate::fault::Fault;
use crate::store::{AppealFilter, Resealed, SealedTable};
use crate::trail::{Action, Entry};
use crate::vault::Place;

/// A sealed row: its number in its table, where its bytes belong, and they.
type SealedRow = (u64, Place, Vec<u8>);

impl Registry {
    /// Seals with the newest key whatever is sealed with an older one; answers how many rows that were. It may be stopped
    /// and run again, and beside everything else.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::Misconfigured`] when a key is missing, [`Fault::Damaged`].
    pub async fn rotate_vault(&self, caller: &Caller, now: UnixMillis) -> Result<u64, Fault> {
        caller.may_everywhere(Scope::Admin)?;
        let mut resealed = 0;
        for issuer in self.store.issuers().await? {
            for table in SealedTable::ALL {
                resealed += self.reseal(caller, issuer.id, table, now).await?;
            }
        }
        Ok(resealed)
    }

    async fn reseal(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        table: SealedTable,
        now: UnixMillis,
    ) -> Result<u64, Fault> {
        let (mut resealed, mut after) = (0, None);
        loop {
            let page = self.sealed_rows(issuer, table, after).await?;
            let Some((last, _, _)) = page.last() else { return Ok(resealed) };
            after = Some(*last);
            let mut changed = Vec::new();
            for (number, place, was) in page {
                if let Some(sealed) = self.vault.reseal(&place, &was)? {
                    changed.push(Resealed { number, was, sealed });
                }
            }
            if !changed.is_empty() {
                let what = format!("{} {}, key {}", changed.len(), table.name(), self.vault.newest());
                let entry = Entry::new(now, caller, Action::HoldersResealed, Some(issuer), what);
                resealed += self.store.reseal(issuer, table, &changed, &entry).await?;
            }
        }
    }

    /// The rows after a number, by rising number; none when there are no more.
    async fn sealed_rows(
        &self,
        issuer: IssuerId,
        table: SealedTable,
        after: Option<u64>,
    ) -> Result<Vec<SealedRow>, Fault> {
        let first = after.unwrap_or(0);
        Ok(match table {
            SealedTable::Holders => {
                let after = after.map(|index| HolderIndex(u32::try_from(index).unwrap_or(u32::MAX)));
                let page = self.store.holders(issuer, after, PAGE_MAX).await?.into_iter();
                page.map(|one| (one.index.0.into(), Place::holder(issuer, one.index), one.sealed)).collect()
            }
            SealedTable::Facts => {
                let page = self.store.facts_after(issuer, first, PAGE_MAX).await?.into_iter();
                page.map(|one| (one.number, Place::fact(issuer, one.holder, &one.digest), one.sealed))
                    .collect()
            }
            SealedTable::Appeals => {
                let (after, all) = (after.map(AppealId), AppealFilter::default());
                let page = self.store.appeals(issuer, &all, after, PAGE_MAX).await?.into_iter();
                page.map(|one| (one.id.0, Place::appeal(issuer, one.id), one.sealed)).collect()
            }
            SealedTable::Bindings => {
                let page = self.store.bindings(issuer, BindingId(first), PAGE_MAX).await?.into_iter();
                page.map(|one| (one.id.0, one.place(issuer), one.sealed)).collect()
            }
        })
    }
}
