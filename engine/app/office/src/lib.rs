//! A registry as a library: put together from its configuration, kept up to date with its files, stopped.

mod assemble;
pub mod config;
mod figures;
#[cfg(feature = "nats")]
mod nats;
mod office;
mod trust;

pub use assemble::{open_vault, with_registry};
pub use config::Config;
pub use office::{Office, Prepared};
