//! Where an engine keeps the records that gates hand over: each record once, however often it is sent.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hufu_table::Disk;
use hufu_wire::DeviceId;
use hufu_wire::limits::FRAME_BYTES_MAX;

use crate::book::BookFault;
use crate::record::{BookId, Front, Handover, OfflineRecord};
use crate::volume::Volume;

/// A folder with a file for each book of each device. What has been taken is what lies in the files: there is no second
/// account of it that could say something else.
#[derive(Debug)]
pub struct Shelf {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    /// Of each book the file that goes on.
    last: BTreeMap<(DeviceId, BookId), Place>,
    /// Bytes of all files of a device.
    bytes: BTreeMap<DeviceId, u64>,
    /// When the folder was read.
    looked: Instant,
}

#[derive(Debug)]
struct Place {
    path: PathBuf,
    volume: Option<Volume>,
}

/// What became of a handover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// The counter up to which the device may forget its records.
    pub kept: u64,
    /// How many were new.
    pub fresh: usize,
    /// Counters that never came: the device's disk lost them, or another engine has them. Tell the operator.
    pub missing: Option<Missing>,
}

/// Records that never came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The counter of the first.
    pub from: u64,
    /// How many there are.
    pub count: u64,
}

/// Files that are held open. Beyond it all are closed, and opened again as they are needed.
const OPEN_MAX: usize = 256;
/// Records of one file. Then another begins, so that older ones can be moved away.
const FILE_RECORDS_MAX: u64 = 1 << 16;
/// Records of one handover, which are appended together: no frame holds more.
const HANDOVER_RECORDS_MAX: u64 = (FRAME_BYTES_MAX / OfflineRecord::BYTES) as u64;
/// Bytes that are kept of one device, so that a stolen one does not fill the disk: half a million records or so.
pub const DEVICE_BYTES_MAX: u64 = 32 << 20;
/// What even the smallest file takes of a disk.
const FILE_BYTES: u64 = 4096;
/// Between two looks for files that were moved away: who hands over more than there is room for does not make an engine
/// read its folder each time.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// The end of a file's name.
const SUFFIX: &str = ".records";

impl Shelf {
    /// The shelf in a folder, which is made if it is not there. Files of other names are left alone.
    ///
    /// # Errors
    /// The disk's.
    pub fn open(disk: &Arc<dyn Disk>, folder: &Path) -> io::Result<Shelf> {
        disk.create_folder(folder)?;
        let mut last: BTreeMap<_, (u64, Place)> = BTreeMap::new();
        let mut bytes: BTreeMap<DeviceId, u64> = BTreeMap::new();
        for path in disk.list(folder)? {
            let Some(Front { device, book, first }) =
                path.file_name().and_then(|name| front_of(name.to_str()?))
            else {
                continue;
            };
            *bytes.entry(device).or_default() += disk.stamp(&path)?.bytes + FILE_BYTES;
            let held = last.get(&(device, book)).is_some_and(|(held, _)| *held > first);
            if !held {
                last.insert((device, book), (first, Place { path, volume: None }));
            }
        }
        let last = last.into_iter().map(|(book, (_, place))| (book, place)).collect();
        Ok(Shelf { disk: Arc::clone(disk), folder: folder.to_owned(), last, bytes, looked: Instant::now() })
    }

    /// Takes what is new of a handover and waits until the disk has it. `device` is whose session it came in.
    ///
    /// # Errors
    /// [`BookFault::AnotherDevice`] where the handover names another device than the session; the disk's. Then the device
    /// keeps its records, and what was written of them is found again.
    pub fn receive(&mut self, device: DeviceId, handover: &Handover) -> Result<Received, BookFault> {
        let Handover { device: found, book, first, ref records } = *handover;
        if found != device {
            return Err(BookFault::AnotherDevice { path: self.folder.clone(), found });
        }
        let taken = self.take(device, book, first, records);
        if taken.is_err() {
            // What is on the disk now is read from there.
            if let Some(place) = self.last.get_mut(&(device, book)) {
                place.volume = None;
            }
        }
        taken
    }

