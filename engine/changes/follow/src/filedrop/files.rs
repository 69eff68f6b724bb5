//! What is in the folder, what of it is whole, and what of it was delivered already.

use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use hufu_wire::chain::{ChangeSet, Checkpoint, Head};
use hufu_wire::limits::CHANGE_SET_BYTES_MAX;
use hufu_wire::{Sequence, read};
use tokio::time::Instant;

/// The folder and what was seen in it.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) folder: PathBuf,
    seen: HashMap<PathBuf, Seen>,
}

#[derive(Debug)]
struct Seen {
    print: Print,
    since: Instant,
    is_delivered: bool,
}

/// A file that is written again has another one, unless it is written again within the clock's tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Print {
    bytes: u64,
    modified: Option<SystemTime>,
    file: u64,
}

/// What a folder holds, by name alone.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) sets: Vec<Sequence>,
    pub(super) heads: Vec<PathBuf>,
    pub(super) checkpoints: Vec<PathBuf>,
}

/// A file that cannot be read as what it is named, and stays as it is for so long, is not being copied: it is
/// delivered as it is, so that the follower's refusal is told.
const SETTLED: Duration = Duration::from_secs(10);

/// As many as are looked at together, whatever somebody has put there. The next set is found without a listing.
const NAMES_MAX: usize = 1 << 14;

impl Listing {
    fn names(&self) -> usize {
        self.sets.len() + self.heads.len() + self.checkpoints.len()
    }
}

impl Files {
    pub(super) fn new(folder: PathBuf) -> Files {
        Files { folder, seen: HashMap::new() }
    }

    /// Everything is delivered anew.
    pub(super) fn forget(&mut self) {
        self.seen.clear();
    }

    /// The sets from `from` on, the heads and the checkpoints.
    pub(super) fn list(&self, from: Sequence) -> io::Result<Listing> {
        let mut listing = Listing::default();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
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
    pub(super) fn new_set(&mut self, sequence: Sequence) -> Option<Bytes> {
        self.fresh(&self.set(sequence), CHANGE_SET_BYTES_MAX, |bytes| read::<ChangeSet<'_>>(bytes).is_ok())
    }

    /// As [`new_set`](Self::new_set).
    pub(super) fn new_head(&mut self, path: &Path) -> Option<Bytes> {
        self.fresh(path, Head::BYTES, |bytes| read::<Head>(bytes).is_ok())
    }

    /// As [`new_set`](Self::new_set).
    pub(super) fn new_checkpoint(&mut self, path: &Path) -> Option<Bytes> {
        self.fresh(path, Checkpoint::BYTES, |bytes| read::<Checkpoint>(bytes).is_ok())
    }

    /// A set that was delivered and written again since: it may have been half copied. The first of them.
    pub(super) fn written_again(&self, sets: &[Sequence]) -> Option<Sequence> {
        let is_other = |sequence: &Sequence| {
            let path = self.set(*sequence);
            let seen = self.seen.get(&path).filter(|seen| seen.is_delivered);
            seen.is_some_and(|seen| print(&path).is_some_and(|print| print != seen.print))
        };
        sets.iter().copied().find(is_other)
    }

    /// Whether the set was delivered, as it is or as it was before it was written again.
    pub(super) fn is_delivered(&self, sequence: Sequence) -> bool {
        self.seen.get(&self.set(sequence)).is_some_and(|seen| seen.is_delivered)
    }

    /// The set is delivered anew.
    pub(super) fn forget_set(&mut self, sequence: Sequence) {
        self.seen.remove(&self.set(sequence));
    }

    /// What is applied need not be watched any more.
    pub(super) fn forget_sets_before(&mut self, sequence: Sequence) {
        self.seen.retain(|path, _| sequence_of(path).is_none_or(|set| set >= sequence));
    }

    fn fresh(&mut self, path: &Path, bytes_max: usize, is_whole: impl Fn(&[u8]) -> bool) -> Option<Bytes> {
        let print = print(path)?;
        let seen = self.seen.get(path).filter(|seen| seen.print == print);
        if seen.is_some_and(|seen| seen.is_delivered) {
            return None;
        }
        let since = seen.map_or_else(Instant::now, |seen| seen.since);
        let bytes = content(path, bytes_max).ok()?;
        let is_delivered = is_whole(&bytes) || since.elapsed() >= SETTLED;
        self.seen.insert(path.to_owned(), Seen { print, since, is_delivered });
        is_delivered.then(|| bytes.into())
    }
}

/// The name of the file with this set.
pub(super) fn set_name(sequence: Sequence) -> String {
    format!("{sequence:020}.set")
}

/// At most one byte more than the longest that is read: what is longer is refused as too long.
pub(super) fn content(path: &Path, bytes_max: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(bytes_max as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn sequence_of(path: &Path) -> Option<Sequence> {
    let digits = path.file_name()?.to_str()?.strip_suffix(".set")?;
    let is_ours = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_ours { digits.parse().ok().map(Sequence) } else { None }
}

/// `None` where there is no file to be read: nothing, a folder, a pipe.
fn print(path: &Path) -> Option<Print> {
    let metadata = fs::metadata(path).ok().filter(Metadata::is_file)?;
    #[cfg(unix)]
    let file = std::os::unix::fs::MetadataExt::ino(&metadata);
    #[cfg(not(unix))]
    let file = 0;
    Some(Print { bytes: metadata.len(), modified: metadata.modified().ok(), file })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_somebody_fills_is_looked_at_in_part() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..NAMES_MAX + 100 {
            let name = if number < 100 { format!("{number:020}.set") } else { format!("{number}.head") };
            File::create(folder.path().join(name)).unwrap();
        }
        let files = Files::new(folder.path().to_owned());
        assert_eq!(files.list(Sequence(0)).unwrap().names(), NAMES_MAX);
        assert!(files.list(Sequence(98)).unwrap().sets.len() <= 2);
    }
}
