//! What gates without a network get and give, away from the endpoint's thread: it may have to wait for a disk.

use std::sync::Arc;

use hufu_wire::{Grant, OfflineAsk, Reason, RecordsKept, UnixMillis};
use tokio::task::spawn_blocking;

use super::shared::Shared;
use crate::offline::Offline;

/// What was asked for.
pub(super) async fn part(
    shared: &Shared,
    grant: Grant,
    now: UnixMillis,
    ask: OfflineAsk,
) -> Result<Vec<u8>, Reason> {
    aside(shared, grant, now, move |offline| offline.part(&grant, ask)).await
}

/// Keeps the records.
pub(super) async fn receive(
    shared: &Shared,
    grant: Grant,
    now: UnixMillis,
    records: Vec<u8>,
) -> Result<RecordsKept, Reason> {
    aside(shared, grant, now, move |offline| offline.receive(&grant, &records)).await
}

async fn aside<T: Send + 'static>(
    shared: &Shared,
    grant: Grant,
    now: UnixMillis,
    work: impl FnOnce(&dyn Offline) -> Result<T, Reason> + Send + 'static,
) -> Result<T, Reason> {
    let offline: Arc<dyn Offline> = shared.offline(&grant, now)?;
    // One that panicked has said so on standard error.
    spawn_blocking(move || work(&*offline)).await.unwrap_or(Err(Reason::Busy))
}
