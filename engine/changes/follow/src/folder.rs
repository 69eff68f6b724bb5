//! One issuer's folder on the engine's own disk, drawn in `docs/SYNC.md`.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hufu_sync::{WARM_BYTES, WarmCopy};
use hufu_table::{Disk, PartialFile, Snapshot, SnapshotDigest, SnapshotFault};
use hufu_wire::chain::Checkpoint;
use hufu_wire::{IssuerId, Message as _, Sequence, read};

/// Where one issuer's words outlive a restart.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    pub(crate) disk: Arc<dyn Disk>,
    issuer: IssuerId,
    path: PathBuf,
}

const STATE: &str = "warm.state";
const HEAD: &str = "last.head";
const CHECKPOINT: &str = "loading.checkpoint";
const INCOMING: &str = "incoming";
/// What is half written ends like this, and nothing else does.
const PARTIAL: &str = "partial";
const SNAPSHOT: &str = "snapshot";
const TAIL: &str = "tail-";
const TAIL_END: &str = ".sets";

impl Folder {
    /// Creates it where it is missing, and removes what a killed engine left half written.
    pub(crate) fn open(disk: Arc<dyn Disk>, path: &Path, issuer: IssuerId) -> io::Result<Folder> {
        disk.create_folder(path)?;
        let folder = Folder { disk, issuer, path: path.to_owned() };
        // What cannot be removed only takes room: an engine starts on a disk that is full or read-only.
        let _ = folder.disk.remove_folder(&path.join(INCOMING));
        for file in folder.disk.list(path)? {
            if file.extension() == Some(OsStr::new(PARTIAL)) {
                let _ = folder.disk.remove(&file);
            }
        }
        Ok(folder)
    }

    pub(crate) fn issuer(&self) -> IssuerId {
        self.issuer
    }

    /// The 160 bytes that name the snapshot that holds.
    pub(crate) fn state(&self) -> PathBuf {
        self.path.join(STATE)
    }

    /// The last head that the words agreed with.
    pub(crate) fn head(&self) -> PathBuf {
        self.path.join(HEAD)
    }

    /// The checkpoint whose snapshot is being loaded, or was not yet made the warm copy.
    pub(crate) fn checkpoint(&self) -> PathBuf {
        self.path.join(CHECKPOINT)
    }

    pub(crate) fn snapshot(&self, digest: SnapshotDigest) -> PathBuf {
        self.path.join(format!("{digest}.{SNAPSHOT}"))
    }

    /// A snapshot that is being written from the table.
    pub(crate) fn copy(&self) -> PathBuf {
        self.path.join(format!("copy.{PARTIAL}"))
    }

    /// A snapshot that is being fetched. Whatever else the fetching needs is in the same folder and goes with it.
    pub(crate) fn incoming(&self) -> PathBuf {
        self.path.join(INCOMING).join("fetched")
    }

    /// The sets that were applied after `after`.
    pub(crate) fn tail(&self, after: Sequence) -> PathBuf {
        self.path.join(format!("{TAIL}{after:020}{TAIL_END}"))
    }

    /// Every tail, by rising sequence.
    pub(crate) fn tails(&self) -> io::Result<Vec<(Sequence, PathBuf)>> {
        let mut tails: Vec<_> = self
            .disk
            .list(&self.path)?
            .into_iter()
            .filter_map(|path| Some((tail_after(&path)?, path)))
            .collect();
        tails.sort();
        Ok(tails)
    }

    /// Room for what is to be fetched, with nothing in it.
    pub(crate) fn empty_incoming(&self) -> io::Result<()> {
        let incoming = self.path.join(INCOMING);
        self.disk.remove_folder(&incoming)?;
        self.disk.create_folder(&incoming)
    }

    /// The snapshot that was fetched.
    pub(crate) fn fetched(&self) -> Result<Snapshot, SnapshotFault> {
        Snapshot::open_on(&*self.disk, &self.incoming())
    }

    /// Puts `bytes` in the place of `path`, which is one of this folder's: whole and durable, or not at all.
    pub(crate) fn put(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        PartialFile::write(&self.disk, path, bytes)
    }

