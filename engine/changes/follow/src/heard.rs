//! The last head that the words agreed with, kept so that a killed engine knows how old its words are.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;

use hufu_codes::keyring::Keyring;
use hufu_sync::Follower;
use hufu_wire::chain::Head;

use crate::clock;
use crate::folder::Folder;

/// One head, written over again every second without waiting for the disk. It is signed: torn, altered or of another
/// history it is not believed, and the words are as old as the warm copy says.
pub(crate) struct Heard {
    folder: Folder,
    file: Option<File>,
}

impl Heard {
    pub(crate) fn new(folder: Folder) -> Heard {
        Heard { folder, file: None }
    }

    /// Keeps a head that the words agree with. A disk that will not take it makes the words of a restart look older
    /// than they are, never younger: whoever writes the tail tells of such a disk.
    pub(crate) fn keep(&mut self, head: &[u8]) {
        if self.file.is_none() {
            self.file =
                File::options().create(true).write(true).truncate(false).open(self.folder.head()).ok();
        }
        if self.file.as_ref().is_some_and(|file| file.write_all_at(head, 0).is_err()) {
            self.file = None;
        }
    }

    /// Gives the follower what was kept, after all else was restored.
    pub(crate) fn restore(follower: &mut Follower, folder: &Folder, keyring: &Keyring) {
        let Ok(head) = fs::read(folder.head()) else { return };
        if head.len() == Head::BYTES
            && let Err(fault) = follower.head(&head, keyring, clock::now())
        {
            tracing::info!("issuer {}: the last head is of no use: {fault}", folder.issuer());
        }
    }
}
