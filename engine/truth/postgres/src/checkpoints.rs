//! The newest checkpoint of each issuer.

use async_trait::async_trait;
use hufu_registry::store::{Checkpoints, StoredCheckpoint};
use hufu_registry::{Entry, Fault};
use hufu_wire::{IssuerId, Sequence, UnixMillis};

use crate::fault::{fault, retried};
use crate::issuers::lock;
use crate::row::{Columns as _, big};
use crate::store::PostgresStore;

#[async_trait]
impl Checkpoints for PostgresStore {
    async fn checkpoint(&self, issuer: IssuerId) -> Result<Option<StoredCheckpoint>, Fault> {
        let query = sqlx::query("SELECT * FROM checkpoints WHERE issuer = $1").bind(i64::from(issuer.0));
        let Some(row) = query.fetch_optional(&self.pool).await.map_err(fault)? else { return Ok(None) };
        Ok(Some(StoredCheckpoint {
            issuer,
            sequence: Sequence(row.number("sequence")?),
            made: UnixMillis(row.number("made")?),
            bytes: row.bytes("bytes")?.into(),
        }))
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
                self.line(&mut tx, entry).await?;
                tx.commit().await?;
            }
            Ok(kept)
        })
        .await
    }
}
