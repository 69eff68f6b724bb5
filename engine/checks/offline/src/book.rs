//! The records of a gate without a network, on its own disk until an engine has them.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hufu_table::Disk;
use hufu_wire::DeviceId;

use crate::record::{BookId, Front, Handover, OfflineRecord};
use crate::volume::Volume;

/// Most records of one book: 64 MB, a week of a gate with a check every half second.
pub const BOOK_RECORDS_MAX: u64 = 1 << 20;

/// An append-only file of records. A record is on the disk before its verdict is given.
#[derive(Debug)]
pub struct Book {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    volume: Volume,
    /// The counter of the first record that no engine is known to have.
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
    /// An engine has much of this device already. The operator moves files of it away, all but the newest of each book.
    #[error(
        "{} has more than enough records of device {device}; move older files of it away, and see whether it was stolen",
        path.display()
    )]
    TooMuch {
        /// The folder.
        path: PathBuf,
        /// Whose records they are.
        device: DeviceId,
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
        let front = Front { device, book: fresh, first: 1 };
        let volume = match Volume::open(disk, path, 1)? {
            Some(volume) => volume,
            None => Volume::begin(disk, path, front, &[])
                .map_err(|error| BookFault::Io { path: path.to_owned(), error })?,
        };
        let Front { device: found, first, .. } = volume.front;
        if found != device {
            return Err(BookFault::AnotherDevice { path: path.to_owned(), found });
        }
        Ok(Book { disk: Arc::clone(disk), path: path.to_owned(), volume, kept_from: first, records_max })
    }

    /// The counter that the next record gets.
    pub fn next(&self) -> u64 {
        self.volume.next
    }

    /// Whether there is no room for another record.
    pub fn is_full(&self) -> bool {
        self.volume.records() >= self.records_max
    }

    /// Keeps a record, whose verdict has the number [`next`](Self::next), and waits until the disk has it.
    ///
    /// # Errors
    /// The disk's, or that the book is full: the verdict must not be given. The next record takes the place of this one.
    pub fn append(&mut self, record: OfflineRecord) -> io::Result<()> {
        if self.is_full() {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "the book of records is full"));
        }
        self.volume.append(&[record])
    }

    /// How many records no engine is known to have.
    pub fn waiting(&self) -> u64 {
        self.next() - self.kept_from
    }

    /// The first of those records, at most so many.
    ///
    /// # Errors
    /// The disk's.
    pub fn handover(&self, records_max: usize) -> io::Result<Handover> {
        let Front { device, book, .. } = self.volume.front;
        let mut handover = Handover { device, book, first: self.kept_from, records: Vec::new() };
        for counter in (self.kept_from..self.next()).take(records_max) {
            let record = self.volume.record(counter)?.ok_or_else(|| self.unreadable(counter))?;
            handover.records.push(record);
        }
        Ok(handover)
    }

    fn unreadable(&self, counter: u64) -> io::Error {
        let path = self.path.display();
        let what = format!(
            "record {counter} in {path} is damaged; stop the gate, move the file away and hand it to the \
             operator"
        );
        io::Error::new(io::ErrorKind::InvalidData, what)
    }

    /// An engine has the records up to this counter, durably. When it has all of them the file begins again, and the
    /// counter goes on.
    ///
    /// # Errors
    /// The disk's; the records are handed over once more then, and the receiver knows them.
    pub fn handed_over(&mut self, up_to: u64) -> io::Result<()> {
        let next = self.next();
        #[cfg(feature = "planted")]
        let up_to =
            if hufu_wire::planted::has(hufu_wire::planted::Bug::BookForgets) { up_to + 1 } else { up_to };
        self.kept_from = self.kept_from.max(up_to.saturating_add(1).min(next));
        if self.waiting() == 0 && self.volume.records() > 0 {
            let front = Front { first: next, ..self.volume.front };
            self.volume = Volume::begin(&self.disk, &self.path, front, &[])?;
        }
        Ok(())
    }
}
