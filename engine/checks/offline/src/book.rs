//! The records of a gate without a network, on its own disk until an engine has them.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hufu_table::{Disk, DiskFile, PartialFile};
use hufu_wire::DeviceId;

use crate::record::{BookId, Front, Handover, OfflineRecord};

/// Most records of one book: 64 MB, a week of a gate with a check every half second.
pub const BOOK_RECORDS_MAX: u64 = 1 << 20;

/// An append-only file of records. A record is on the disk before its verdict is given.
///
/// After a loss of power the file may end in the middle of a record, whose verdict was never given: that end is cut off.
#[derive(Debug)]
pub struct Book {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    file: Box<dyn DiskFile>,
    front: Front,
    /// The counter of the next record.
    next: u64,
    /// The counter of the first one that no engine is known to have.
    kept_from: u64,
    records_max: u64,
}

/// Why there is no book to write to. Without one nothing is decided.
#[derive(Debug, thiserror::Error)]
pub enum BookFault {
    /// The disk's.
    #[error("records of checks without a network, {}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A byte was changed in the middle. Keep the file for the operator, and remove it from its place: the gate begins
    /// another book then.
    #[error(
        "records of checks without a network, {}: damaged at byte {at}, with records behind it; move the file away and \
         hand it to the operator",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where.
        at: u64,
    },
    /// Of another device.
    #[error("records of checks without a network, {}: of device {found}", path.display())]
    AnotherDevice {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        found: DeviceId,
    },
}

impl Book {
    /// Opens the book of `device` at `path`, or begins one with the id `fresh`, which is random. It holds at most
    /// `records_max` records.
    ///
    /// # Errors
    /// [`BookFault`].
    pub fn open(
        disk: &Arc<dyn Disk>,
        path: &Path,
        device: DeviceId,
        fresh: BookId,
        records_max: u64,
    ) -> Result<Book, BookFault> {
        let failed = |error| BookFault::Io { path: path.to_owned(), error };
        match disk.stamp(path) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let front = Front { device, book: fresh, first: 1 };
                PartialFile::write(disk, path, &front.to_bytes()).map_err(failed)?;
            }
            Err(error) => return Err(failed(error)),
        }
        let file = disk.open_to_write(path).map_err(failed)?;
        let mut bytes = [0; Front::BYTES];
        let filled = file.read_at(&mut bytes, 0).map_err(failed)?;
        let front = Front::from_bytes(&bytes).filter(|_| filled == bytes.len());
        // The front came into its place whole.
        let front = front.ok_or_else(|| BookFault::Damaged { path: path.to_owned(), at: 0 })?;
        if front.device != device {
            return Err(BookFault::AnotherDevice { path: path.to_owned(), found: front.device });
        }
        let (disk, path) = (Arc::clone(disk), path.to_owned());
        let mut book =
            Book { disk, path, file, front, next: front.first, kept_from: front.first, records_max };
        book.find_end()?;
        Ok(book)
    }

    /// The counter that the next record gets.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Whether there is no room for another record.
    pub fn is_full(&self) -> bool {
        self.next - self.front.first >= self.records_max
    }

    /// Keeps a record, whose verdict has the number [`next`](Self::next), and waits until the disk has it.
    ///
    /// # Errors
    /// The disk's, or that the book is full: the verdict must not be given. The next record takes the place of this one.
    pub fn append(&mut self, record: OfflineRecord) -> io::Result<()> {
        if self.is_full() {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "the book of records is full"));
        }
        if record.counter() != self.next {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a record out of order"));
        }
        self.file.write_at(&record.to_bytes(self.front.book), self.place_of(self.next))?;
        self.file.sync()?;
        self.next += 1;
        Ok(())
    }

    /// How many records no engine is known to have.
    pub fn waiting(&self) -> u64 {
        self.next - self.kept_from
    }

    /// The first of those records, at most so many.
    ///
    /// # Errors
    /// The disk's.
    pub fn handover(&self, records_max: usize) -> io::Result<Handover> {
        let Front { device, book, .. } = self.front;
        let mut handover = Handover { device, book, first: self.kept_from, records: Vec::new() };
        for counter in (self.kept_from..self.next).take(records_max) {
            handover.records.push(self.record(counter)?.ok_or(io::ErrorKind::InvalidData)?);
        }
        Ok(handover)
    }

    /// An engine has the records up to this counter, durably. When it has all of them the file begins again, and the
    /// counter goes on.
    ///
    /// # Errors
    /// The disk's; the records are handed over once more then, and the receiver knows them.
    pub fn handed_over(&mut self, up_to: u64) -> io::Result<()> {
        self.kept_from = self.kept_from.max(up_to.saturating_add(1).min(self.next));
        if self.waiting() > 0 || self.next == self.front.first {
            return Ok(());
        }
        let front = Front { first: self.next, ..self.front };
        PartialFile::write(&self.disk, &self.path, &front.to_bytes())?;
        (self.file, self.front) = (self.disk.open_to_write(&self.path)?, front);
        Ok(())
    }

    fn place_of(&self, counter: u64) -> u64 {
        Front::BYTES as u64 + (counter - self.front.first) * OfflineRecord::BYTES as u64
    }

    /// The record with this counter, `None` where there is none.
    fn record(&self, counter: u64) -> io::Result<Option<OfflineRecord>> {
        let mut bytes = [0; OfflineRecord::BYTES];
        let filled = self.file.read_at(&mut bytes, self.place_of(counter))?;
        let record = OfflineRecord::from_bytes(&bytes, self.front.book, counter);
        Ok(record.filter(|_| filled == bytes.len()))
    }

    /// Finds the last record that was written whole, and cuts off what is behind it.
    fn find_end(&mut self) -> Result<(), BookFault> {
        let failed = |error| BookFault::Io { path: self.path.clone(), error };
        while self.record(self.next).map_err(failed)?.is_some() {
            self.next += 1;
        }
        let (end, bytes) = (self.place_of(self.next), self.file.bytes().map_err(failed)?);
        // Only the last record can be torn: each one was on the disk before the next was begun.
        let mut behind = self.next + 1;
        while self.place_of(behind) < bytes {
            if self.record(behind).map_err(failed)?.is_some() {
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
