//! Checkpoints.

use async_trait::async_trait;
use hufu_registry::store::{Checkpoints, StoredCheckpoint, big};
use hufu_registry::{Entry, Fault};
use hufu_wire::IssuerId;

use crate::issuers;
use crate::row::{change, one};
use crate::store::SqliteStore;

#[async_trait]
impl Checkpoints for SqliteStore {
    async fn checkpoint(&self, issuer: IssuerId) -> Result<Option<StoredCheckpoint>, Fault> {
        one(&self.readers, sqlx::query("SELECT * FROM checkpoints WHERE issuer = ?").bind(issuer.0)).await
    }

    async fn put_checkpoint(&self, checkpoint: &StoredCheckpoint, entry: &Entry) -> Result<bool, Fault> {
        const PUT: &str = "
            INSERT INTO checkpoints (issuer, sequence, made, bytes) VALUES (?, ?, ?, ?)
            ON CONFLICT (issuer) DO UPDATE SET
                sequence = excluded.sequence, made = excluded.made, bytes = excluded.bytes
            WHERE (sequence, made) < (excluded.sequence, excluded.made)";
        let mut write = self.write().await?;
        issuers::known(&mut write, checkpoint.issuer).await?;
        let put = sqlx::query(PUT).bind(checkpoint.issuer.0).bind(big("sequence", checkpoint.sequence.0)?);
        let put = put.bind(big("made", checkpoint.made.0)?).bind(checkpoint.bytes.as_ref());
        if change(&mut *write, put).await? == 0 {
            return Ok(false);
        }
        self.commit(write, entry).await?;
        Ok(true)
    }
}
