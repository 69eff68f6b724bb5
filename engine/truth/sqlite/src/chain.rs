//! Chains, and the words they make.

mod append;
mod words;

use async_trait::async_trait;
use hufu_codes::chain::Tip;
use hufu_registry::chain::{Append, Appended, StoredRow, checked_set, checked_sets};
use hufu_registry::store::{Chain, Statuses, at_most};
use hufu_registry::{Fault, StoredSet};
use hufu_wire::{HolderIndex, IssuerId, Sequence};
use tokio::sync::broadcast;

use crate::fault::fault;
use crate::issuers;
use crate::row::all;
use crate::store::SqliteStore;

/// Most sets whose sizes are looked at for one answer.
const SETS_MAX: i64 = 1024;

#[async_trait]
impl Chain for SqliteStore {
    async fn append(&self, append: &Append<'_>) -> Result<Appended, Fault> {
        let appended = append::append(self, append).await?;
        if matches!(appended, Appended::Appended { .. }) {
            // There may be no receiver.
            let _ = self.grown.send(append.issuer);
        }
        Ok(appended)
    }

    async fn tip(&self, issuer: IssuerId) -> Result<Option<Tip>, Fault> {
        let mut reader = self.readers.acquire().await.map_err(fault)?;
        Ok(issuers::checked(&mut reader, issuer).await?.map(|row| row.tip))
    }

    async fn set(&self, issuer: IssuerId, sequence: Sequence) -> Result<Option<StoredSet>, Fault> {
        let rows = rows(self, issuer, sequence, sequence).await?;
        rows.into_iter().next().map(|row| checked_set(issuer, row)).transpose()
    }

    async fn sets(
        &self,
        issuer: IssuerId,
        after: Sequence,
        bytes_max: usize,
    ) -> Result<Vec<StoredSet>, Fault> {
        const SIZES: &str = "
            SELECT length(bytes) FROM sets WHERE issuer = ? AND sequence > ? ORDER BY sequence LIMIT ?";
        // The end is read before the rows: what it names was there already.
        let Some(tip) = self.tip(issuer).await? else { return Ok(Vec::new()) };
        if tip.sequence <= after {
            return Ok(Vec::new());
        }
        let query = sqlx::query_scalar(SIZES).bind(issuer.0).bind(at_most(after.0)).bind(SETS_MAX);
        let sizes: Vec<i64> = query.fetch_all(&self.readers).await.map_err(fault)?;
        let fitting = sizes.iter().scan(0_usize, |sum, size| {
            *sum = sum.saturating_add(usize::try_from(*size).unwrap_or(usize::MAX));
            Some(*sum)
        });
        let count = fitting.take_while(|sum| *sum <= bytes_max).count().max(1);
        let first = Sequence(after.0.saturating_add(1));
        let last = Sequence(after.0.saturating_add(count as u64));
        checked_sets(issuer, after, tip.sequence, rows(self, issuer, first, last).await?)
    }

    async fn statuses(
        &self,
        issuer: IssuerId,
        from: HolderIndex,
        limit: u32,
    ) -> Result<Option<Statuses>, Fault> {
        // One transaction: the words are those of the tip.
        let mut read = self.readers.begin().await.map_err(fault)?;
        let Some(row) = issuers::checked(&mut read, issuer).await? else { return Ok(None) };
        let words = words::from(&mut read, issuer, from, limit).await?;
        Ok(Some(Statuses { tip: row.tip, words }))
    }

    fn grown(&self) -> broadcast::Receiver<IssuerId> {
        self.grown.subscribe()
    }
}

async fn rows(
    store: &SqliteStore,
    issuer: IssuerId,
    first: Sequence,
    last: Sequence,
) -> Result<Vec<StoredRow>, Fault> {
    const ROWS: &str = "
        SELECT sequence, digest, bytes FROM sets WHERE issuer = ? AND sequence BETWEEN ? AND ? ORDER BY sequence";
    let query = sqlx::query(ROWS).bind(issuer.0).bind(at_most(first.0)).bind(at_most(last.0));
    all(&store.readers, query).await
}
