//! The source of truth: holders, credentials, sites, devices, rosters, proposals and the chain, and the HTTP API to
//! them.

pub mod api;
mod fault;
mod source;

pub use fault::Fault;
pub use source::{ChainSource, StoredSet};
