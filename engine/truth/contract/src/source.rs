//! What a program that hands chains out needs of a registry: the HTTP feed, a publisher into a broker, an exporter.

use async_trait::async_trait;
use bytes::Bytes;
use hufu_wire::chain::Head;
use hufu_wire::{IssuerId, Sequence};
use tokio::sync::broadcast;

/// Why a chain cannot be read at this moment. The operator of the registry can fix it, except for an issuer that
/// is not there, which the caller named.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceFault {
    /// The store does not answer.
    #[error("the store does not answer: {0}")]
    Unavailable(String),
    /// What the store holds contradicts itself.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// A key or a file is missing.
    #[error("the registry is not configured for this: {0}")]
    Misconfigured(String),
    /// There is no such issuer.
    #[error("there is no {0}")]
    NotFound(String),
}

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
    /// [`SourceFault::Unavailable`] when the store does not answer.
    async fn issuers(&self) -> Result<Vec<IssuerId>, SourceFault>;

    /// Sets after `after`, in order, at least one if there is one, and no more than fit `bytes_max` beyond it.
    ///
    /// # Errors
    /// As [`issuers`](Self::issuers).
    async fn sets(
        &self,
        issuer: IssuerId,
        after: Sequence,
        bytes_max: usize,
    ) -> Result<Vec<StoredSet>, SourceFault>;

    /// A head of this moment.
    ///
    /// # Errors
    /// As [`issuers`](Self::issuers), and when there is no such issuer or no publisher's key.
    async fn head(&self, issuer: IssuerId) -> Result<[u8; Head::BYTES], SourceFault>;

    /// The newest checkpoint's bytes.
    ///
    /// # Errors
    /// As [`issuers`](Self::issuers).
    async fn checkpoint(&self, issuer: IssuerId) -> Result<Option<Bytes>, SourceFault>;

    /// Says whose chain has grown. Notifications may be lost: a follower also looks every second.
    fn grown(&self) -> broadcast::Receiver<IssuerId>;
}
