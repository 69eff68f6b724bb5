//! Rows that a new sealing key takes over.

use async_trait::async_trait;
use hufu_registry::store::{Resealed, SealedRows, SealedTable, at_most};
use hufu_registry::{Entry, Fault};
use hufu_wire::IssuerId;

use crate::row::change;
use crate::store::SqliteStore;

#[async_trait]
impl SealedRows for SqliteStore {
    async fn reseal(
        &self,
        issuer: IssuerId,
        table: SealedTable,
        rows: &[Resealed],
        entry: &Entry,
    ) -> Result<u64, Fault> {
        let reseal = match table {
            SealedTable::Holders => {
                "UPDATE holders SET sealed = ? WHERE issuer = ? AND holder = ? AND sealed = ?"
            }
            SealedTable::Facts => {
                "UPDATE facts SET sealed = ? WHERE issuer = ? AND number = ? AND sealed = ?"
            }
            SealedTable::Appeals => {
                "UPDATE appeals SET sealed = ? WHERE issuer = ? AND id = ? AND sealed = ?"
            }
            SealedTable::Bindings => {
                "UPDATE bindings SET sealed = ? WHERE issuer = ? AND id = ? AND sealed = ?"
            }
        };
        let mut write = self.write().await?;
        let mut resealed = 0;
        for row in rows {
            let reseal = sqlx::query(reseal).bind(&row.sealed).bind(issuer.0);
            resealed += change(&mut *write, reseal.bind(at_most(row.number)).bind(&row.was)).await?;
        }
        self.commit(write, entry).await?;
        Ok(resealed)
    }
}
