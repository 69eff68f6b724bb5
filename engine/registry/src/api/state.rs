//! What every handler is given.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::feed::Hub;
use super::snapshots::SnapshotFolder;
use crate::Registry;

/// What every handler is given.
#[derive(Clone)]
pub(super) struct Api {
    pub(super) registry: Arc<Registry>,
    pub(super) hub: Arc<Hub>,
    pub(super) snapshots: Option<SnapshotFolder>,
    /// Room for requests.
    pub(super) room: Arc<Semaphore>,
    pub(super) request_ms_max: u64,
}
