//! The trail.

use async_trait::async_trait;
use hufu_registry::store::Trail;
use hufu_registry::{Deed, Entry, Fault, Noted};
use hufu_wire::IssuerId;
use sqlx::{Executor, Sqlite};

use crate::SqliteStore;
use crate::fault::fault;
use crate::values::{at_most, issuer, ms, number, time, word};

/// Adds a line in the transaction of what it tells.
pub(crate) async fn note<'e>(to: impl Executor<'e, Database = Sqlite>, entry: &Entry) -> Result<(), Fault> {
    sqlx::query("INSERT INTO trail (at_ms, who, deed, issuer, what) VALUES (?, ?, ?, ?, ?)")
        .bind(ms(entry.at))
        .bind(&entry.who)
        .bind(entry.deed.slug())
        .bind(issuer(entry.issuer))
        .bind(&entry.what)
        .execute(to)
        .await
        .map_err(fault)?;
    Ok(())
}

#[async_trait]
impl Trail for SqliteStore {
    async fn note(&self, entry: &Entry) -> Result<(), Fault> {
        note(&self.writer, entry).await
    }

    async fn trail(&self, after: u64, limit: u32) -> Result<Vec<Noted>, Fault> {
        let rows: Vec<(i64, i64, String, String, Option<i64>, String)> = sqlx::query_as(
            "SELECT number, at_ms, who, deed, issuer, what FROM trail WHERE number > ? ORDER BY number LIMIT ?",
        )
        .bind(at_most(after))
        .bind(limit)
        .fetch_all(&self.readers)
        .await
        .map_err(fault)?;
        let noted = rows.into_iter().map(|(line, at, who, deed, issuer, what)| {
            let deed = word("deed", &deed, Deed::from_slug)?;
            let issuer = issuer.map(|issuer| number("issuer", issuer).map(IssuerId)).transpose()?;
            Ok(Noted {
                number: number("number", line)?,
                entry: Entry { at: time(at), who, deed, issuer, what },
            })
        });
        noted.collect()
    }
}
