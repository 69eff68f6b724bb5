//! Making the view of a closed day: one pass over its records deals the slips out, a second one over these sorts and
//! seals them. Memory: 16 MiB of parts, 4 bytes for each bucket, and one part of 256.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hufu_table::{OsDisk, PartialFile};
use hufu_wire::UnixMillis;
use thiserror::Error;
use zerocopy::IntoBytes as _;

use super::partition::Partitions;
use super::{BUCKET_SLIPS_MIN, PREFIX_BITS_MAX, ViewHeader, nonce, prefix_of};
use crate::day::Day;
use crate::days::{DayEntry, DayEvent, Days};
use crate::disk::Folder;
use crate::identity::{engine_of, public_key};
use crate::keys::{DayKey, KeyFolder, random};
use crate::slip::Slip;
use crate::store::VERIFIER;
use crate::verify::{read, segments};

/// Why no view was made. Nothing is left of it then.
#[derive(Debug, Error)]
pub enum BuildFault {
    /// The disk, or what wraps keys; or a block that does not open.
    #[error(transparent)]
    Disk(#[from] io::Error),
    /// The day goes on, or nothing is known of it.
    #[error(
        "{0} is not closed: its engine closes a day with the first record of a later one, or within a minute of its end"
    )]
    NotClosed(Day),
    /// The keys of the day were destroyed.
    #[error("the keys of {0} were destroyed: its slips cannot be read any more")]
    Destroyed(Day),
    /// Records are missing that the signed end of the day counts.
    #[error(
        "only the first {found} of the {said} records of {day} can be read: look with `hufu records verify`"
    )]
    Incomplete {
        /// The day.
        day: Day,
        /// Records found before the first that is missing.
        found: u64,
        /// Records that the signed end says.
        said: u64,
    },
}

/// Parts at most: 2^8.
const PART_BITS_MAX: u8 = 8;
/// Sealed buckets are written together up to so many bytes.
const WRITE_BYTES: usize = 1 << 20;

/// Makes the view of `day` in the folder `out`, in place of one that is there, and returns its path and header.
/// `progress` is told how much is done, of how much.
///
/// # Errors
/// [`BuildFault`]; what was in `out` stays as it was.
pub fn build_view(
    records: &Folder,
    keys: &KeyFolder,
    day: Day,
    out: &Path,
    mut progress: impl FnMut(u64, u64),
) -> Result<(PathBuf, ViewHeader), BuildFault> {
    let (entry, mut header, key) = begin(records, keys, day)?;
    let bits = bits_for(entry.records);
    let mut counts = vec![0_u32; 1 << bits];
    let mut parts = Partitions::new(out, bits.min(PART_BITS_MAX))?;
    let (mut done, total) = (0, 2 * entry.records);
    let mut next = entry.first;
    read(records, keys, day, |one| {
        done += 1;
        progress(done.min(entry.records), total);
        // After a sync that failed the numbers that were given up come once more, and the later records count.
        if one.number <= next {
            next = one.number + 1;
        }
        let Some(slip) = one.slip else { return Ok(()) };
        let time = one.row.time();
        header.first = if header.slips == 0 { time } else { header.first.min(time) };
        header.last = header.last.max(time);
        header.slips += 1;
        counts[prefix_of(&slip.tag, bits) as usize] += 1;
        parts.add(slip)
    })?;
    let found = next.saturating_sub(entry.first);
    if found < entry.records {
        return Err(BuildFault::Incomplete { day, found, said: entry.records });
    }
    header.prefix_bits = shorten(&mut counts, bits);
    let path = out.join(header.file_name());
    write(&path, &mut header, &key, &counts, parts, |slips| {
        progress((entry.records + slips).min(total), total);
    })?;
    Ok((path, header))
}

/// The signed end of the day, a header without figures, and the key of the day's first segment.
fn begin(records: &Folder, keys: &KeyFolder, day: Day) -> Result<(DayEntry, ViewHeader, DayKey), BuildFault> {
    let verifier = public_key(&records.contents(VERIFIER)?)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "verifier.key is no public key"))?;
    let engine = engine_of(&verifier);
    let days = Days::read(records, &engine, &verifier)?;
    if days.destroyed(day) {
        return Err(BuildFault::Destroyed(day));
    }
    let closed = |entry: &&DayEntry| entry.event == DayEvent::Closed && entry.day == day;
    let entry = *days.entries().iter().find(closed).ok_or(BuildFault::NotClosed(day))?;
    let first = segments(records)?.into_iter().find(|(_, header)| header.day == day);
    let (_, segment) = first.ok_or(BuildFault::Incomplete { day, found: 0, said: entry.records })?;
    let key = keys.find(day, &segment.key)?.ok_or_else(|| {
        io::Error::new(io::ErrorKind::NotFound, format!("the key of {day} is not in the folder of keys"))
    })?;
    let mut salt = [0; 16];
    random(&mut salt)?;
    let header = ViewHeader {
        engine,
        day,
        prefix_bits: 0,
        slips: 0,
        first: UnixMillis(0),
        last: UnixMillis(0),
        salt,
        key: segment.key,
        digest: [0; 32],
    };
    Ok((entry, header, key))
}

