//! A registry as a library: put together from its configuration, kept up to date with its files, stopped.

mod assemble;
pub mod config;
mod figures;
#[cfg(feature = "nats")]
mod nats;
mod office;
mod trust;

pub use assemble::{bare_registry, marked, open_store, open_vault};
pub use config::Config;
pub use office::{Office, Prepared};
