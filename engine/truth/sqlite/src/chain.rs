//! Chains, and the words they make.

mod append;
mod words;

use async_trait::async_trait;
use hufu_codes::chain::Tip;
use hufu_registry::chain::{Append, Appended, StoredRow, checked_set, checked_sets, checked_tip};
use hufu_registry::store::{Chain, Statuses};
use hufu_registry::{Fault, StoredSet};
use hufu_wire::chain::{ChainDigest, Proposed};
use hufu_wire::{HolderIndex, IssuerId, Sequence};
use sqlx::SqliteConnection;
use tokio::sync::broadcast;

use crate::SqliteStore;
use crate::fault::fault;
use crate::values::{at_most, bytes, number, time};

/// The columns of a [`Tip`], and the digest of the set that it names.
type TipRow = (i64, Vec<u8>, i64, i64, Option<Vec<u8>>);

/// Most sets whose sizes are looked at for one answer.
const SETS_MAX: i64 = 1024;

#[async_trait]
impl Chain for SqliteStore {
    async fn append(&self, append: &Append<'_>) -> Result<Appended, Fault> {
        let appended = append::append(self, append).await?;
        if matches!(appended, Appended::Appended { .. }) {
            // Nobody may be listening.
            let _ = self.grown.send(append.issuer);
        }
        Ok(appended)
    }

    async fn tip(&self, issuer: IssuerId) -> Result<Option<Tip>, Fault> {
        let mut reader = self.readers.acquire().await.map_err(fault)?;
        tip(&mut reader, issuer).await
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
        // The end is read before the rows: what it names was there already.
        let Some(tip) = self.tip(issuer).await? else { return Ok(Vec::new()) };
        if tip.sequence <= after {
            return Ok(Vec::new());
        }
        let sizes: Vec<(i64, i64)> = sqlx::query_as(
            "SELECT sequence, length(bytes) FROM sets WHERE issuer = ? AND sequence > ? ORDER BY sequence LIMIT ?",
        )
        .bind(issuer.0)
        .bind(at_most(after.0))
        .bind(SETS_MAX)
        .fetch_all(&self.readers)
        .await
        .map_err(fault)?;
        let fitting = sizes.iter().scan(0_usize, |sum, (_, size)| {
            *sum = sum.saturating_add(usize::try_from(*size).unwrap_or(usize::MAX));
            Some(*sum)
        });
        let count = fitting.take_while(|sum| *sum <= bytes_max).count().max(1);
        let last = sizes.get(count - 1).map_or(Ok(after.0), |(sequence, _)| number("sequence", *sequence))?;
        let first = Sequence(after.0.saturating_add(1));
        checked_sets(issuer, after, tip.sequence, rows(self, issuer, first, Sequence(last)).await?)
    }

    async fn statuses(
        &self,
        issuer: IssuerId,
        from: HolderIndex,
        limit: u32,
    ) -> Result<Option<Statuses>, Fault> {
        // One transaction: the words are those of the tip.
        let mut read = self.readers.begin().await.map_err(fault)?;
        let Some(tip) = tip(&mut read, issuer).await? else { return Ok(None) };
        let words = words::from(&mut read, issuer, from, limit).await?;
        Ok(Some(Statuses { tip, words }))
    }

    fn grown(&self) -> broadcast::Receiver<IssuerId> {
        self.grown.subscribe()
    }
}

/// Where a chain ends.
pub(crate) async fn tip(at: &mut SqliteConnection, issuer: IssuerId) -> Result<Option<Tip>, Fault> {
    let row: Option<TipRow> = sqlx::query_as(
        "SELECT i.sequence, i.digest, i.proposed_ms, i.confirmed_ms, s.digest FROM issuers AS i \
         LEFT JOIN sets AS s ON s.issuer = i.issuer AND s.sequence = i.sequence WHERE i.issuer = ?",
    )
    .bind(issuer.0)
    .fetch_optional(at)
    .await
    .map_err(fault)?;
    let Some((sequence, digest, proposed, confirmed, last)) = row else { return Ok(None) };
    let tip = Tip {
        sequence: Sequence(number("sequence", sequence)?),
        digest: ChainDigest(bytes("digest", &digest)?),
        proposed: Proposed::from_bits(proposed.cast_unsigned()),
        confirmed: time(confirmed),
    };
    let last = last.map(|last| bytes("digest", &last).map(ChainDigest)).transpose()?;
    checked_tip(issuer, tip, last).map(Some)
}

/// Whether there is such an issuer.
pub(crate) async fn has_issuer(at: &mut SqliteConnection, issuer: IssuerId) -> Result<bool, Fault> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM issuers WHERE issuer = ?)")
        .bind(issuer.0)
        .fetch_one(at)
        .await
        .map_err(fault)
}

async fn rows(
    store: &SqliteStore,
    issuer: IssuerId,
    first: Sequence,
    last: Sequence,
) -> Result<Vec<StoredRow>, Fault> {
    let rows: Vec<(i64, Vec<u8>, Vec<u8>)> = sqlx::query_as(
        "SELECT sequence, digest, bytes FROM sets WHERE issuer = ? AND sequence BETWEEN ? AND ? ORDER BY sequence",
    )
    .bind(issuer.0)
    .bind(at_most(first.0))
    .bind(at_most(last.0))
    .fetch_all(&store.readers)
    .await
    .map_err(fault)?;
    let row = |(sequence, digest, set): (i64, Vec<u8>, Vec<u8>)| {
        let sequence = Sequence(number("sequence", sequence)?);
        Ok(StoredRow { sequence, digest: ChainDigest(bytes("digest", &digest)?), bytes: set })
    };
    rows.into_iter().map(row).collect()
}
