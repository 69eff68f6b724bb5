//! The trail, whose lines follow one another.

use async_trait::async_trait;
use hufu_registry::store::Trail;
use hufu_registry::{Deed, Entry, Fault, Noted, TrailDigest, TrailEnd, TrailKey, TrailSeal};
use hufu_wire::{IssuerId, UnixMillis};
use sqlx::postgres::PgRow;
use sqlx::{Executor, Postgres};

use crate::fault::{Stop, fault, retried};
use crate::row::{Columns as _, at_most, big, damaged};
use crate::store::{PostgresStore, Tx};

/// The advisory lock of the trail: "hufutrai".
const LOCK: i64 = i64::from_be_bytes(*b"hufutrai");

impl PostgresStore {
    /// Writes a line, as the last thing of a transaction before its commit.
    ///
    /// A line carries the digest of the one before, so the lock is held until the commit: lines are committed in the order
    /// of their numbers, and whoever reads page by page misses none. Who holds it waits for nobody else any more: that is
    /// why this comes last.
    pub(crate) async fn line(&self, tx: &mut Tx, entry: &Entry) -> Result<(), Stop> {
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
            .bind(entry.deed.slug())
            .bind(entry.issuer.map(|issuer| i64::from(issuer.0)))
            .bind(&entry.what)
            .bind(&digest.0[..])
            .bind(seal.as_ref().map(|seal| &seal.0[..]))
            .execute(&mut **tx)
            .await?;
        Ok(())
    }
}

async fn end<'e>(from: impl Executor<'e, Database = Postgres>) -> Result<TrailEnd, Stop> {
    const END: &str = "SELECT number, digest FROM trail ORDER BY number DESC LIMIT 1";
    let Some(row) = sqlx::query(END).fetch_optional(from).await? else { return Ok(TrailEnd::START) };
    Ok(TrailEnd { number: row.number("number")?, digest: TrailDigest(row.array("digest")?) })
}

fn noted(row: &PgRow) -> Result<Noted, Fault> {
    let deed = row.text("deed")?;
    let entry = Entry {
        at: UnixMillis(row.number("at")?),
        who: row.text("who")?,
        deed: Deed::from_slug(&deed).ok_or_else(|| damaged("deed", &deed))?,
        issuer: row.number_or_none("issuer")?.map(IssuerId),
        what: row.text("what")?,
    };
    let digest = row.array_or_none("digest")?.map(TrailDigest);
    Ok(Noted {
        number: row.number("number")?,
        entry,
        digest,
        seal: row.array_or_none("seal")?.map(TrailSeal),
    })
}

#[async_trait]
impl Trail for PostgresStore {
    fn seal_with(&self, key: TrailKey) {
        // The first key counts.
        let _ = self.trail_key.set(key);
    }

    async fn trail_end(&self) -> Result<TrailEnd, Fault> {
        retried(|| end(&self.pool)).await
    }

    async fn note(&self, entry: &Entry) -> Result<(), Fault> {
        retried(|| async {
            let mut tx = self.begin().await?;
            self.line(&mut tx, entry).await?;
            Ok(tx.commit().await?)
        })
        .await
    }

    async fn trail(&self, after: u64, limit: u32) -> Result<Vec<Noted>, Fault> {
        const PAGE: &str = "SELECT * FROM trail WHERE number > $1 ORDER BY number LIMIT $2";
        let query = sqlx::query(PAGE).bind(at_most(after)).bind(i64::from(limit));
        query.fetch_all(&self.pool).await.map_err(fault)?.iter().map(noted).collect()
    }
}
