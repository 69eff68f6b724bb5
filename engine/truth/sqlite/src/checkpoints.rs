//! Checkpoints.

use async_trait::async_trait;
use hufu_registry::store::{Checkpoints, StoredCheckpoint};
use hufu_registry::{Entry, Fault};
use hufu_wire::{IssuerId, Sequence};

use crate::SqliteStore;
use crate::chain::has_issuer;
use crate::fault::fault;
use crate::holders::no_issuer;
use crate::values::{column, ms, number, time};

#[async_trait]
impl Checkpoints for SqliteStore {
    async fn checkpoint(&self, issuer: IssuerId) -> Result<Option<StoredCheckpoint>, Fault> {
        let row: Option<(i64, i64, Vec<u8>)> =
            sqlx::query_as("SELECT sequence, made_ms, bytes FROM checkpoints WHERE issuer = ?")
                .bind(issuer.0)
                .fetch_optional(&self.readers)
                .await
                .map_err(fault)?;
        let read = |(sequence, made, bytes): (i64, i64, Vec<u8>)| {
            let sequence = Sequence(number("sequence", sequence)?);
            Ok(StoredCheckpoint { issuer, sequence, made: time(made), bytes: bytes.into() })
        };
        row.map(read).transpose()
    }

    async fn put_checkpoint(&self, checkpoint: &StoredCheckpoint, entry: &Entry) -> Result<bool, Fault> {
        let mut write = self.write().await?;
        if !has_issuer(&mut write, checkpoint.issuer).await? {
            return Err(no_issuer(checkpoint.issuer));
        }
        let put = sqlx::query(
            "INSERT INTO checkpoints (issuer, sequence, made_ms, bytes) VALUES (?, ?, ?, ?) \
             ON CONFLICT (issuer) DO UPDATE SET \
             sequence = excluded.sequence, made_ms = excluded.made_ms, bytes = excluded.bytes \
             WHERE (sequence, made_ms) < (excluded.sequence, excluded.made_ms)",
        )
        .bind(checkpoint.issuer.0)
        .bind(column(checkpoint.sequence.0))
        .bind(ms(checkpoint.made))
        .bind(checkpoint.bytes.as_ref())
        .execute(&mut *write)
        .await
        .map_err(fault)?;
        if put.rows_affected() == 0 {
            return Ok(false);
        }
        self.line(&mut write, entry).await?;
        write.commit().await.map_err(fault)?;
        Ok(true)
    }
}