    /// Makes names durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.disk.sync_folder(&self.path)
    }

    /// Takes in the snapshot that was fetched for this checkpoint. In this order: until its own checkpoint is in its
    /// place, what named the words that are served still does.
    pub(crate) fn take_in(&self, of: &Checkpoint) -> io::Result<()> {
        self.disk.rename(&self.incoming(), &self.snapshot(SnapshotDigest(of.snapshot)))?;
        self.put(&self.checkpoint(), &written(of))
    }

    /// A warm copy of `kept` is in place: removes the checkpoint and the tails that led there, and the snapshots that
    /// nothing names. What cannot be removed now is removed another time. Only the thread that follows does so, and
    /// nothing else is at work here meanwhile.
    pub(crate) fn tidy(&self, kept: Sequence) {
        if self.loading().is_some_and(|checkpoint| checkpoint.sequence <= kept) {
            // A restart passes over it, should it still be there.
            let _ = self.disk.remove(&self.checkpoint());
        }
        let Ok(files) = self.disk.list(&self.path) else { return };
        let named = [self.named_by_state(), self.named_by_checkpoint()];
        for file in files {
            let is_old_tail = tail_after(&file).is_some_and(|after| after < kept);
            let is_snapshot = file.extension() == Some(OsStr::new(SNAPSHOT));
            let is_unnamed = is_snapshot && !named.contains(&Some(file.clone()));
            if is_old_tail || is_unnamed {
                let _ = self.disk.remove(&file);
            }
        }
    }

    fn named_by_state(&self) -> Option<PathBuf> {
        let bytes = self.disk.read(&self.state(), WARM_BYTES + 1).ok()?;
        let (_, digest) = WarmCopy::open(&bytes, self.issuer).ok()?;
        Some(self.snapshot(digest))
    }

    fn named_by_checkpoint(&self) -> Option<PathBuf> {
        Some(self.snapshot(SnapshotDigest(self.loading()?.snapshot)))
    }

    fn loading(&self) -> Option<Checkpoint> {
        read(&self.disk.read(&self.checkpoint(), Checkpoint::BYTES + 1).ok()?).ok()
    }
}

fn tail_after(path: &Path) -> Option<Sequence> {
    let name = path.file_name()?.to_str()?;
    let digits = name.strip_prefix(TAIL)?.strip_suffix(TAIL_END)?;
    digits.parse().ok().map(Sequence)
}

/// The one encoding of a checkpoint that was read.
fn written(checkpoint: &Checkpoint) -> Vec<u8> {
    let mut bytes = vec![0; checkpoint.size()];
    checkpoint.write_to(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use std::fs;

    use hufu_wire::chain::{ChainDigest, Proposed};
    use hufu_wire::{KeyId, UnixMillis};

    use super::*;
    use crate::recorded::{Recorded, Step, named};

    const ISSUER: IssuerId = IssuerId(110_000);

    fn checkpoint() -> Checkpoint {
        Checkpoint {
            issuer: ISSUER,
            sequence: Sequence(7),
            made: UnixMillis(2),
            proposed: Proposed::from(UnixMillis(1)),
            local_key: KeyId([1; 8]),
            national_key: KeyId([2; 8]),
            digest: ChainDigest([3; 32]),
            snapshot: [4; 32],
            local_signature: [5; 64],
            national_signature: [6; 64],
        }
    }

    #[test]
    fn r22_what_is_put_is_on_the_disk_before_it_has_its_name() {
        let (home, disk) = (tempfile::tempdir().unwrap(), Recorded::default());
        let folder = Folder::open(disk.shared(), home.path(), ISSUER).unwrap();
        folder.put(&folder.state(), b"a state").unwrap();
        assert_eq!(disk.steps(), [Step::Written, Step::Synced, named("state"), Step::Folder]);
        assert_eq!(fs::read(folder.state()).unwrap(), b"a state");
    }

    #[test]
    fn r22_a_checkpoint_is_written_after_its_snapshot() {
        let (home, disk) = (tempfile::tempdir().unwrap(), Recorded::default());
        let folder = Folder::open(disk.shared(), home.path(), ISSUER).unwrap();
        // Nothing was fetched: the checkpoint would name words that are not there.
        assert!(folder.take_in(&checkpoint()).is_err());
        assert!(!folder.checkpoint().exists() && folder.loading().is_none());

        folder.empty_incoming().unwrap();
        fs::write(folder.incoming(), b"a snapshot").unwrap();
        disk.steps();
        folder.take_in(&checkpoint()).unwrap();
        let put = [Step::Written, Step::Synced, named("checkpoint"), Step::Folder];
        assert_eq!(disk.steps(), [&[named("snapshot")][..], &put].concat());
        assert_eq!(folder.loading(), Some(checkpoint()));
        let snapshot = folder.snapshot(SnapshotDigest([4; 32]));
        assert_eq!(fs::read(snapshot).unwrap(), b"a snapshot");
    }
}
