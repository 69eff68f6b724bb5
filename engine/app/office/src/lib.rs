//! A registry as a library: put together from its configuration, kept up to date with its files, stopped. Beside it, and
//! knowing nothing of it, the service of the holder's view ([`ViewService`]).

mod assemble;
mod backup;
pub mod config;
mod ends;
mod figures;
#[cfg(feature = "nats")]
mod nats;
mod office;
mod phones;
mod serving;
mod trust;
mod views;

pub use assemble::{Looked, open_vault, with_registry};
pub use backup::{Verified, back_up, restore};
pub use config::Config;
pub use ends::{ChainEnds, Lost};
pub use office::{Office, Prepared};
pub use serving::{Kept, stopped};
pub use views::{TlsFiles, ViewOptions, ViewService};
