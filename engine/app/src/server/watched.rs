//! Notices that a file has been replaced or written to.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// One file, and how it looked the last time.
pub(super) struct Watched {
    path: PathBuf,
    stamp: Option<Stamp>,
}

/// What changes whenever a file is replaced (inode), or written to (time, size).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    modified_s: i64,
    modified_ns: i64,
    bytes: u64,
}

impl Watched {
    /// The file as it is now.
    pub(super) fn new(path: &Path) -> Watched {
        Watched { path: path.to_owned(), stamp: stamp(path) }
    }

    /// Whether it looks different than the last time. A file that is gone has not changed yet: it may be on its
    /// way back, and there is nothing to apply.
    pub(super) fn has_changed(&mut self) -> bool {
        let stamp = stamp(&self.path);
        let changed = stamp.is_some() && stamp != self.stamp;
        if changed {
            self.stamp = stamp;
        }
        changed
    }

    /// Its name for the log, if it [has changed](Self::has_changed).
    pub(super) fn name_if_changed(&mut self) -> Option<String> {
        self.has_changed().then(|| self.path.display().to_string())
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = fs::metadata(path).ok()?;
    Some(Stamp {
        inode: metadata.ino(),
        modified_s: metadata.mtime(),
        modified_ns: metadata.mtime_nsec(),
        bytes: metadata.size(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_file_has_changed_once_and_a_missing_one_never() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sites.toml");
        fs::write(&path, "a").unwrap();
        let mut watched = Watched::new(&path);
        assert!(!watched.has_changed());
        fs::write(folder.path().join("new"), "b").unwrap();
        fs::rename(folder.path().join("new"), &path).unwrap();
        assert!(watched.has_changed());
        assert!(!watched.has_changed());
        fs::remove_file(&path).unwrap();
        assert!(!watched.has_changed());
        fs::write(&path, "longer").unwrap();
        assert!(watched.has_changed());
    }
}
