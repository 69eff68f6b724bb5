//! The trail: who did what, to what, and when (R44). It only grows.

mod entry;
mod link;

pub use entry::{Deed, Entry};
pub use link::{Noted, TrailBreak, TrailCheck, TrailDigest, TrailEnd, TrailKey, TrailSeal};
