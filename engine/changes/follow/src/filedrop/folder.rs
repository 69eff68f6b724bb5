use std::path::PathBuf;
use std::sync::Arc;

use hufu_table::{Disk, OsDisk};
use hufu_wire::Sequence;
use tokio::time::Instant;

use super::files::Files;

/// A folder that is filled with `<20-digit sequence>.set`, `*.head`, `*.checkpoint` and
/// `<digest>.snapshot` files, in any order and at any time; `docs/SYNC.md` draws it. It is looked at every second
/// and nothing in it is ever changed. It is a [`Feed`](hufu_sync::Feed) and, another one of the same folder,
/// [`Snapshots`](hufu_sync::Snapshots).
#[derive(Debug)]
pub struct FileDrop {
    pub(super) name: String,
    pub(super) files: Files,
    /// The set to deliver next.
    pub(super) next: Sequence,
    /// Since when that has been missing while there are others.
    pub(super) missing_since: Option<Instant>,
    /// Whether the follower knows that it is no longer here.
    pub(super) is_trim_reported: bool,
    pub(super) look_at: Instant,
}

impl FileDrop {
    /// The drop in this folder, which need not exist yet.
    pub fn new(folder: impl Into<PathBuf>) -> FileDrop {
        FileDrop::on(OsDisk::shared(), folder)
    }

    /// As [`new`](Self::new), on this disk.
    pub fn on(disk: Arc<dyn Disk>, folder: impl Into<PathBuf>) -> FileDrop {
        let folder = folder.into();
        FileDrop {
            name: format!("file drop {}", folder.display()),
            files: Files::new(disk, folder),
            next: Sequence(1),
            missing_since: None,
            is_trim_reported: false,
            look_at: Instant::now(),
        }
    }
}
