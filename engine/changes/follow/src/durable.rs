//! What makes a file outlive a power cut: waiting for the disk, and names that are given afterwards.

use std::fs::{self, File};
use std::io;
use std::path::Path;

/// Waits until everything of a file or a folder is on the disk.
pub(crate) fn sync(file: &File) -> io::Result<()> {
    #[cfg(test)]
    tests::saw(file);
    file.sync_all()
}

/// Gives the file `from` the name `to`.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    named(to);
    Ok(())
}

/// A file has got the name `path`.
pub(crate) fn named(path: &Path) {
    #[cfg(test)]
    tests::named(path);
    #[cfg(not(test))]
    let _ = path;
}

#[cfg(test)]
pub(crate) mod tests {
    use std::cell::RefCell;
    use std::os::fd::OwnedFd;

    use super::*;

    /// A step towards durability.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) enum Step {
        /// The bytes of a file.
        File,
        /// The names in a folder.
        Folder,
        /// A file has got a name that ends like this.
        Named(String),
    }

    thread_local! {
        static STEPS: RefCell<Vec<Step>> = const { RefCell::new(Vec::new()) };
    }

    pub(super) fn saw(file: &File) {
        let is_folder = file.metadata().expect("an open file").is_dir();
        let step = if is_folder { Step::Folder } else { Step::File };
        STEPS.with_borrow_mut(|steps| steps.push(step));
    }

    pub(super) fn named(path: &Path) {
        let ending = path.extension().unwrap_or_default().to_string_lossy().into_owned();
        STEPS.with_borrow_mut(|steps| steps.push(Step::Named(ending)));
    }

    /// The steps that this thread took in `work`.
    pub(crate) fn steps<T>(work: impl FnOnce() -> T) -> (T, Vec<Step>) {
        STEPS.take();
        (work(), STEPS.take())
    }

    /// A file that got the name `ending`.
    pub(crate) fn name(ending: &str) -> Step {
        Step::Named(ending.to_owned())
    }

    #[test]
    fn what_cannot_be_made_durable_is_told() {
        // A pipe takes bytes and has no disk: waiting for one fails.
        let (reader, _writer) = std::io::pipe().expect("a pipe");
        assert!(sync(&File::from(OwnedFd::from(reader))).is_err());
    }
}