/// The longest prefix that can be, before the slips are counted.
fn bits_for(records: u64) -> u8 {
    let bits = (records / BUCKET_SLIPS_MIN).checked_ilog2().unwrap_or(0);
    u8::try_from(bits).unwrap_or(u8::MAX).min(PREFIX_BITS_MAX)
}

/// Joins neighbours until every bucket has enough slips, or there is one. How many bits are left.
fn shorten(counts: &mut Vec<u32>, mut bits: u8) -> u8 {
    while bits > 0 && counts.iter().any(|count| u64::from(*count) < BUCKET_SLIPS_MIN) {
        *counts = counts.as_chunks::<2>().0.iter().map(|[left, right]| left.saturating_add(*right)).collect();
        bits -= 1;
    }
    bits
}

fn write(
    path: &Path,
    header: &mut ViewHeader,
    key: &DayKey,
    counts: &[u32],
    parts: Partitions,
    mut progress: impl FnMut(u64),
) -> io::Result<()> {
    forget_partial(path)?;
    let mut file = PartialFile::create(&(Arc::new(OsDisk) as _), path)?;
    file.append(&header.seal())?;
    let mut before = 0;
    for counts in counts.chunks(WRITE_BYTES / 8) {
        let index: Vec<u64> = counts
            .iter()
            .map(|count| {
                let entry = before;
                before += u64::from(*count);
                entry.to_le()
            })
            .collect();
        file.append(index.as_bytes())?;
    }
    file.append(&before.to_le_bytes())?;
    let mut buckets =
        Buckets { header, key: header.bucket_key(key), number: 0, sealed: Vec::new(), from: 0, file };
    let (mut left, mut done) = (counts.iter(), 0);
    let mut missing = left.next().copied().unwrap_or(0) as usize;
    parts.sorted(|slips| {
        let mut rest = slips;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(missing.min(rest.len()));
            buckets.add(now);
            (rest, missing) = (later, missing - now.len());
            if missing == 0 {
                buckets.close()?;
                missing = left.next().copied().unwrap_or(0) as usize;
            }
        }
        done += slips.len() as u64;
        progress(done);
        Ok(())
    })?;
    if header.slips == 0 {
        buckets.close()?;
    }
    buckets.put()
}

/// Buckets as they are written.
struct Buckets<'h> {
    header: &'h ViewHeader,
    key: aws_lc_rs::aead::LessSafeKey,
    number: u32,
    /// Closed buckets, and the plain one from `from` on.
    sealed: Vec<u8>,
    from: usize,
    file: PartialFile,
}

impl Buckets<'_> {
    fn add(&mut self, slips: &[Slip]) {
        self.sealed.extend_from_slice(slips.as_bytes());
    }

    fn close(&mut self) -> io::Result<()> {
        let aad = aws_lc_rs::aead::Aad::from(&self.header.digest);
        let plain = &mut self.sealed[self.from..];
        let tag =
            self.key.seal_in_place_separate_tag(nonce(self.number), aad, plain).map_err(io::Error::other)?;
        self.sealed.extend_from_slice(tag.as_ref());
        (self.from, self.number) = (self.sealed.len(), self.number + 1);
        if self.from >= WRITE_BYTES {
            self.file.append(&self.sealed)?;
            self.sealed.clear();
            self.from = 0;
        }
        Ok(())
    }

    fn put(mut self) -> io::Result<()> {
        self.file.append(&self.sealed)?;
        self.file.put()
    }
}

/// Removes what a process that was killed left of this view.
fn forget_partial(path: &Path) -> io::Result<()> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Ok(());
    };
    let front = format!(".{name}.");
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let is_left = entry
            .file_name()
            .to_str()
            .is_some_and(|name| name.starts_with(&front) && name.ends_with(".partial"));
        if is_left {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
