//! The registry's HTTP API against a real server over a real store.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod changes;
mod families;
mod feed;
mod people;
mod phones;
mod pressure;
mod problems;
mod scopes;
mod snapshots;
mod tls;
mod world;
