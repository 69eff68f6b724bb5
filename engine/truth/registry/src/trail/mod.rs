//! The trail: who did what, to what, and when (R44). It only grows.

mod entry;
mod link;

pub(crate) use entry::ITSELF;
pub use entry::{Action, Entry, PHONES, STRANGERS};
pub use link::{TrailBreak, TrailCheck, TrailDigest, TrailEnd, TrailKey, TrailLine, TrailSeal};
