//! An engine as a library: put together from its configuration, kept up to date with its files, stopped.
//!
//! ```no_run
//! # fn main() -> anyhow::Result<()> {
//! use hufu_node::{Config, Prepared};
//!
//! let config = Config::load("engine.toml".as_ref())?;
//! let mut node = Prepared::load(config)?.start()?;
//! println!("sealed requests at {:?}", node.running.udp_addrs);
//! node.refresh(false); // once a second: looks for changed files
//! node.stop();
//! # Ok(())
//! # }
//! ```

pub mod cluster;
pub mod config;
mod node;
pub mod wrapping;

pub use config::Config;
pub use node::{Listed, Lists, Node, Prepared};
