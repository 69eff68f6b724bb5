//! The registry's production store, in PostgreSQL 13 or later.
//!
//! [`PostgresStore`] keeps what [`hufu_registry::store`] asks for. Several registries may share one database: what
//! belongs to an issuer is written under the lock of that issuer's row, and whose chain has grown is told to all of
//! them through LISTEN and NOTIFY. The server may be restarted under load: what was acknowledged is there, requests
//! wait for it for a while, and the store goes on by itself.
//!
//! One noun, one file, each with its own queries; `migrations/` has the tables.

mod appeals;
mod chain;
mod checkpoints;
mod credentials;
mod devices;
mod facts;
mod families;
mod fault;
mod holders;
mod issuers;
mod options;
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
mod wakes;

pub use store::PostgresStore;
