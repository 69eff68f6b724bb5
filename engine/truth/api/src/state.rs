//! What every handler is given.

use std::ops::Deref;
use std::sync::Arc;

use hufu_registry::Registry;
use tokio::sync::Semaphore;

use super::feed::Hub;
use super::keyed_limit::KeyedLimit;
use super::meters::Meters;
use super::rules::Rules;
use super::snapshots::SnapshotFolder;

/// What every handler is given. Each layer around a route has one, and each request has its own copy of every layer:
/// so a copy is one count.
#[derive(Clone)]
pub(super) struct Api(Arc<Parts>);

pub(super) struct Parts {
    pub(super) registry: Arc<Registry>,
    pub(super) hub: Arc<Hub>,
    pub(super) snapshots: Option<SnapshotFolder>,
    /// What each route asks of its caller.
    pub(super) rules: Arc<Rules>,
    pub(super) meters: Arc<Meters>,
    /// Room for requests.
    pub(super) room: Arc<Semaphore>,
    /// Requests under way, by the label of the token.
    pub(super) requests: Arc<KeyedLimit<Arc<str>>>,
    /// Feeds, by the label of the token.
    pub(super) feeds: Arc<KeyedLimit<Arc<str>>>,
    pub(super) request_ms_max: u64,
}

impl Api {
    pub(super) fn new(parts: Parts) -> Api {
        Api(Arc::new(parts))
    }
}

impl Deref for Api {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
