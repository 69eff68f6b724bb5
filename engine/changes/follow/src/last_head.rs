//! The last head that the words agreed with, kept so that a killed engine knows how old its words are.

use hufu_codes::keyring::Keyring;
use hufu_sync::Follower;
use hufu_table::DiskFile;
use hufu_wire::UnixMillis;
use hufu_wire::chain::Head;

use crate::folder::Folder;

/// One head, written over again every second without waiting for the disk. It is signed: torn, altered or of another
/// history it is not believed, and the words are as old as the warm copy says.
#[derive(Debug)]
pub(crate) struct LastHead {
    folder: Folder,
    file: Option<Box<dyn DiskFile>>,
}

impl LastHead {
    pub(crate) fn new(folder: Folder) -> LastHead {
        LastHead { folder, file: None }
    }

    /// Keeps a head that the words agree with. A disk that fails here makes the words of a restart look older than
    /// they are, never younger: the tail tells of such a disk.
    pub(crate) fn keep(&mut self, head: &[u8]) {
        if self.file.is_none() {
            self.file = self.folder.disk.open_to_write(&self.folder.head()).ok();
        }
        if self.file.as_ref().is_some_and(|file| file.write_at(head, 0).is_err()) {
            self.file = None;
        }
    }

    /// Gives the follower what was kept, after all else was restored.
    pub(crate) fn restore(follower: &mut Follower, folder: &Folder, keyring: &Keyring, time: UnixMillis) {
        let Ok(head) = folder.disk.read(&folder.head(), Head::BYTES + 1) else { return };
        if head.len() == Head::BYTES
            && let Err(fault) = follower.head(&head, keyring, time)
        {
            tracing::info!("issuer {}: the last head is of no use: {fault}", folder.issuer());
        }
    }
}
