//! The folder of a keeper.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use hufu_table::{Disk, PartialFile};
use hufu_wire::IssuerId;

use super::KeeperFault;

/// Bytes of a policy, a trust list's state or a table of issuers, at most.
pub(super) const BYTES_MAX: usize = 8 << 20;

pub(super) struct Store {
    pub(super) disk: Arc<dyn Disk>,
    folder: PathBuf,
}

impl Store {
    pub(super) fn open(disk: Arc<dyn Disk>, folder: PathBuf) -> io::Result<Store> {
        disk.create_folder(&folder)?;
        Ok(Store { disk, folder })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// What lies there; nothing where it cannot be read, which is as if the gate were new.
    pub(super) fn read(&self, name: &str, bytes_max: usize) -> Option<Vec<u8>> {
        let bytes = self.disk.read(&self.path(name), bytes_max + 1).ok()?;
        (bytes.len() <= bytes_max).then_some(bytes)
    }

    /// Takes it away, where it is.
    pub(super) fn remove(&self, name: &str) -> Result<(), KeeperFault> {
        match self.disk.remove(&self.path(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Puts it there, unless it lies there already.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), KeeperFault> {
        if self.read(name, bytes.len()).is_some_and(|held| held == bytes) {
            return Ok(());
        }
        Ok(PartialFile::write(&self.disk, &self.path(name), bytes)?)
    }
}

/// The name of an issuer's list.
pub(super) fn list(issuer: IssuerId) -> String {
    format!("{issuer}.list")
}
