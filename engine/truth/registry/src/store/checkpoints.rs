//! Checkpoints in the store.

use async_trait::async_trait;
use bytes::Bytes;
use hufu_wire::{IssuerId, Sequence, UnixMillis};

use super::row::{Columns, FromColumns};
use crate::fault::Fault;
use crate::trail::Entry;

/// A checkpoint, proven before it came here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCheckpoint {
    /// Whose chain.
    pub issuer: IssuerId,
    /// At which set.
    pub sequence: Sequence,
    /// When both authorities agreed.
    pub made: UnixMillis,
    /// Its bytes, `docs/SYNC.md`.
    pub bytes: Bytes,
}

/// The newest word of both authorities on each whole table.
#[async_trait]
pub trait Checkpoints {
    /// The newest one.
    async fn checkpoint(&self, issuer: IssuerId) -> Result<Option<StoredCheckpoint>, Fault>;

    /// Keeps a checkpoint unless the one that is kept has a higher sequence, or the same and was made no earlier;
    /// answers whether it did.
    ///
    /// # Errors
    /// [`Fault::NotFound`] without such an issuer.
    async fn put_checkpoint(&self, checkpoint: &StoredCheckpoint, entry: &Entry) -> Result<bool, Fault>;
}

impl FromColumns for StoredCheckpoint {
    fn read(row: &impl Columns) -> Result<StoredCheckpoint, Fault> {
        Ok(StoredCheckpoint {
            issuer: IssuerId(row.number("issuer")?),
            sequence: Sequence(row.number("sequence")?),
            made: row.time("made")?,
            bytes: row.bytes("bytes")?.into(),
        })
    }
}
