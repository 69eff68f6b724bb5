//! A folder as a feed: for issuers whose changes people carry, or rsync does.

mod bundle;
mod feed;
mod files;
mod snapshots;

use std::path::PathBuf;

use hufu_wire::Sequence;
use tokio::time::Instant;

use files::Files;

pub use bundle::{Bundle, BundleFault};

/// A folder that somebody fills with `<20-digit sequence>.set`, `*.head`, `*.checkpoint` and
/// `<digest>.snapshot` files, in any order and at any time; `docs/SYNC.md` draws it. It is looked at every second
/// and nothing in it is ever changed. It is a [`Feed`](hufu_sync::Feed) and, another one of the same folder,
/// [`Snapshots`](hufu_sync::Snapshots).
#[derive(Debug)]
pub struct FileDrop {
    name: String,
    files: Files,
    /// The set to deliver next.
    next: Sequence,
    /// Since when that has been missing while there are others.
    missing_since: Option<Instant>,
    /// Whether it was told that it is no longer here.
    is_trim_told: bool,
    look_at: Instant,
}

impl FileDrop {
    /// The drop in this folder, which need not be there yet.
    pub fn new(folder: impl Into<PathBuf>) -> FileDrop {
        let folder = folder.into();
        FileDrop {
            name: format!("file drop {}", folder.display()),
            files: Files::new(folder),
            next: Sequence(1),
            missing_since: None,
            is_trim_told: false,
            look_at: Instant::now(),
        }
    }
}
