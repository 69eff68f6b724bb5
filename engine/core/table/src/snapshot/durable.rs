//! How a complete file takes its place: on the disk before it has its name, and its name on the disk before anybody is
//! told.

use std::fs::File;
use std::io;
use std::path::Path;

use tempfile::NamedTempFile;

use super::fault::{SnapshotFault, SnapshotFaultKind};

/// Makes `file` durable and puts it in the place of `path`, which is in `folder`.
///
/// # Errors
/// [`SnapshotFaultKind::Io`]; `path` is then as it was, except when only the last step failed, making the folder
/// durable: then the new file is in place but might not survive a power cut.
pub(super) fn put(file: NamedTempFile, path: &Path, folder: &Path) -> Result<(), SnapshotFault> {
    let fault = |doing, error| SnapshotFault::new(path, SnapshotFaultKind::Io { doing, error });
    sync(file.as_file()).map_err(|error| fault("write the file", error))?;
    file.persist(path).map_err(|unnamed| fault("take its place", unnamed.error))?;
    File::open(folder).and_then(|folder| sync(&folder)).map_err(|error| fault("sync its folder", error))
}

/// Waits until everything of a file or a folder is on the disk.
fn sync(file: &File) -> io::Result<()> {
    #[cfg(test)]
    tests::saw(file);
    file.sync_all()
}

#[cfg(test)]
pub(super) mod tests {
    use std::cell::RefCell;
    use std::os::fd::OwnedFd;
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    /// What was made durable: a folder, or a file of so many bytes that had its name already or not.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(in crate::snapshot) enum Synced {
        Folder,
        File { bytes: u64, is_named: bool },
    }

    thread_local! {
        static PATH: RefCell<Option<std::path::PathBuf>> = const { RefCell::new(None) };
        static SYNCED: RefCell<Vec<Synced>> = const { RefCell::new(Vec::new()) };
    }

    pub(super) fn saw(file: &File) {
        let found = file.metadata().expect("an open file");
        let named = PATH.with_borrow(|path| path.as_ref().and_then(|path| path.metadata().ok()));
        let is_named = named.is_some_and(|named| named.ino() == found.ino());
        let synced =
            if found.is_dir() { Synced::Folder } else { Synced::File { bytes: found.len(), is_named } };
        SYNCED.with_borrow_mut(|all| all.push(synced));
    }

    /// What this thread made durable while `work` put a file in the place of `path`.
    pub(in crate::snapshot) fn synced(path: &Path, work: impl FnOnce()) -> Vec<Synced> {
        PATH.set(Some(path.to_owned()));
        SYNCED.take();
        work();
        PATH.set(None);
        SYNCED.take()
    }

    #[test]
    fn what_cannot_be_made_durable_is_told() {
        // A pipe takes bytes and has no disk: waiting for one fails.
        let (reader, _writer) = std::io::pipe().expect("a pipe");
        assert!(sync(&File::from(OwnedFd::from(reader))).is_err());
    }
}
