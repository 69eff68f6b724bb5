//! The registry as a source of chains.

use async_trait::async_trait;
use bytes::Bytes;
use hufu_contract::{ChainSource, SourceFault, StoredSet};
use hufu_wire::chain::Head;
use hufu_wire::{IssuerId, Sequence, UnixMillis};
use tokio::sync::broadcast;

use super::Registry;
use crate::moment::UnixMicros;

#[async_trait]
impl ChainSource for Registry {
    async fn issuers(&self) -> Result<Vec<IssuerId>, SourceFault> {
        Ok(self.store.issuers().await?.into_iter().map(|issuer| issuer.id).collect())
    }

    async fn sets(
        &self,
        issuer: IssuerId,
        after: Sequence,
        bytes_max: usize,
    ) -> Result<Vec<StoredSet>, SourceFault> {
        Ok(self.store.sets(issuer, after, bytes_max).await?)
    }

    async fn head(&self, issuer: IssuerId) -> Result<[u8; Head::BYTES], SourceFault> {
        Ok(self.head_at(issuer, UnixMillis(UnixMicros::now().0 / 1000)).await?)
    }

    async fn checkpoint(&self, issuer: IssuerId) -> Result<Option<Bytes>, SourceFault> {
        Ok(self.store.checkpoint(issuer).await?.map(|checkpoint| checkpoint.bytes))
    }

    fn grown(&self) -> broadcast::Receiver<IssuerId> {
        self.store.grown()
    }
}
