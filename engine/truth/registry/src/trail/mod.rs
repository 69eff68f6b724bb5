//! The trail: who did what, to what, and when (R44). It only grows.

mod entry;
mod link;

pub use entry::{Action, Entry};
pub use link::{TrailBreak, TrailCheck, TrailDigest, TrailEnd, TrailKey, TrailLine, TrailSeal};
