//! A place for snapshots, open.

use std::fmt;
use std::path::Path as FilePath;
use std::sync::Arc;

use hufu_table::{SNAPSHOT_BYTES_MAX, SnapshotDigest};
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::path::Path;

use crate::fault::Misconfigured;

/// Snapshots in a folder or an object store.
#[derive(Clone)]
pub struct Objects {
    pub(crate) name: String,
    pub(crate) store: Arc<dyn ObjectStore>,
    /// What every name in the store begins with.
    pub(crate) prefix: Path,
    pub(crate) bytes_max: u64,
}

impl Objects {
    /// Snapshots in a folder of this machine. What is published there survives a power cut.
    ///
    /// # Errors
    /// [`Misconfigured`] when there is no such folder: it is not made here, for it may be one that is not mounted.
    pub fn folder(folder: impl AsRef<FilePath>) -> Result<Objects, Misconfigured> {
        let folder = folder.as_ref();
        let misconfigured = |what| Misconfigured { place: folder.display().to_string(), what };
        let is_folder = folder.metadata().map(|metadata| metadata.is_dir());
        match is_folder {
            Ok(true) => {}
            Ok(false) => return Err(misconfigured("not a folder; correct the path".to_owned())),
            Err(error) => {
                return Err(misconfigured(format!(
                    "{error}; create or mount the folder, or correct the path"
                )));
            }
        }
        let store =
            LocalFileSystem::new_with_prefix(folder).map_err(|error| misconfigured(error.to_string()))?;
        let name = format!("folder {}", folder.display());
        Ok(Objects::over(name, Arc::new(store.with_fsync(true)), Path::default()))
    }

    /// Never fetches more than `bytes_max` bytes for one snapshot: what this engine's table has room for is 8 bytes
    /// a holder, and a store that sends more would only fill the disk.
    #[must_use]
    pub fn with_bytes_max(mut self, bytes_max: u64) -> Objects {
        self.bytes_max = bytes_max;
        self
    }

    pub(crate) fn over(name: String, store: Arc<dyn ObjectStore>, prefix: Path) -> Objects {
        Objects { name, store, prefix, bytes_max: SNAPSHOT_BYTES_MAX }
    }

    /// Where the snapshot of this digest is.
    pub(crate) fn key(&self, snapshot: SnapshotDigest) -> Path {
        self.prefix.clone().join(format!("{snapshot}{SUFFIX}"))
    }
}

/// What the name of a snapshot ends with, after its digest in hexadecimal.
pub(crate) const SUFFIX: &str = ".snapshot";

impl fmt::Debug for Objects {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Objects").field("name", &self.name).finish_non_exhaustive()
    }
}
