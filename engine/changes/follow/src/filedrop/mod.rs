//! A folder as a feed: for issuers whose changes people carry, or rsync does.

mod bundle;
mod feed;
mod files;
mod folder;
mod snapshots;

pub use bundle::{Bundle, BundleFault};
pub use folder::FileDrop;
