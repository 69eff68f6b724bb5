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
    ///
    /// A line carries the digest of the one before, so the lock is held until the commit: lines are committed in the order
    /// of their numbers, and a reader of pages misses none. Who holds it waits for nobody else any more: that is
    /// why this comes last.
    pub(crate) async fn line(&self, tx: &mut Tx, entry: &Entry) -> Result<(), TxFault> {
        const WRITE: &str = "
            INSERT INTO trail (number, at, who, deed, issuer, what, digest, seal)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        // A statement sees what was committed before it began: the end is asked for by another one than the lock.
        sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut **tx).await?;
        let last = end(&mut **tx).await?;
        let number = last.number + 1;
        let digest = last.digest.after(number, entry);
        let seal = self.trail_key.get().map(|key| key.seal(&digest));
        sqlx::query(WRITE)
            .bind(big("number", number)?)
            .bind(big("at", entry.at.0)?)
            .bind(&entry.who)
            .bind(entry.action.slug())
            .bind(entry.issuer.map(|issuer| i64::from(issuer.0)))
            .bind(&entry.what)
            .bind(&digest.0[..])
            .bind(seal.as_ref().map(|seal| &seal.0[..]))
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
