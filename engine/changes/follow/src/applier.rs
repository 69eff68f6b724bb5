//! The follower and its folder: what a message does to the table and to the disk.

#[cfg(test)]
mod tests;

use std::io;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use hufu_codes::chain::{Authorities, Confirmed};
use hufu_codes::keyring::Keyring;
use hufu_sync::{Delivery, Follower, HeadAnswer, SetAnswer, SyncFault};
use hufu_table::{Disk, Reader, SnapshotInfo, Writer};
use hufu_wire::chain::Checkpoint;
use hufu_wire::{Sequence, UnixMillis};

use crate::copies::{CopyJob, CopyOutcome, KeptCopy};
use crate::event::Event;
use crate::folder::Folder;
use crate::last_head::LastHead;
use crate::options::StartFault;
use crate::recent::Recent;
use crate::restore::restore;
use crate::status::Tally;
use crate::tail::Tail;
use crate::warm::copy;

/// One issuer's follower. Every set is in the tail before its first word can be seen.
pub struct Applier {
    follower: Follower,
    /// A panic while it is set leaves the follower in an unknown state.
    is_changing: bool,
    pub(crate) folder: Folder,
    tail: Tail,
    last_head: LastHead,
    recent: Arc<Recent>,
}

impl Applier {
    /// Restores what the folder holds, so that the table has every word that was served before a restart. Says which
    /// warm copy is in place, and what it took.
    ///
    /// # Errors
    /// [`StartFault`].
    pub fn restore(
        writer: Writer,
        authorities: Authorities,
        (disk, path): (Arc<dyn Disk>, &Path),
        keyring: &Keyring,
        time: UnixMillis,
    ) -> Result<(Applier, Option<KeptCopy>, Tally), StartFault> {
        let issuer = authorities.issuer();
        let folder = Folder::open(disk, path, issuer).map_err(|error| StartFault::Folder {
            issuer,
            folder: path.to_owned(),
            error,
        })?;
        let (mut follower, mut tally) = (Follower::new(writer, authorities)?, Tally::default());
        let kept = restore(&mut follower, &folder, keyring, time, &mut tally);
        let tail = Tail::new(folder.clone(), follower.tip().sequence);
        let last_head = LastHead::new(folder.clone());
        let recent = Arc::default();
        Ok((Applier { follower, is_changing: false, folder, tail, last_head, recent }, kept, tally))
    }

    /// What has lately come of the chain.
    pub fn recent(&self) -> &Arc<Recent> {
        &self.recent
    }

    /// Whether a panic has left the follower in the middle of a change.
    pub fn is_changing(&self) -> bool {
        self.is_changing
    }

    /// Gives the follower what a feed brought.
    pub fn take(&mut self, delivery: &Delivery, keyring: &Keyring, time: UnixMillis) -> Event {
        self.is_changing = true;
        let event = match delivery {
            Delivery::ChangeSet(bytes) => {
                let mut tail = Ok(());
                let answer = self.follower.change_set_kept(bytes, keyring, time, &mut |tip| {
                    #[cfg(not(feature = "planted"))]
                    let _ = tip;
                    #[cfg(feature = "planted")]
                    if tip.sequence.0.is_multiple_of(3)
                        && hufu_wire::planted::has(hufu_wire::planted::Bug::TailSkipped)
                    {
                        return;
                    }
                    tail = self.tail.append(bytes).map_err(|error| error.to_string());
                });
                if let Ok(SetAnswer::Applied { sequence, .. }) = answer {
                    self.recent.add_set(sequence, bytes);
                }
                Event::Set { bytes: bytes.len(), answer, tail }
            }
            Delivery::Head(bytes) => {
                let answer = self.follower.head(bytes, keyring, time);
                if matches!(answer, Ok(HeadAnswer::Current { .. })) {
                    self.last_head.keep(bytes);
                    self.recent.set_head(bytes);
                }
                Event::Head { bytes: bytes.len(), answer }
            }
            Delivery::Checkpoint(bytes) => {
                let answer = self.follower.checkpoint(bytes, keyring, time);
                Event::Checkpoint { bytes: bytes.len(), answer }
            }
            Delivery::Trimmed { first } => Event::Trimmed { first: *first },
        };
        self.is_changing = false;
        event
    }

    /// Loads what was fetched; `None` when sets have led further meanwhile. `spoil` is called when everything about it
    /// is proven, before its first word can be seen: a warm copy that is being written is of no use then. The second
    /// answer says why it cannot be kept in the folder.
    pub fn load(
        &mut self,
        of: &Confirmed<Checkpoint>,
        time: UnixMillis,
        spoil: impl Fn(),
    ) -> (Result<Option<SnapshotInfo>, String>, Result<(), String>) {
        let snapshot = match self.folder.fetched() {
            Ok(snapshot) => snapshot,
            Err(fault) => return (Err(fault.to_string()), Ok(())),
        };
        let mut kept = Ok(());
        self.is_changing = true;
        let loaded = self.follower.load_kept(of, &snapshot, time, &mut || {
            spoil();
            kept = self.folder.take_in(of).map_err(|error| format!("its snapshot cannot be kept: {error}"));
        });
        self.is_changing = false;
        let loaded = match loaded {
            Ok(info) => Ok(Some(info)),
            Err(SyncFault::Overtaken { .. }) => Ok(None),
            Err(fault) => Err(fault.to_string()),
        };
        (loaded, kept)
    }

    /// Empties the folder for snapshots that are fetched, and says where the next one goes.
    ///
    /// # Errors
    /// The disk's.
    pub fn make_room(&self) -> io::Result<PathBuf> {
        self.folder.empty_incoming()?;
        Ok(self.folder.incoming())
    }

    /// Makes a warm copy of what `reader` has. `spoiled` is set when a snapshot is loaded meanwhile.
    pub fn copy(&self, job: &CopyJob, reader: &Reader, spoiled: &AtomicBool) -> CopyOutcome {
        copy(job, &self.folder, reader, spoiled)
    }

    /// Removes what a warm copy of `kept` makes needless.
    pub fn tidy(&self, kept: Sequence) {
        self.folder.tidy(kept);
    }

    /// Writes sets to a tail of their own from now on.
    pub fn begin_tail(&mut self, after: Sequence) {
        self.tail.begin(after);
    }
}

impl Deref for Applier {
    type Target = Follower;

    fn deref(&self) -> &Follower {
        &self.follower
    }
}
