//! The trail. A writer holds the file's lock, so each line follows the last one.

use std::sync::LazyLock;

use async_trait::async_trait;
use hufu_registry::store::{Trail, at_most, big};
use hufu_registry::{Entry, Fault, TrailEnd, TrailKey, TrailLine};
use sqlx::{Executor, Sqlite, SqliteConnection};

use crate::row::{Insert, all, change, one};
use crate::store::SqliteStore;

impl SqliteStore {
    /// Adds a line in the transaction of what it tells.
    pub(crate) async fn line(&self, write: &mut SqliteConnection, entry: &Entry) -> Result<(), Fault> {
        self.lines(write, &[entry]).await
    }

    /// Adds lines in the transaction of what they tell.
    pub(crate) async fn lines(&self, write: &mut SqliteConnection, entries: &[&Entry]) -> Result<(), Fault> {
        static ADD: LazyLock<Insert> = LazyLock::new(|| {
            Insert::new("trail", &["number", "at", "who", "deed", "issuer", "what", "digest", "seal"], "")
        });
        let mut last = end(&mut *write).await?;
        for (statement, rows) in ADD.of(entries) {
            let mut add = sqlx::query(statement);
            for entry in rows {
                let seal = last.go_on(entry, self.trail_key.get());
                add = add
                    .bind(big("number", last.number)?)
                    .bind(big("at", entry.at.0)?)
                    .bind(&entry.who)
                    .bind(entry.action.slug())
                    .bind(entry.issuer.map(|issuer| issuer.0))
                    .bind(&entry.what)
                    .bind(last.digest.0.as_slice())
                    .bind(seal.as_ref().map(|seal| seal.0.as_slice()));
            }
            change(&mut *write, add).await?;
        }
        Ok(())
    }
}

async fn end<'e>(from: impl Executor<'e, Database = Sqlite>) -> Result<TrailEnd, Fault> {
    let query = sqlx::query("SELECT number, digest FROM trail ORDER BY number DESC LIMIT 1");
    Ok(one(from, query).await?.unwrap_or(TrailEnd::START))
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
        self.commit(self.write().await?, entry).await
    }

    async fn trail(&self, after: u64, limit: u32) -> Result<Vec<TrailLine>, Fault> {
        const PAGE: &str = "SELECT * FROM trail WHERE number > ? ORDER BY number LIMIT ?";
        all(&self.readers, sqlx::query(PAGE).bind(at_most(after)).bind(limit)).await
    }
}
