//! Whether a folder of records is whole: every block follows from the one before, every day from the day before, and
//! what is gone was destroyed and said so. It needs no key; with the keys it also opens what it reads.

use core::fmt;
use std::io;

use ed25519_dalek::VerifyingKey;
use sha2::{Digest as _, Sha256};

use crate::block::{BlockKey, Kind, Link, Whole};
use crate::day::Day;
use crate::days::{DayEvent, Days};
use crate::disk::Folder;
use crate::keys::KeyFolder;
use crate::row::Row;
use crate::scan;
use crate::segment::{EngineId, SegmentHeader, file_name, numbers};
use crate::slip::Slip;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Every day there is or was, oldest first.
    pub days: Vec<DayReport>,
    /// Everything that is wrong; nothing, when the records are whole.
    pub faults: Vec<Fault>,
}

/// One day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayReport {
    /// Which.
    pub day: Day,
    /// The number of its first record.
    pub first: u64,
    /// Its records.
    pub records: u64,
    /// Times that records could not be kept and checks were answered `busy`.
    pub gaps: u32,
    /// What is left of it.
    pub held: Held,
}

/// What is left of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// It goes on.
    Open,
    /// It is over and its records are there.
    Closed,
    /// Its keys were destroyed; its end in the chain of days still says what it was.
    Destroyed,
}

/// Something wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file, where one is there.
    pub file: Option<String>,
    /// The day.
    pub day: Day,
    /// What is wrong.
    pub what: FaultKind,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// It does not continue the segment before it: one is missing, or was put in another's place.
    NotContinued,
    /// A block is not whole, and later ones were written.
    Damaged {
        /// Bytes from the front.
        at: u64,
    },
    /// The segment is another engine's.
    OtherEngine,
    /// The day does not end where its signed end says.
    EndMissing,
    /// A block does not open under its key, or holds no records that an engine writes.
    NotReadable,
    /// The day's key is not in the folder of keys.
    KeyMissing,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault { file, day, what } = self;
        match file {
            Some(file) => write!(f, "{day}, {file}: "),
            None => write!(f, "{day}: "),
        }?;
        match what {
            FaultKind::NotContinued => {
                f.write_str("it does not continue the segment before it: one is missing, or was exchanged")
            }
            FaultKind::Damaged { at } => {
                write!(f, "a block is not whole at byte {at}, and later ones were written")
            }
            FaultKind::OtherEngine => f.write_str("the segment is another engine's"),
            FaultKind::EndMissing => {
                f.write_str("the day does not end where its signed end says: records are missing")
            }
            FaultKind::NotReadable => f.write_str("a block does not open under its key: it was altered"),
            FaultKind::KeyMissing => {
                f.write_str("the key is not in the folder of keys: the day cannot be read")
            }
        }
    }
}

/// A record that was read, with its number and its slip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its number.
    pub number: u64,
    /// The record.
    pub row: Row,
    /// Its slip, where it has one.
    pub slip: Option<Slip>,
}

/// Verifies the whole folder of `engine`. With `keys`, every block is opened too.
///
/// # Errors
/// The disk's; an [`io::ErrorKind::InvalidData`] when the chain of days itself is not genuine.
pub fn verify(
    records: &Folder,
    keys: Option<&KeyFolder>,
    engine: &EngineId,
    key: &VerifyingKey,
) -> io::Result<Report> {
    let days = Days::read(records, engine, key)?;
    let mut walk = Walk { report: Report::default(), ends: vec![(0, [0; 32])] };
    let mut segments = segments(records)?.into_iter().peekable();
    for entry in days.entries().iter().filter(|entry| entry.event == DayEvent::Closed) {
        let destroyed = days.destroyed(entry.day);
        let held = if destroyed { Held::Destroyed } else { Held::Closed };
        let mut report =
            DayReport { day: entry.day, first: entry.first, records: entry.records, gaps: 0, held };
        let mut names = Sha256::new();
        while let Some((name, header)) = segments.next_if(|(_, header)| header.day <= entry.day) {
            names.update(header.key);
            // A segment of a destroyed day is about to be dropped: nothing in it can be read.
            if !destroyed {
                walk.segment(records, keys, engine, &name, &header, &mut report)?;
            }
        }
        let end = (entry.first + entry.records, entry.after);
        let is_its_end = walk.ends.contains(&end) && entry.keys == <[u8; 32]>::from(names.finalize());
        if !destroyed && !is_its_end {
            walk.fault(None, entry.day, FaultKind::EndMissing);
        }
        walk.ends = vec![end];
        walk.report.days.push(report);
    }
    let mut open: Option<DayReport> = None;
    for (name, header) in segments {
        let report = open.get_or_insert(DayReport {
            day: header.day,
            first: header.first,
            records: 0,
            gaps: 0,
            held: Held::Open,
        });
        if header.day != report.day {
            walk.fault(Some(&name), header.day, FaultKind::EndMissing);
        }
        walk.segment(records, keys, engine, &name, &header, report)?;
        report.records = walk.ends.last().map_or(0, |(next, _)| next.saturating_sub(report.first));
    }
    walk.report.days.extend(open);
    Ok(walk.report)
}

