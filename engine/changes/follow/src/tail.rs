//! The sets that were applied since the last warm copy, on the engine's own disk: killed at any instant, an engine
//! forgets nothing that it has served.
//!
//! Written to the page cache and not forced to the disk, so that it costs no waiting: it outlives the process, and
//! of what a power cut takes the chain itself has a copy. `docs/SYNC.md` draws the file.

use std::io::{self, ErrorKind};
use std::ops::ControlFlow;
use std::path::Path;

use hufu_table::{Disk, DiskFile};
use hufu_wire::limits::CHANGE_SET_BYTES_MAX;
use hufu_wire::{IssuerId, Sequence};

use crate::folder::Folder;

/// Appends sets to the newest file.
#[derive(Debug)]
pub(crate) struct Tail {
    folder: Folder,
    after: Sequence,
    state: State,
    record: Vec<u8>,
}

#[derive(Debug)]
enum State {
    /// The file is made with its first set.
    Fresh,
    Open {
        file: Box<dyn DiskFile>,
        bytes: u64,
    },
    /// A set is missing: none after it would be of use.
    Broken,
}

/// Why a replay ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Every record was read.
    Whole,
    /// The last one is cut off: the engine was killed while it was written, before it was applied.
    Torn,
    /// Something else than what is written.
    Damaged,
    /// The caller had enough.
    Left,
}

const MAGIC: [u8; 8] = *b"HUFUTAIL";
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 24;
/// Length, then the beginning of a BLAKE3 digest.
const RECORD_BYTES: usize = 12;

impl Tail {
    /// A tail of sets after `after`.
    pub(crate) fn new(folder: Folder, after: Sequence) -> Tail {
        Tail { folder, after, state: State::Fresh, record: Vec::new() }
    }

    /// Goes on in a file of its own: a warm copy of `after` is on its way, and makes those before it needless.
    pub(crate) fn begin(&mut self, after: Sequence) {
        if after != self.after || matches!(self.state, State::Broken) {
            (self.after, self.state) = (after, State::Fresh);
        }
    }

    /// Appends the set that is about to be applied.
    ///
    /// # Errors
    /// The disk's, once; what was written of the set is taken back, and nothing more is appended until
    /// [`begin`](Self::begin).
    pub(crate) fn append(&mut self, set: &[u8]) -> io::Result<()> {
        let appended = match &self.state {
            State::Broken => return Ok(()),
            State::Open { .. } => self.write(set),
            State::Fresh => self.create().and_then(|()| self.write(set)),
        };
        if appended.is_err() {
            if let State::Open { file, bytes } = &self.state {
                // A torn record at the end is as good.
                let _ = file.set_len(*bytes);
            }
            self.state = State::Broken;
        }
        appended
    }

    fn create(&mut self) -> io::Result<()> {
        let file = self.folder.disk.open_to_write(&self.folder.tail(self.after))?;
        // A file of this name has nothing that could be replayed, or the words would be further on.
        file.set_len(0)?;
        file.write_at(&header(self.folder.issuer(), self.after), 0)?;
        self.state = State::Open { file, bytes: HEADER_BYTES as u64 };
        Ok(())
    }

    fn write(&mut self, set: &[u8]) -> io::Result<()> {
        let State::Open { file, bytes } = &mut self.state else { return Ok(()) };
        let length = u32::try_from(set.len()).map_err(|_| ErrorKind::InvalidInput)?;
        self.record.clear();
        self.record.extend_from_slice(&length.to_le_bytes());
        self.record.extend_from_slice(&check(set));
        self.record.extend_from_slice(set);
        file.write_at(&self.record, *bytes)?;
        *bytes += self.record.len() as u64;
        Ok(())
    }
}

/// Gives every set in the file to `take`, in order, until it breaks.
///
/// # Errors
/// Those of reading the file.
pub(crate) fn replay(
    disk: &dyn Disk,
    path: &Path,
    issuer: IssuerId,
    after: Sequence,
    mut take: impl FnMut(&[u8]) -> ControlFlow<()>,
) -> io::Result<End> {
    let file = disk.open(path)?;
    let mut found = [0; HEADER_BYTES];
    match file.read_at(&mut found, 0)? {
        HEADER_BYTES if found == header(issuer, after) => {}
        HEADER_BYTES => return Ok(End::Damaged),
        _ => return Ok(End::Torn),
    }
    let (mut at, mut set) = (HEADER_BYTES as u64, Vec::new());
    loop {
        let mut record = [0; RECORD_BYTES];
        match file.read_at(&mut record, at)? {
            0 => return Ok(End::Whole),
            RECORD_BYTES => {}
            _ => return Ok(End::Torn),
        }
        let (length, wanted) = record.split_at(4);
        let length = length.iter().rev().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        if length > CHANGE_SET_BYTES_MAX {
            return Ok(End::Damaged);
        }
        set.resize(length, 0);
        if file.read_at(&mut set, at + RECORD_BYTES as u64)? < length {
            return Ok(End::Torn);
        }
        if check(&set) != *wanted {
            return Ok(End::Damaged);
        }
        if take(&set).is_break() {
            return Ok(End::Left);
        }
        at += (RECORD_BYTES + length) as u64;
    }
}

