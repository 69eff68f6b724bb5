//! The registry's embedded store, in one SQLite file.
//!
//! One connection writes, several read. The log is a WAL with `synchronous = FULL`: what a method answered is on the
//! disk. Several processes may open one file; each writes in its turn, and wakes stay within a process, so the others
//! notice within a second.

mod appeals;
mod backup;
mod chain;
mod checkpoints;
mod credentials;
mod devices;
mod facts;
mod families;
mod fault;
mod holders;
mod issuers;
mod phones;
mod proposals;
mod rosters;
mod row;
mod schema;
mod sealed;
mod sites;
mod store;
mod tickets;
mod tokens;
mod trail;

pub use backup::{check, companions, copy};
pub use store::SqliteStore;
