//! What whoever hands chains out needs of a registry: the HTTP stream, a publisher into a broker, an exporter.

use async_trait::async_trait;
use bytes::Bytes;
use hufu_wire::chain::Head;
use hufu_wire::{IssuerId, Sequence};
use tokio::sync::broadcast;

use crate::fault::Fault;

/// One change set as it is stored and as it travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSet {
    /// Its place.
    pub sequence: Sequence,
    /// Its bytes, `docs/SYNC.md`.
    pub bytes: Bytes,
}

/// The chains of every issuer, to be handed out.
#[async_trait]
pub trait ChainSource: Send + Sync {
    /// Whose chains there are.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] when the store does not answer.
    async fn issuers(&self) -> Result<Vec<IssuerId>, Fault>;

    /// Sets after `after`, in order, at least one if there is one, and no more than fit `bytes_max` beyond it.
    ///
    /// # Errors
    /// As [`issuers`](Self::issuers).
    async fn sets(
        &self,
        issuer: IssuerId,
        after: Sequence,
        bytes_max: usize,
    ) -> Result<Vec<StoredSet>, Fault>;

    /// A head of this moment.
    ///
    /// # Errors
    /// As [`issuers`](Self::issuers), and when there is no such issuer or no publisher's key.
    async fn head(&self, issuer: IssuerId) -> Result<[u8; Head::BYTES], Fault>;

    /// The newest checkpoint's bytes.
    ///
    /// # Errors
    /// As [`issuers`](Self::issuers).
    async fn checkpoint(&self, issuer: IssuerId) -> Result<Option<Bytes>, Fault>;

    /// Says whose chain has grown. Wakes may be lost: whoever waits looks by itself every second too.
    fn grown(&self) -> broadcast::Receiver<IssuerId>;
}
