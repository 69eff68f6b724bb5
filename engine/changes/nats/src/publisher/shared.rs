//! What all issuers' tasks of one publisher need.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use hufu_contract::ChainSource;

use crate::options::PublisherOptions;

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) is_connected: AtomicBool,
    pub(super) sets: AtomicU64,
    pub(super) heads: AtomicU64,
    pub(super) repairs: AtomicU64,
}

/// What all issuers' tasks need.
pub(super) struct Shared {
    pub(super) options: PublisherOptions,
    pub(super) source: Arc<dyn ChainSource>,
    pub(super) counters: Arc<Counters>,
}
