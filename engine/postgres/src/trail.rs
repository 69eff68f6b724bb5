//! The trail, whose lines are never seen out of order.

use async_trait::async_trait;
use hufu_registry::store::Trail;
use hufu_registry::{Deed, Entry, Fault, Noted};
use hufu_wire::{IssuerId, UnixMillis};
use sqlx::postgres::PgRow;

use crate::fault::{Stop, retried};
use crate::row::{Columns as _, at_most, big, damaged};
use crate::store::{PostgresStore, Tx};

/// The advisory lock of the trail: "hufutrai".
const LOCK: i64 = i64::from_be_bytes(*b"hufutrai");

/// Writes a line, as the last thing of a transaction before its commit.
///
/// Numbers are given before the commit, so a lower one may be committed after a higher one, and whoever reads page
/// by page would never see it. So writers share a lock from before they get their number until they are done, and
/// readers wait until they have it alone for a moment. Who holds it waits for nobody else any more: that is why
/// this comes last.
pub(crate) async fn write(tx: &mut Tx, entry: &Entry) -> Result<(), Stop> {
    const WRITE: &str = "
        INSERT INTO trail (at, who, deed, issuer, what)
        SELECT $2, $3, $4, $5, $6 FROM pg_advisory_xact_lock_shared($1)";
    sqlx::query(WRITE)
        .bind(LOCK)
        .bind(big("at", entry.at.0)?)
        .bind(&entry.who)
        .bind(entry.deed.slug())
        .bind(entry.issuer.map(|issuer| i64::from(issuer.0)))
        .bind(&entry.what)
        .execute(&mut **tx)
        .await?;
    Ok(())
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
    Ok(Noted { number: row.number("number")?, entry })
}

#[async_trait]
impl Trail for PostgresStore {
    async fn note(&self, entry: &Entry) -> Result<(), Fault> {
        retried(|| async {
            let mut tx = self.begin().await?;
            write(&mut tx, entry).await?;
            Ok(tx.commit().await?)
        })
        .await
    }

    async fn trail(&self, after: u64, limit: u32) -> Result<Vec<Noted>, Fault> {
        const PAGE: &str = "SELECT * FROM trail WHERE number > $1 ORDER BY number LIMIT $2";
        retried(|| async {
            let mut tx = self.begin().await?;
            // A statement sees what was committed before it began: the page is another one than the lock.
            sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *tx).await?;
            let page =
                sqlx::query(PAGE).bind(at_most(after)).bind(i64::from(limit)).fetch_all(&mut *tx).await?;
            tx.commit().await?;
            Ok(page.iter().map(noted).collect::<Result<_, Fault>>()?)
        })
        .await
    }
}
