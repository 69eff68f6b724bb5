//! Reads and checks the words of a snapshot before any of them is visible.

use std::num::NonZero;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use zerocopy::IntoBytes;

use super::fault::SnapshotFaultKind::{self, Damaged};
use super::read_at::read_at;
use crate::budget::Reservation;
use crate::disk::DiskFile;
use crate::fault::TableFault;
use crate::segment::{SEGMENT_BYTES, SEGMENT_WORDS, Segment, Words};
use crate::writer::Writer;

/// Words of one segment in the file.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) segment: usize,
    pub(super) words: usize,
    pub(super) at: u64,
    pub(super) digest: blake3::Hash,
}

/// A segment that was read and checked, ready to be made visible.
pub(super) struct Staged {
    pub(super) segment: usize,
    pub(super) content: Content,
    /// Accounts for the memory of the content.
    pub(super) room: Reservation,
}

pub(super) enum Content {
    /// All words, in memory that can become the table's own.
    Whole(Segment),
    /// The words that differ from those in the table.
    Changes(Box<[Change]>),
}

/// One word of a segment and what it shall be.
pub(super) struct Change {
    pub(super) word: u32,
    pub(super) bits: u64,
}

/// Every segment of a file, checked, in the order of the file.
pub(super) struct StagedFile {
    pub(super) segments: Vec<Staged>,
    pub(super) holders: u64,
}

/// One thread waits for the disk while another computes digests; a third finds nothing left to do.
const THREADS_MAX: usize = 2;

/// Above this many changed words a segment is cheaper to keep whole.
const CHANGES_MAX: usize = SEGMENT_WORDS / 8;

pub(super) fn stage(
    file: &dyn DiskFile,
    pieces: &[Piece],
    writer: &Writer,
) -> Result<StagedFile, SnapshotFaultKind> {
    let work = Work {
        file,
        pieces,
        writer,
        next: AtomicUsize::new(0),
        stop: AtomicBool::new(false),
        #[cfg(feature = "planted")]
        unchecked: hufu_wire::planted::has(hufu_wire::planted::Bug::SnapshotUnchecked),
    };
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(THREADS_MAX);
    file.will_be_read_in_order();
    let parts: Vec<Result<StagedFile, SnapshotFaultKind>> = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(|| work.run())).collect();
        let ours = work.run();
        others
            .into_iter()
            .map(|other| other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .chain([ours])
            .collect()
    });
    let mut whole = StagedFile { segments: Vec::with_capacity(pieces.len()), holders: 0 };
    for part in parts {
        let part = part?;
        whole.segments.extend(part.segments);
        whole.holders += part.holders;
    }
    whole.segments.sort_unstable_by_key(|staged| staged.segment);
    Ok(whole)
}

struct Work<'a> {
    file: &'a dyn DiskFile,
    pieces: &'a [Piece],
    writer: &'a Writer,
    next: AtomicUsize,
    stop: AtomicBool,
    #[cfg(feature = "planted")]
    unchecked: bool,
}

impl Work<'_> {
    /// Takes pieces until there are none left or another thread failed.
    fn run(&self) -> Result<StagedFile, SnapshotFaultKind> {
        let mut staged = StagedFile { segments: Vec::new(), holders: 0 };
        let mut scratch = None;
        // Relaxed: the counter only deals out numbers, and a late stop costs one segment of work.
        while !self.stop.load(Ordering::Relaxed) {
            let Some(piece) = self.pieces.get(self.next.fetch_add(1, Ordering::Relaxed)) else { break };
            let result = self.stage_piece(piece, &mut scratch, &mut staged.holders);
            staged.segments.push(result.inspect_err(|_| self.stop.store(true, Ordering::Relaxed))?);
        }
        Ok(staged)
    }

    fn stage_piece(
        &self,
        piece: &Piece,
        scratch: &mut Option<Segment>,
        holders: &mut u64,
    ) -> Result<Staged, SnapshotFaultKind> {
        let (mut segment, used) = match scratch.take() {
            Some(segment) => (segment, true),
            None => (Segment::unknown().map_err(TableFault::NoMemory)?, false),
        };
        let (words, rest) = segment.plain_mut().split_at_mut(piece.words);
        if used {
            rest.fill(0);
        }
        read_at(self.file, words.as_mut_bytes(), piece.at)?;
        // The words are here now; a second copy in the page cache would only compete for huge pages.
        self.file.is_done_with(piece.at, words.len() as u64 * 8);
        let is_as_said = blake3::hash(words.as_bytes()) == piece.digest;
        #[cfg(feature = "planted")]
        let is_as_said = is_as_said || self.unchecked;
        if !is_as_said {
            return Err(Damaged { what: "the digest of a segment differs" });
        }
        for word in &mut *words {
            *word = u64::from_le(*word);
        }
        if words.last() == Some(&0) {
            return Err(Damaged { what: "a segment is longer than its last holder" });
        }
        *holders += words.iter().filter(|&&word| word != 0).count() as u64;

        let changes = self.writer.directory()[piece.segment]
            .get()
            .and_then(|held| differences(held, segment.plain_mut()));
        if let Some(changes) = changes {
            *scratch = Some(segment);
            let room = self.writer.reserve(size_of_val::<[Change]>(&changes) as u64)?;
            return Ok(Staged { segment: piece.segment, content: Content::Changes(changes), room });
        }
        let room = self.writer.reserve(SEGMENT_BYTES as u64)?;
        Ok(Staged { segment: piece.segment, content: Content::Whole(segment), room })
    }
}

/// The words that differ, `None` when they are too many. `held` does not change meanwhile: its writer is ours.
fn differences(held: &Words, wanted: &[u64; SEGMENT_WORDS]) -> Option<Box<[Change]>> {
    let mut changes = Vec::new();
    for ((word, held), &bits) in (0..).zip(held.iter()).zip(wanted) {
        // Relaxed: written by this writer, or before it was handed on.
        if held.load(Ordering::Relaxed) != bits {
            if changes.len() == CHANGES_MAX {
                return None;
            }
            changes.push(Change { word, bits });
        }
    }
    Some(changes.into_boxed_slice())
}
