//! Reading a segment from front to back: the whole blocks that follow each other, and why they end.

use std::io;

use hufu_table::DiskFile;

use crate::block::{ALIGNED, AROUND_BYTES, BLOCK_BYTES_MAX, Header, Link, Place, Whole, whole};
use crate::row::Row;
use crate::segment::SegmentHeader;

/// Where the blocks of a segment end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// The number of the record that would come next.
    pub(crate) next: u64,
    /// The digest of the last whole block.
    pub(crate) link: Link,
    /// Whole blocks.
    pub(crate) blocks: u32,
    /// Where they end, bytes from the front.
    pub(crate) at: u64,
    /// A whole block lies further back which says that what is missing here was durable: not the end of what was
    /// written, but damage.
    pub(crate) damaged: bool,
}

/// The header of a segment; `None` for a file that has none, or not a whole one.
pub(crate) fn header(file: &dyn DiskFile) -> io::Result<Option<SegmentHeader>> {
    let mut bytes = [0; SegmentHeader::BYTES];
    let read = file.read_at(&mut bytes, 0)?;
    Ok(if read == bytes.len() { SegmentHeader::from_bytes(&bytes) } else { None })
}

/// Reads every block that follows, and hands it with its place to `each`.
pub(crate) fn blocks(
    file: &dyn DiskFile,
    header: &SegmentHeader,
    mut each: impl FnMut(Place, &Whole<'_>) -> io::Result<()>,
) -> io::Result<End> {
    let start = SegmentHeader::ROOM_BYTES;
    let mut end = End { next: header.first, link: header.before, blocks: 0, at: start, damaged: false };
    let mut window = Window::new(file);
    while let Some(block) = whole(&header.salt, window.at(end.at)?) {
        if block.header.before != end.link || block.header.first != end.next {
            break;
        }
        each(Place { segment: header.number, block: end.blocks }, &block)?;
        end.next = block.header.end();
        end.link = block.link;
        end.at += block.header.step_bytes();
        end.blocks += 1;
    }
    end.damaged = durable_beyond(&mut window, header, &end)?;
    Ok(end)
}

/// Whether a whole block behind `end` says that the records at `end` were durable before it was written. After a loss
/// of power such a block cannot be: what was not durable may be missing, whatever lies behind it.
fn durable_beyond(window: &mut Window<'_>, header: &SegmentHeader, end: &End) -> io::Result<bool> {
    let size = window.file.bytes()?;
    // No more records than fit behind it.
    let last = end.next.saturating_add(size / Row::BYTES as u64);
    let mut at = end.at;
    while at + AROUND_BYTES as u64 <= size {
        let bytes = window.at(at)?;
        let plausible = Header::at_start_of(bytes)
            .is_some_and(|found| (end.next..=last).contains(&found.first) && found.synced > end.next);
        if plausible && whole(&header.salt, bytes).is_some() {
            return Ok(true);
        }
        at += ALIGNED as u64;
    }
    Ok(false)
}

/// A part of a file in memory.
struct Window<'f> {
    file: &'f dyn DiskFile,
    at: u64,
    bytes: Vec<u8>,
    /// Nothing of the file lies behind it.
    is_last: bool,
}

const WINDOW_BYTES: usize = 4 * BLOCK_BYTES_MAX;

impl<'f> Window<'f> {
    fn new(file: &'f dyn DiskFile) -> Window<'f> {
        Window { file, at: 0, bytes: Vec::new(), is_last: false }
    }

    /// What stands from `at` on: at least a block's length, less only at the end of the file.
    fn at(&mut self, at: u64) -> io::Result<&[u8]> {
        let inside = |window: &Self| {
            at.checked_sub(window.at)
                .and_then(|offset| usize::try_from(offset).ok())
                .filter(|offset| *offset <= window.bytes.len())
        };
        let enough =
            inside(self).is_some_and(|offset| self.is_last || self.bytes.len() - offset >= BLOCK_BYTES_MAX);
        if !enough {
            self.bytes.resize(WINDOW_BYTES, 0);
            let read = self.file.read_at(&mut self.bytes, at)?;
            self.bytes.truncate(read);
            (self.at, self.is_last) = (at, read < WINDOW_BYTES);
        }
        Ok(&self.bytes[inside(self).unwrap_or(self.bytes.len())..])
    }
}