/// Reads every record of `day`, in order, and hands it to `each`. Nothing is verified but each block's own seal.
///
/// # Errors
/// The disk's; [`io::ErrorKind::NotFound`] when the day's key is not there; [`io::ErrorKind::InvalidData`] when a block
/// does not open.
pub fn read(
    records: &Folder,
    keys: &KeyFolder,
    day: Day,
    mut each: impl FnMut(Found) -> io::Result<()>,
) -> io::Result<()> {
    for (name, header) in segments(records)?.into_iter().filter(|(_, header)| header.day == day) {
        let Some(key) = keys.find(day, &header.key)? else {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                format!("the key of {day} for {name} is not there"),
            ));
        };
        let (key, mut room) = (BlockKey::new(key.bytes()), Vec::new());
        scan::blocks(&*records.open(&name)?, &header, |place, block| {
            let plain = block.open(&key, place, &mut room).ok_or_else(unreadable)?;
            records_of(block, plain, &mut each)
        })?;
    }
    Ok(())
}

struct Walk {
    report: Report,
    /// Where the next segment may continue: after each block of the one before, because an engine writes nothing
    /// behind what it could not make durable. The last is the usual one.
    ends: Vec<(u64, Link)>,
}

impl Walk {
    fn fault(&mut self, file: Option<&str>, day: Day, what: FaultKind) {
        self.report.faults.push(Fault { file: file.map(str::to_owned), day, what });
    }

    fn segment(
        &mut self,
        records: &Folder,
        keys: Option<&KeyFolder>,
        engine: &EngineId,
        name: &str,
        header: &SegmentHeader,
        report: &mut DayReport,
    ) -> io::Result<()> {
        let day = header.day;
        if header.engine != *engine {
            self.fault(Some(name), day, FaultKind::OtherEngine);
        }
        let key = match keys.map(|keys| keys.find(day, &header.key)).transpose()? {
            Some(None) => {
                self.fault(Some(name), day, FaultKind::KeyMissing);
                None
            }
            found => found.flatten().map(|key| BlockKey::new(key.bytes())),
        };
        let mut ends = vec![(header.first, header.before)];
        let (mut begins_with_gap, mut readable, mut room) = (false, true, Vec::new());
        let end = scan::blocks(&*records.open(name)?, header, |place, block| {
            if block.header.kind == Kind::Gap {
                report.gaps += 1;
                begins_with_gap |= place.block == 0;
            }
            ends.push((block.header.end(), block.link));
            if let Some(key) = &key {
                let opened = block.open(key, place, &mut room);
                readable &= opened.is_some_and(|plain| records_of(block, plain, &mut |_| Ok(())).is_ok());
            }
            Ok(())
        })?;
        let start = (header.first, header.before);
        let continues = self.ends.last() == Some(&start) || (begins_with_gap && self.ends.contains(&start));
        if !continues {
            self.fault(Some(name), day, FaultKind::NotContinued);
        }
        if end.damaged {
            self.fault(Some(name), day, FaultKind::Damaged { at: end.at });
        }
        if !readable {
            self.fault(Some(name), day, FaultKind::NotReadable);
        }
        self.ends = ends;
        Ok(())
    }
}

/// Every segment with a whole header, in order.
pub(crate) fn segments(records: &Folder) -> io::Result<Vec<(String, SegmentHeader)>> {
    let mut segments = Vec::new();
    for number in numbers(records)? {
        let name = file_name(number);
        if let Some(header) = scan::header(&*records.open(&name)?)?
            && header.number == number
        {
            segments.push((name, header));
        }
    }
    Ok(segments)
}

/// Hands every record of an open block to `each`.
fn records_of(
    block: &Whole<'_>,
    plain: &[u8],
    each: &mut impl FnMut(Found) -> io::Result<()>,
) -> io::Result<()> {
    if block.header.kind != Kind::Checks {
        return Ok(());
    }
    let (rows, slips) =
        plain.split_at_checked(usize::from(block.header.count) * Row::BYTES).ok_or_else(unreadable)?;
    let (rows, _) = rows.as_chunks::<{ Row::BYTES }>();
    let (slips, _) = slips.as_chunks::<{ Slip::BYTES }>();
    let mut slips = slips.iter();
    for (number, row) in (block.header.first..).zip(rows) {
        let row = Row::from_bytes(row).map_err(|_| unreadable())?;
        let slip = match row.slip {
            None => None,
            Some(_) => Some(zerocopy::transmute!(*slips.next().ok_or_else(unreadable)?)),
        };
        each(Found { number, row, slip })?;
    }
    if slips.next().is_some() { Err(unreadable()) } else { Ok(()) }
}

fn unreadable() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "a block of records does not open under its key: it was altered",
    )
}
