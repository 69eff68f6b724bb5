//! The trail, whose lines follow one another.

use async_trait::async_trait;
use hufu_registry::store::{Trail, at_most, big};
use hufu_registry::{Entry, Fault, TrailEnd, TrailKey, TrailLine};
use sqlx::{Executor, Postgres};

use crate::fault::{TxFault, retried};
use crate::row::{all, one};
use crate::store::{PostgresStore, Tx};

/// The advisory lock of the trail: "hufutrai".
const LOCK: i64 = i64::from_be_bytes(*b"hufutrai");

impl PostgresStore {
    /// Writes a line, as the last thing of a transaction before its commit.
    pub(crate) async fn line(&self, tx: &mut Tx, entry: &Entry) -> Result<(), TxFault> {
        self.lines(tx, &[entry]).await
    }

    /// Writes lines, as the last thing of a transaction before its commit.
    ///
    /// A line carries the digest of the one before, so the lock is held until the commit: lines are committed in the order
    /// of their numbers, and a reader of pages misses none. Who holds it waits for nobody else any more: that is
    /// why this comes last.
    pub(crate) async fn lines(&self, tx: &mut Tx, entries: &[&Entry]) -> Result<(), TxFault> {
        const WRITE: &str = "
            INSERT INTO trail (number, at, who, deed, issuer, what, digest, seal)
            SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)";
        // A statement sees what was committed before it began: the end is asked for by another one than the lock.
        sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut **tx).await?;
        let mut last = end(&mut **tx).await?;
        let (mut numbers, mut digests, mut seals) = (Vec::new(), Vec::new(), Vec::new());
        for entry in entries {
            seals.push(last.go_on(entry, self.trail_key.get()).map(|seal| seal.0.to_vec()));
            numbers.push(big("number", last.number)?);
            digests.push(last.digest.0.to_vec());
        }
        let at: Vec<i64> = entries.iter().map(|entry| big("at", entry.at.0)).collect::<Result<_, _>>()?;
        let texts =
            |text: fn(&Entry) -> &str| -> Vec<&str> { entries.iter().map(|entry| text(entry)).collect() };
        let issuers: Vec<Option<i64>> =
            entries.iter().map(|entry| Some(i64::from(entry.issuer?.0))).collect();
        sqlx::query(WRITE)
            .bind(numbers)
            .bind(at)
            .bind(texts(|entry| &entry.who))
            .bind(texts(|entry| entry.action.slug()))
            .bind(issuers)
            .bind(texts(|entry| &entry.what))
            .bind(digests)
            .bind(seals)
            .execute(&mut **tx)
            .await?;
        Ok(())
    }
}

async fn end<'e>(from: impl Executor<'e, Database = Postgres>) -> Result<TrailEnd, TxFault> {
    const END: &str = "SELECT number, digest FROM trail ORDER BY number DESC LIMIT 1";
    Ok(one(from, sqlx::query(END)).await?.unwrap_or(TrailEnd::START))
}

#[async_trait]
impl Trail for PostgresStore {
    fn seal_with(&self, key: TrailKey) {
        // The first key counts.
        let _ = self.trail_key.set(key);
    }

    async fn trail_end(&self) -> Result<TrailEnd, Fault> {
        Ok(end(&self.pool).await?)
    }

    async fn note(&self, entry: &Entry) -> Result<(), Fault> {
        retried(|| async { self.commit(self.begin().await?, entry).await }).await
    }

    async fn trail(&self, after: u64, limit: u32) -> Result<Vec<TrailLine>, Fault> {
        const PAGE: &str = "SELECT * FROM trail WHERE number > $1 ORDER BY number LIMIT $2";
        let query = sqlx::query(PAGE).bind(at_most(after)).bind(i64::from(limit));
        Ok(all(&self.pool, query).await?)
    }
}