fn header(issuer: IssuerId, after: Sequence) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(&MAGIC);
    header[8..12].copy_from_slice(&VERSION.to_le_bytes());
    header[12..16].copy_from_slice(&issuer.0.to_le_bytes());
    header[16..].copy_from_slice(&after.0.to_le_bytes());
    header
}

/// Tells damage from a whole record. What the record says is proven by its signatures.
fn check(set: &[u8]) -> [u8; 8] {
    let mut check = [0; 8];
    check.copy_from_slice(&blake3::hash(set).as_bytes()[..8]);
    check
}

#[cfg(test)]
mod tests {
    use std::fs;

    use hufu_table::OsDisk;

    use super::*;

    const ISSUER: IssuerId = IssuerId(110_000);
    const AFTER: Sequence = Sequence(7);

    fn written(sets: &[&[u8]]) -> (tempfile::TempDir, std::path::PathBuf) {
        let home = tempfile::tempdir().unwrap();
        let folder = Folder::open(OsDisk::shared(), home.path(), ISSUER).unwrap();
        let mut tail = Tail::new(folder.clone(), AFTER);
        for set in sets {
            tail.append(set).unwrap();
        }
        (home, folder.tail(AFTER))
    }

    fn read(path: &Path) -> (Vec<Vec<u8>>, End) {
        let mut sets = Vec::new();
        let end = replay(&OsDisk, path, ISSUER, AFTER, |set| {
            sets.push(set.to_vec());
            ControlFlow::Continue(())
        });
        (sets, end.unwrap())
    }

    #[test]
    fn what_was_appended_is_replayed_and_what_is_cut_ends_it() {
        let sets: [&[u8]; 3] = [b"the first", b"", b"the third one"];
        let (_home, path) = written(&sets);
        assert_eq!(read(&path), (sets.map(<[u8]>::to_vec).to_vec(), End::Whole));
        let bytes = fs::read(&path).unwrap();
        for length in 0..bytes.len() {
            fs::write(&path, &bytes[..length]).unwrap();
            let (found, end) = read(&path);
            assert!(found.len() < 3 && found.iter().zip(sets).all(|(found, set)| found == set), "{length}");
            let between = [24, 24 + 12 + 9, 24 + 12 + 9 + 12].contains(&length);
            assert_eq!(end, if between { End::Whole } else { End::Torn }, "cut to {length}");
        }
    }

    #[test]
    fn r22_a_set_that_was_not_written_leaves_no_gap() {
        let home = tempfile::tempdir().unwrap();
        let folder = Folder::open(OsDisk::shared(), home.path(), ISSUER).unwrap();
        let path = folder.tail(AFTER);
        let mut tail = Tail::new(folder.clone(), AFTER);
        tail.append(b"the first").unwrap();
        // A disk that takes no more: a file that may only be read.
        let State::Open { file, .. } = &mut tail.state else { panic!("it has a set") };
        *file = OsDisk.open(&path).unwrap();
        assert!(tail.append(b"the second").is_err(), "reported once");
        // The third would be applied after the first at a restart.
        tail.append(b"the third").unwrap();
        assert!(matches!(tail.state, State::Broken));
        assert_eq!(read(&path), (vec![b"the first".to_vec()], End::Whole));
        // A warm copy holds what is missing: a tail of its own begins with it.
        tail.begin(AFTER);
        tail.append(b"the fourth").unwrap();
        assert_eq!(read(&path), (vec![b"the fourth".to_vec()], End::Whole));
    }

    #[test]
    fn r22_the_next_set_belongs_where_the_last_one_ends_and_a_blocked_file_is_told() {
        let (_home, path) = written(&[b"the first"]);
        let home = tempfile::tempdir().unwrap();
        let folder = Folder::open(OsDisk::shared(), home.path(), ISSUER).unwrap();
        let mut tail = Tail::new(folder.clone(), AFTER);
        tail.append(b"the first").unwrap();
        let State::Open { bytes, .. } = tail.state else { panic!("it has a set") };
        assert_eq!(bytes, fs::metadata(&path).unwrap().len(), "where the next set begins");
        // A folder is in the way of the file: the error is the caller's to tell.
        let mut blocked = Tail::new(folder.clone(), Sequence(8));
        fs::create_dir(folder.tail(Sequence(8))).unwrap();
        assert!(blocked.append(b"the second").is_err() && matches!(blocked.state, State::Broken));
    }

    #[test]
    fn a_flipped_bit_ends_it_there() {
        let (_home, path) = written(&[b"the first", b"the second"]);
        let bytes = fs::read(&path).unwrap();
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            fs::write(&path, &damaged).unwrap();
            let (found, end) = read(&path);
            assert!(matches!(end, End::Damaged | End::Torn), "byte {at}: {end:?}");
            assert_eq!(found.len(), usize::from(at >= 24 + 12 + 9), "byte {at}");
        }
    }
}