    fn take(
        &mut self,
        device: DeviceId,
        book: BookId,
        first: u64,
        records: &[OfflineRecord],
    ) -> Result<Received, BookFault> {
        let next = self.volume(device, book)?.map_or(1, |volume| volume.next);
        let known = usize::try_from(next.saturating_sub(first)).unwrap_or(usize::MAX);
        #[cfg(feature = "planted")]
        if known > 0 && hufu_wire::planted::has(hufu_wire::planted::Bug::RecordTwice) {
            let fresh = records.len();
            return Ok(Received {
                kept: records.last().map_or(next - 1, OfflineRecord::counter),
                fresh,
                missing: None,
            });
        }
        let fresh = records.get(known..).unwrap_or_default();
        let kept = fresh.last().map_or(next - 1, OfflineRecord::counter);
        let Some(counter) = fresh.first().map(OfflineRecord::counter) else {
            return Ok(Received { kept, fresh: 0, missing: None });
        };
        let gap = counter - next;
        let bytes = (fresh.len() * OfflineRecord::BYTES) as u64;
        self.make_room(device, bytes)?;
        let is_full = self.volume(device, book)?.is_none_or(|volume| volume.records() >= FILE_RECORDS_MAX);
        let folder = self.folder.clone();
        if gap > 0 || is_full {
            self.begin(Front { device, book, first: counter }, fresh)?;
        } else if let Some(volume) = self.volume(device, book)? {
            volume.append(fresh).map_err(|error| BookFault::Io { path: folder, error })?;
        }
        *self.bytes.entry(device).or_default() += bytes;
        let missing = (gap > 0).then_some(Missing { from: next, count: gap });
        Ok(Received { kept, fresh: fresh.len(), missing })
    }

    /// Refuses more of a device of which much lies here; what was moved away meanwhile does not count.
    fn make_room(&mut self, device: DeviceId, bytes: u64) -> Result<(), BookFault> {
        let has_room =
            |shelf: &Shelf| shelf.bytes.get(&device).copied().unwrap_or(0) + bytes <= DEVICE_BYTES_MAX;
        if has_room(self) {
            return Ok(());
        }
        if self.looked.elapsed() >= LOOK_AGAIN {
            let failed = |error| BookFault::Io { path: self.folder.clone(), error };
            *self = Shelf::open(&self.disk, &self.folder).map_err(failed)?;
        }
        if has_room(self) { Ok(()) } else { Err(BookFault::TooMuch { path: self.folder.clone(), device }) }
    }

    /// The file of a book that goes on, open.
    fn volume(&mut self, device: DeviceId, book: BookId) -> Result<Option<&mut Volume>, BookFault> {
        if self.last.values().filter(|place| place.volume.is_some()).count() >= OPEN_MAX {
            self.last.values_mut().for_each(|place| place.volume = None);
        }
        let Some(place) = self.last.get_mut(&(device, book)) else { return Ok(None) };
        if place.volume.is_none() {
            place.volume = Volume::open(&self.disk, &place.path, HANDOVER_RECORDS_MAX)?;
        }
        Ok(place.volume.as_mut())
    }

    /// Begins a file with its first records in it: without one it would hide that there is a gap before it.
    fn begin(&mut self, front: Front, records: &[OfflineRecord]) -> Result<(), BookFault> {
        let path = self.folder.join(name_of(front));
        let volume = Volume::begin(&self.disk, &path, front, records).map_err(|error| {
            // It may have its place and not be durable: it was not told of.
            let _ = self.disk.remove(&path);
            BookFault::Io { path: path.clone(), error }
        })?;
        self.last.insert((front.device, front.book), Place { path, volume: Some(volume) });
        *self.bytes.entry(front.device).or_default() += FILE_BYTES;
        Ok(())
    }

    /// The files of a shelf, each with one device's records without a gap, by device and counter.
    ///
    /// # Errors
    /// The disk's.
    pub fn files(disk: &Arc<dyn Disk>, folder: &Path) -> io::Result<Vec<PathBuf>> {
        let name = |path: &PathBuf| path.file_name().and_then(|name| front_of(name.to_str()?));
        let mut files: Vec<_> =
            disk.list(folder)?.into_iter().filter_map(|path| Some((name(&path)?, path))).collect();
        files.sort_by_key(|(front, _)| (front.device, front.book, front.first));
        Ok(files.into_iter().map(|(_, path)| path).collect())
    }
}

fn name_of(Front { device, book, first }: Front) -> String {
    format!("{device}-{:032x}-{first}{SUFFIX}", u128::from_be_bytes(book.0))
}

fn front_of(name: &str) -> Option<Front> {
    let mut parts = name.strip_suffix(SUFFIX)?.split('-');
    let device = DeviceId(parts.next()?.parse().ok()?);
    let book = BookId(u128::from_str_radix(parts.next()?, 16).ok()?.to_be_bytes());
    let front = Front { device, book, first: parts.next()?.parse().ok()? };
    (name_of(front) == name).then_some(front)
}
