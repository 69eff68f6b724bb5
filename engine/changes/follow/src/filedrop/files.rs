//! What is in the folder, what of it is whole, and what of it was delivered already.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hufu_table::{Disk, Stamp};
use hufu_wire::chain::{ChangeSet, Checkpoint, Head};
use hufu_wire::limits::CHANGE_SET_BYTES_MAX;
use hufu_wire::{Sequence, read};
use tokio::time::Instant;

/// The folder and what was seen in it.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) folder: PathBuf,
    seen: HashMap<PathBuf, Seen>,
}

#[derive(Debug)]
struct Seen {
    stamp: Stamp,
    since: Instant,
    is_delivered: bool,
}

/// What a folder holds, by name alone.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) sets: Vec<Sequence>,
    pub(super) heads: Vec<PathBuf>,
    pub(super) checkpoints: Vec<PathBuf>,
}

/// A file that cannot be read as what it is named, and stays as it is for so long, is not being copied: it is
/// delivered as it is, so that the follower refuses it and the log says so.
const SETTLED: Duration = Duration::from_secs(10);

/// As many as are looked at together, however many there are. The next set is found without a listing.
const NAMES_MAX: usize = 1 << 14;

impl Listing {
    fn names(&self) -> usize {
        self.sets.len() + self.heads.len() + self.checkpoints.len()
    }
}

impl Files {
    pub(super) fn new(disk: Arc<dyn Disk>, folder: PathBuf) -> Files {
        Files { disk, folder, seen: HashMap::new() }
    }

    /// Everything is delivered again.
    pub(super) fn forget(&mut self) {
        self.seen.clear();
    }

    /// The sets from `from` on, the heads and the checkpoints.
    pub(super) fn list(&self, from: Sequence) -> io::Result<Listing> {
        let mut listing = Listing::default();
        for path in self.disk.list(&self.folder)? {
            match path.extension().and_then(|end| end.to_str()) {
                Some("set") => listing.sets.extend(sequence_of(&path).filter(|set| *set >= from)),
                Some("head") => listing.heads.push(path),
                Some("checkpoint") => listing.checkpoints.push(path),
                _ => {}
            }
            if listing.names() >= NAMES_MAX {
                break;
            }
        }
        listing.sets.sort_unstable();
        listing.heads.sort_unstable();
        listing.checkpoints.sort_unstable();
        Ok(listing)
    }

    pub(super) fn set(&self, sequence: Sequence) -> PathBuf {
        self.folder.join(set_name(sequence))
    }

    /// The set in this file, if it is whole and was not delivered as it is.
    pub(super) fn new_set(&mut self, sequence: Sequence, now: Instant) -> Option<Bytes> {
        self.fresh(&self.set(sequence), now, CHANGE_SET_BYTES_MAX, |bytes| {
            read::<ChangeSet<'_>>(bytes).is_ok()
        })
    }

    /// As [`new_set`](Self::new_set).
    pub(super) fn new_head(&mut self, path: &Path, now: Instant) -> Option<Bytes> {
        self.fresh(path, now, Head::BYTES, |bytes| read::<Head>(bytes).is_ok())
    }

    /// As [`new_set`](Self::new_set).
    pub(super) fn new_checkpoint(&mut self, path: &Path, now: Instant) -> Option<Bytes> {
        self.fresh(path, now, Checkpoint::BYTES, |bytes| read::<Checkpoint>(bytes).is_ok())
    }

    /// A set that was delivered and written again since: it may have been half copied. The first of them.
    pub(super) fn written_again(&self, sets: &[Sequence]) -> Option<Sequence> {
        let is_other = |sequence: &Sequence| {
            let path = self.set(*sequence);
            let seen = self.seen.get(&path).filter(|seen| seen.is_delivered);
            seen.is_some_and(|seen| self.disk.stamp(&path).is_ok_and(|stamp| stamp != seen.stamp))
        };
        sets.iter().copied().find(is_other)
    }

    /// Whether the set was delivered, as it is or as it was before it was written again.
    pub(super) fn is_delivered(&self, sequence: Sequence) -> bool {
        self.seen.get(&self.set(sequence)).is_some_and(|seen| seen.is_delivered)
    }

    /// The set is delivered again.
    pub(super) fn forget_set(&mut self, sequence: Sequence) {
        self.seen.remove(&self.set(sequence));
    }

    /// What is applied need not be watched any more.
    pub(super) fn forget_sets_before(&mut self, sequence: Sequence) {
        self.seen.retain(|path, _| sequence_of(path).is_none_or(|set| set >= sequence));
    }

    /// Heads and checkpoints that are no longer here need not be remembered: each may have a name of its own.
    pub(super) fn forget_missing(&mut self, listing: &Listing) {
        self.seen.retain(|path, _| {
            sequence_of(path).is_some()
                || listing.heads.binary_search(path).is_ok()
                || listing.checkpoints.binary_search(path).is_ok()
        });
    }

    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.seen.len()
    }

    fn fresh(
        &mut self,
        path: &Path,
        now: Instant,
        bytes_max: usize,
        is_whole: impl Fn(&[u8]) -> bool,
    ) -> Option<Bytes> {
        let stamp = self.disk.stamp(path).ok()?;
        let seen = self.seen.get(path).filter(|seen| seen.stamp == stamp);
        if seen.is_some_and(|seen| seen.is_delivered) {
            return None;
        }
        let since = seen.map_or(now, |seen| seen.since);
        // One byte more than the longest: what is longer is refused as too long.
        let bytes = self.disk.read(path, bytes_max + 1).ok()?;
        let is_delivered = is_whole(&bytes) || now - since >= SETTLED;
        self.seen.insert(path.to_owned(), Seen { stamp, since, is_delivered });
        is_delivered.then(|| bytes.into())
    }
}

/// The name of the file with this set.
pub(super) fn set_name(sequence: Sequence) -> String {
    format!("{sequence:020}.set")
}

fn sequence_of(path: &Path) -> Option<Sequence> {
    let digits = path.file_name()?.to_str()?.strip_suffix(".set")?;
    let is_ours = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_ours { digits.parse().ok().map(Sequence) } else { None }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use hufu_table::OsDisk;

    use super::*;

    #[test]
    fn a_folder_that_somebody_fills_is_looked_at_in_part() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..NAMES_MAX + 100 {
            let name = if number < 100 { format!("{number:020}.set") } else { format!("{number}.head") };
            File::create(folder.path().join(name)).unwrap();
        }
        let files = Files::new(OsDisk::shared(), folder.path().to_owned());
        assert_eq!(files.list(Sequence(0)).unwrap().names(), NAMES_MAX);
        assert!(files.list(Sequence(98)).unwrap().sets.len() <= 2);
    }
}
