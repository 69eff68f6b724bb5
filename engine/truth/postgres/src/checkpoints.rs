//! The newest checkpoint of each issuer.

use async_trait::async_trait;
use hufu_registry::store::{Checkpoints, StoredCheckpoint, big};
use hufu_registry::{Entry, Fault};
use hufu_wire::IssuerId;

use crate::fault::retried;
use crate::issuers::lock;
use crate::row::one;
use crate::store::PostgresStore;

#[async_trait]
impl Checkpoints for PostgresStore {
    async fn checkpoint(&self, issuer: IssuerId) -> Result<Option<StoredCheckpoint>, Fault> {
        let query = sqlx::query("SELECT * FROM checkpoints WHERE issuer = $1").bind(i64::from(issuer.0));
        Ok(one(&self.pool, query).await?)
    }

    async fn put_checkpoint(&self, checkpoint: &StoredCheckpoint, entry: &Entry) -> Result<bool, Fault> {
        const PUT: &str = "
            INSERT INTO checkpoints AS held (issuer, sequence, made, bytes) VALUES ($1, $2, $3, $4)
            ON CONFLICT (issuer) DO UPDATE SET sequence = excluded.sequence, made = excluded.made,
                bytes = excluded.bytes
            WHERE (excluded.sequence, excluded.made) > (held.sequence, held.made)";
        retried(|| async {
            let mut tx = self.begin().await?;
            lock(&mut tx, checkpoint.issuer).await?;
            let put = sqlx::query(PUT)
                .bind(i64::from(checkpoint.issuer.0))
                .bind(big("sequence", checkpoint.sequence.0)?)
                .bind(big("made", checkpoint.made.0)?)
                .bind(&checkpoint.bytes[..])
                .execute(&mut *tx)
                .await?;
            let kept = put.rows_affected() > 0;
            if kept {
                self.commit(tx, entry).await?;
            }
            Ok(kept)
        })
        .await
    }
}
