//! A file of records, front first: a gate's book, or what an engine has received of it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hufu_table::{Disk, DiskFile, PartialFile};

use crate::book::BookFault;
use crate::record::{Front, OfflineRecord};

/// Append-only. After a loss of power it may end in the middle of an append, which then was never told of: that end is
/// cut off.
#[derive(Debug)]
pub(crate) struct Volume {
    path: PathBuf,
    file: Box<dyn DiskFile>,
    pub(crate) front: Front,
    /// The counter of the next record.
    pub(crate) next: u64,
}

impl Volume {
    /// A new file with these records, whose counters are those from the front's on, in the place of whatever is there.
    pub(crate) fn begin(
        disk: &Arc<dyn Disk>,
        path: &Path,
        front: Front,
        records: &[OfflineRecord],
    ) -> io::Result<Volume> {
        let bytes = records.iter().flat_map(|record| record.to_bytes(front.book));
        let bytes: Vec<u8> = front.to_bytes().into_iter().chain(bytes).collect();
        PartialFile::write(disk, path, &bytes)?;
        let next = front.first + records.len() as u64;
        Ok(Volume { path: path.to_owned(), file: disk.open_to_write(path)?, front, next })
    }

    /// The file that is there; `None` where there is none. At most `append_max` records of it were appended at a time.
    pub(crate) fn open(
        disk: &Arc<dyn Disk>,
        path: &Path,
        append_max: u64,
    ) -> Result<Option<Volume>, BookFault> {
        let failed = |error| BookFault::Io { path: path.to_owned(), error };
        match disk.stamp(path) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        }
        let file = disk.open_to_write(path).map_err(failed)?;
        let mut bytes = [0; Front::BYTES];
        let filled = file.read_at(&mut bytes, 0).map_err(failed)?;
        let front = Front::from_bytes(&bytes).filter(|_| filled == bytes.len());
        // The front came into its place whole.
        let front = front.ok_or_else(|| BookFault::Damaged { path: path.to_owned(), at: 0 })?;
        let mut volume = Volume { path: path.to_owned(), file, front, next: front.first };
        volume.find_end(append_max)?;
        Ok(Some(volume))
    }

    /// Appends records with the counters from [`next`](Self::next) on, and waits until the disk has them. After an error
    /// the next ones take their place.
    pub(crate) fn append(&mut self, records: &[OfflineRecord]) -> io::Result<()> {
        let counters = records.iter().map(OfflineRecord::counter);
        if !counters.eq((self.next..).take(records.len())) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a record out of order"));
        }
        let bytes: Vec<u8> = records.iter().flat_map(|record| record.to_bytes(self.front.book)).collect();
        self.file.write_at(&bytes, self.place_of(self.next))?;
        self.file.sync()?;
        self.next += records.len() as u64;
        Ok(())
    }

    /// How many there are.
    pub(crate) fn records(&self) -> u64 {
        self.next - self.front.first
    }

    /// The record with this counter, `None` where there is none.
    pub(crate) fn record(&self, counter: u64) -> io::Result<Option<OfflineRecord>> {
        let mut bytes = [0; OfflineRecord::BYTES];
        let filled = self.file.read_at(&mut bytes, self.place_of(counter))?;
        let record = OfflineRecord::from_bytes(&bytes, self.front.book, counter);
        Ok(record.filter(|_| filled == bytes.len()))
    }

    /// Whether the disk never wrote the record with this counter.
    fn is_blank(&self, counter: u64) -> io::Result<bool> {
        let mut bytes = [0; OfflineRecord::BYTES];
        self.file.read_at(&mut bytes, self.place_of(counter))?;
        Ok(bytes == [0; OfflineRecord::BYTES])
    }

    fn place_of(&self, counter: u64) -> u64 {
        Front::BYTES as u64 + (counter - self.front.first) * OfflineRecord::BYTES as u64
    }

    /// Finds the last record that was written whole, and cuts off what is behind it.
    fn find_end(&mut self, append_max: u64) -> Result<(), BookFault> {
        let failed = |error| BookFault::Io { path: self.path.clone(), error };
        while self.record(self.next).map_err(failed)?.is_some() {
            self.next += 1;
        }
        let (end, bytes) = (self.place_of(self.next), self.file.bytes().map_err(failed)?);
        // Only what was appended last can be torn: all of it was on the disk before more was begun. Its blocks reach the
        // disk in any order, and one that did not is zero.
        let mut behind = self.next + 1;
        while self.place_of(behind) < bytes {
            let is_whole = self.record(behind).map_err(failed)?.is_some();
            if is_whole && (behind - self.next >= append_max || !self.is_blank(self.next).map_err(failed)?) {
                return Err(BookFault::Damaged { path: self.path.clone(), at: end });
            }
            behind += 1;
        }
        if bytes > end {
            self.file.set_len(end).and_then(|()| self.file.sync()).map_err(failed)?;
        }
        Ok(())
    }
}
