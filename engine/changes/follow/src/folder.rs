//! One issuer's folder on the engine's own disk, drawn in `docs/SYNC.md`.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use hufu_sync::{WARM_BYTES, WarmCopy};
use hufu_table::SnapshotDigest;
use hufu_wire::chain::Checkpoint;
use hufu_wire::{IssuerId, Message as _, Sequence, read};
use tempfile::NamedTempFile;

use crate::durable;

/// Where one issuer's words outlive a restart.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
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
    /// Makes it where it is missing, and removes what a killed engine left half written.
    pub(crate) fn open(path: &Path, issuer: IssuerId) -> io::Result<Folder> {
        fs::create_dir_all(path)?;
        let folder = Folder { issuer, path: path.to_owned() };
        // What cannot be removed only takes room: a disk that is full or read-only stops nobody.
        let _ = fs::remove_dir_all(path.join(INCOMING));
        for file in folder.files()? {
            if file.extension() == Some(OsStr::new(PARTIAL)) {
                let _ = fs::remove_file(file);
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
        let mut tails: Vec<_> =
            self.files()?.into_iter().filter_map(|path| Some((tail_after(&path)?, path))).collect();
        tails.sort();
        Ok(tails)
    }

    /// Room for what is to be fetched, with nothing in it.
    pub(crate) fn empty_incoming(&self) -> io::Result<()> {
        let incoming = self.path.join(INCOMING);
        match fs::remove_dir_all(&incoming) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        fs::create_dir(incoming)
    }

    /// Puts `bytes` in the place of `path`, which is one of this folder's: whole and durable, or not at all.
    pub(crate) fn put(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = self.temporary()?;
        file.write_all(bytes)?;
        durable::sync(file.as_file())?;
        file.persist(path).map_err(|fault| fault.error)?;
        durable::named(path);
        self.sync()
    }

    /// Makes names durable.
    pub(crate) fn sync(&self) -> io::Result<()> {
        durable::sync(&File::open(&self.path)?)
    }

    /// Takes in the snapshot that was fetched for this checkpoint. In this order: until its own checkpoint is in its
    /// place, whatever named the words that are served still does.
    pub(crate) fn take_in(&self, of: &Checkpoint) -> io::Result<()> {
        durable::rename(&self.incoming(), &self.snapshot(SnapshotDigest(of.snapshot)))?;
        self.put(&self.checkpoint(), &written(of))
    }

    /// Removes the tails that begin before `from` and the snapshots that nothing names. What cannot be removed now
    /// is removed another time. Only the thread that follows does so, and nothing else is at work here meanwhile.
    pub(crate) fn tidy(&self, from: Sequence) {
        let Ok(files) = self.files() else { return };
        let named = [self.named_by_state(), self.named_by_checkpoint()];
        for file in files {
            let is_old_tail = tail_after(&file).is_some_and(|after| after < from);
            let is_snapshot = file.extension() == Some(OsStr::new(SNAPSHOT));
            let is_unnamed = is_snapshot && !named.contains(&Some(file.clone()));
            if is_old_tail || is_unnamed {
                let _ = fs::remove_file(file);
            }
        }
    }

    /// A warm copy of `kept` is in place: what led there is needless.
    pub(crate) fn forget_before(&self, kept: Sequence) {
        if self.loading().is_some_and(|checkpoint| checkpoint.sequence <= kept) {
            // It is passed over at a restart, should it still be there.
            let _ = fs::remove_file(self.checkpoint());
        }
        self.tidy(kept);
    }

    fn named_by_state(&self) -> Option<PathBuf> {
        let bytes = fs::read(self.state()).ok().filter(|bytes| bytes.len() == WARM_BYTES)?;
        let (_, digest) = WarmCopy::open(&bytes, self.issuer).ok()?;
        Some(self.snapshot(digest))
    }

    fn named_by_checkpoint(&self) -> Option<PathBuf> {
        Some(self.snapshot(SnapshotDigest(self.loading()?.snapshot)))
    }

    fn loading(&self) -> Option<Checkpoint> {
        read(&fs::read(self.checkpoint()).ok()?).ok()
    }

    fn temporary(&self) -> io::Result<NamedTempFile> {
        tempfile::Builder::new().suffix(&format!(".{PARTIAL}")).tempfile_in(&self.path)
    }

    fn files(&self) -> io::Result<Vec<PathBuf>> {
        let entries = fs::read_dir(&self.path)?.collect::<Result<Vec<_>, _>>()?;
        Ok(entries.into_iter().map(|entry| entry.path()).filter(|path| !path.is_dir()).collect())
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
    use hufu_wire::chain::{ChainDigest, Proposed};
    use hufu_wire::{KeyId, UnixMillis};

    use super::*;
    use crate::durable::tests::{Step, name, steps};

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
        let home = tempfile::tempdir().unwrap();
        let folder = Folder::open(home.path(), ISSUER).unwrap();
        let (put, steps) = steps(|| folder.put(&folder.state(), b"a state"));
        put.unwrap();
        assert_eq!(steps, [Step::File, name("state"), Step::Folder]);
        assert_eq!(fs::read(folder.state()).unwrap(), b"a state");
    }

    #[test]
    fn r22_a_checkpoint_is_written_after_its_snapshot() {
        let home = tempfile::tempdir().unwrap();
        let folder = Folder::open(home.path(), ISSUER).unwrap();
        // Nothing was fetched: the checkpoint would name words that are not there.
        assert!(folder.take_in(&checkpoint()).is_err());
        assert!(!folder.checkpoint().exists() && folder.loading().is_none());

        folder.empty_incoming().unwrap();
        fs::write(folder.incoming(), b"a snapshot").unwrap();
        let (taken, steps) = steps(|| folder.take_in(&checkpoint()));
        taken.unwrap();
        assert_eq!(steps, [name("snapshot"), Step::File, name("checkpoint"), Step::Folder]);
        assert_eq!(folder.loading(), Some(checkpoint()));
        let snapshot = folder.snapshot(SnapshotDigest([4; 32]));
        assert_eq!(fs::read(snapshot).unwrap(), b"a snapshot");
    }
}
