//! The trail. Whoever writes holds the file's lock, so each line follows the last one.

use async_trait::async_trait;
use hufu_registry::store::Trail;
use hufu_registry::{Deed, Entry, Fault, Noted, TrailDigest, TrailEnd, TrailKey, TrailSeal};
use hufu_wire::IssuerId;
use sqlx::{Executor, Sqlite, SqliteConnection};

use crate::SqliteStore;
use crate::fault::fault;
use crate::values::{at_most, bytes, column, issuer, ms, number, time, word};

/// The columns of a [`Noted`].
type Row = (i64, i64, String, String, Option<i64>, String, Option<Vec<u8>>, Option<Vec<u8>>);

const COLUMNS: &str = "SELECT number, at_ms, who, deed, issuer, what, digest, seal FROM trail";

impl SqliteStore {
    /// Adds a line in the transaction of what it tells.
    pub(crate) async fn line(&self, write: &mut SqliteConnection, entry: &Entry) -> Result<(), Fault> {
        let last = end(&mut *write).await?;
        let number = last.number + 1;
        let digest = last.digest.after(number, entry);
        let seal = self.trail_key.get().map(|key| key.seal(&digest));
        sqlx::query(
            "INSERT INTO trail (number, at_ms, who, deed, issuer, what, digest, seal) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(column(number))
        .bind(ms(entry.at))
        .bind(&entry.who)
        .bind(entry.deed.slug())
        .bind(issuer(entry.issuer))
        .bind(&entry.what)
        .bind(digest.0.as_slice())
        .bind(seal.as_ref().map(|seal| seal.0.as_slice()))
        .execute(write)
        .await
        .map_err(fault)?;
        Ok(())
    }
}

/// Fills in the digests of lines that were written before there were any.
pub(crate) async fn chain(write: &mut SqliteConnection) -> Result<(), Fault> {
    let mut last = TrailEnd::START;
    loop {
        let page: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "{COLUMNS} WHERE number > ? ORDER BY number LIMIT 1000"
        )))
        .bind(at_most(last.number))
        .fetch_all(&mut *write)
        .await
        .map_err(fault)?;
        if page.is_empty() {
            return Ok(());
        }
        for row in page {
            let line = noted(row)?;
            let digest = last.digest.after(line.number, &line.entry);
            sqlx::query("UPDATE trail SET digest = ? WHERE number = ?")
                .bind(digest.0.as_slice())
                .bind(column(line.number))
                .execute(&mut *write)
                .await
                .map_err(fault)?;
            last = TrailEnd { number: line.number, digest };
        }
    }
}

async fn end<'e>(from: impl Executor<'e, Database = Sqlite>) -> Result<TrailEnd, Fault> {
    let row: Option<(i64, Option<Vec<u8>>)> =
        sqlx::query_as("SELECT number, digest FROM trail ORDER BY number DESC LIMIT 1")
            .fetch_optional(from)
            .await
            .map_err(fault)?;
    let Some((last, digest)) = row else { return Ok(TrailEnd::START) };
    let digest = digest.ok_or_else(|| Fault::Damaged(format!("line {last} of the trail has no digest")))?;
    Ok(TrailEnd { number: number("number", last)?, digest: TrailDigest(bytes("digest", &digest)?) })
}

fn noted((line, at, who, deed, issuer, what, digest, seal): Row) -> Result<Noted, Fault> {
    let deed = word("deed", &deed, Deed::from_slug)?;
    let issuer = issuer.map(|issuer| number("issuer", issuer).map(IssuerId)).transpose()?;
    Ok(Noted {
        number: number("number", line)?,
        entry: Entry { at: time(at), who, deed, issuer, what },
        digest: digest.map(|digest| bytes("digest", &digest).map(TrailDigest)).transpose()?,
        seal: seal.map(|seal| bytes("seal", &seal).map(TrailSeal)).transpose()?,
    })
}

#[async_trait]
impl Trail for SqliteStore {
    fn seal_with(&self, key: TrailKey) {
        // The first key counts.
        let _ = self.trail_key.set(key);
    }

    async fn trail_end(&self) -> Result<TrailEnd, Fault> {
        end(&self.readers).await
    }

    async fn note(&self, entry: &Entry) -> Result<(), Fault> {
        let mut write = self.write().await?;
        self.line(&mut write, entry).await?;
        write.commit().await.map_err(fault)
    }

    async fn trail(&self, after: u64, limit: u32) -> Result<Vec<Noted>, Fault> {
        let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "{COLUMNS} WHERE number > ? ORDER BY number LIMIT ?"
        )))
        .bind(at_most(after))
        .bind(limit)
        .fetch_all(&self.readers)
        .await
        .map_err(fault)?;
        rows.into_iter().map(noted).collect()
    }
}
