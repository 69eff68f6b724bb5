//! A snapshot out of the store, into a file.

use std::path::Path;

use async_trait::async_trait;
use futures_util::StreamExt;
use hufu_sync::{FeedFault, Snapshots};
use hufu_table::{ArrivingSnapshot, SnapshotDigest, SnapshotFault, SnapshotFaultKind};
use object_store::ObjectStoreExt;
use tokio::task;

use crate::fault::{of_disk, of_store};
use crate::objects::Objects;

#[async_trait]
impl Snapshots for Objects {
    fn name(&self) -> &str {
        &self.name
    }

    async fn fetch(&self, snapshot: SnapshotDigest, path: &Path) -> Result<(), FeedFault> {
        let of_store = |error| of_store(&self.name, &error);
        let of_file = |fault: SnapshotFault| match fault.kind {
            SnapshotFaultKind::TooLarge { .. } => {
                FeedFault::Garbled { feed: self.name.clone(), what: format!("{snapshot}: {fault}") }
            }
            _ => of_disk(&self.name, &fault),
        };
        let mut pieces = self.store.get(&self.key(snapshot)).await.map_err(of_store)?.into_stream();
        let (path, bytes_max) = (path.to_path_buf(), self.bytes_max);
        let mut file = aside(move || ArrivingSnapshot::create(path, bytes_max)).await.map_err(of_file)?;
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(of_store)?;
            file = aside(move || file.push(&piece).map(|()| file)).await.map_err(of_file)?;
        }
        aside(move || file.finish()).await.map_err(of_file)
    }
}

/// Waits for the disk on a thread that may wait: this one also hears the heads of an issuer.
pub(crate) async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Nothing else holds the handle, so only a runtime that is being dropped cancels it, and this with it.
            Err(_) => std::future::pending().await,
        },
    }
}
