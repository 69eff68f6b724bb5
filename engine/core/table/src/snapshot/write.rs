//! Writes a snapshot holder by holder with two megabytes of memory.

use std::io;
use std::path::Path;
use std::sync::Arc;

use hufu_wire::{IssuerId, Sequence, StatusWord, UnixMillis};
use zerocopy::IntoBytes;
use zerocopy::little_endian::U64;

use super::arrive;
use super::fault::{SnapshotFault, SnapshotFaultKind};
use super::format::{Entry, HEADER_BYTES, Header, MAGIC, digest, file_bytes};
use super::info::SnapshotInfo;
use super::version::VERSION;
use crate::disk::{Disk, OsDisk, PartialFile};
use crate::segment::{ISSUER_SEGMENTS, SEGMENT_WORDS};

/// Writes a snapshot from words that arrive in the order of their holders, without a table. Until
/// [`finish`](Self::finish) returns, `path` is as it was; a writer that is dropped leaves nothing behind.
pub struct SnapshotWriter {
    file: PartialFile,
    header: Header,
    entries: Vec<Entry>,
    /// Which segment the words below belong to.
    segment: usize,
    words: Vec<U64>,
    words_total: u64,
    holders: u64,
}

impl SnapshotWriter {
    /// Starts a snapshot that will replace `path`, in a file beside it that only the owner may read.
    ///
    /// # Errors
    /// [`SnapshotFaultKind::Io`] when the folder is missing or not writable.
    pub fn create(
        path: impl AsRef<Path>,
        issuer: IssuerId,
        sequence: Sequence,
        heard: Option<UnixMillis>,
    ) -> Result<SnapshotWriter, SnapshotFault> {
        SnapshotWriter::create_on(&OsDisk::shared(), path.as_ref(), issuer, sequence, heard)
    }

    /// As [`create`](Self::create), on this disk.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn create_on(
        disk: &Arc<dyn Disk>,
        path: &Path,
        issuer: IssuerId,
        sequence: Sequence,
        heard: Option<UnixMillis>,
    ) -> Result<SnapshotWriter, SnapshotFault> {
        let header = Header {
            magic: MAGIC,
            version: VERSION.into(),
            issuer: issuer.0.into(),
            sequence: sequence.0.into(),
            heard_ms: heard.map_or(0, |heard| heard.0).into(),
            holders: 0.into(),
            segments: 0.into(),
            zero: [0; 20],
        };
        let started = PartialFile::create(disk, path).and_then(|mut file| {
            // Room for the header: what goes there is known at the end.
            file.append(&[0; HEADER_BYTES]).map(|()| file)
        });
        let file = started.map_err(|error| {
            SnapshotFault::new(path, SnapshotFaultKind::Io { doing: "start the file beside it", error })
        })?;
        Ok(SnapshotWriter {
            file,
            header,
            entries: Vec::new(),
            segment: 0,
            words: Vec::with_capacity(SEGMENT_WORDS),
            words_total: 0,
            holders: 0,
        })
    }

    /// The words of the next holders.
    ///
    /// # Errors
    /// [`SnapshotFaultKind::TooManyHolders`]; [`SnapshotFaultKind::Io`] when the disk is full, for example.
    /// Give up the writer then: what came before is not lost, it was never visible.
    pub fn push(&mut self, mut words: &[StatusWord]) -> Result<(), SnapshotFault> {
        while !words.is_empty() {
            self.admit()?;
            let (now, later) = words.split_at(words.len().min(SEGMENT_WORDS - self.words.len()));
            self.words.extend(now.iter().map(|word| U64::new(word.to_bits())));
            self.turn_over_when_full()?;
            words = later;
        }
        Ok(())
    }

    /// The next `holders` holders are unknown. Whole segments of them take no room in the file.
    ///
    /// # Errors
    /// As [`push`](Self::push).
    pub fn skip(&mut self, mut holders: u64) -> Result<(), SnapshotFault> {
        while holders > 0 {
            self.admit()?;
            let now = holders.min((SEGMENT_WORDS - self.words.len()) as u64);
            if now == SEGMENT_WORDS as u64 {
                self.segment += 1;
            } else {
                #[expect(clippy::cast_possible_truncation, reason = "at most SEGMENT_WORDS")]
                self.words.resize(self.words.len() + now as usize, U64::ZERO);
                self.turn_over_when_full()?;
            }
            holders -= now;
        }
        Ok(())
    }

    /// Completes the file, makes it durable and puts it in the place of `path`.
    ///
    /// # Errors
    /// [`SnapshotFaultKind::Io`]; `path` is then as it was, except when only the last step failed, making the
    /// folder durable: then the new file is in place but might not survive a power cut.
    pub fn finish(mut self) -> Result<SnapshotInfo, SnapshotFault> {
        self.turn_over()?;
        self.header.holders = self.holders.into();
        #[expect(clippy::cast_possible_truncation, reason = "at most ISSUER_SEGMENTS, 16384")]
        let segments = self.entries.len() as u32;
        self.header.segments = segments.into();
        let digest = digest(&self.header, &self.entries);

        let tail = [self.entries.as_bytes(), &digest.0].concat();
        let written = self.file.append(&tail).and_then(|()| self.file.begin_with(self.header.as_bytes()));
        written.map_err(|error| self.fault("write the file", error))?;

        arrive::put(self.file)?;
        Ok(SnapshotInfo {
            issuer: IssuerId(self.header.issuer.get()),
            sequence: Sequence(self.header.sequence.get()),
            heard: Some(self.header.heard_ms.get()).filter(|&heard_ms| heard_ms != 0).map(UnixMillis),
            holders: self.holders,
            segments,
            bytes: file_bytes(self.words_total, self.entries.len()),
            digest,
        })
    }

    fn admit(&self) -> Result<(), SnapshotFault> {
        if self.segment == ISSUER_SEGMENTS {
            return Err(SnapshotFault::new(self.file.path(), SnapshotFaultKind::TooManyHolders));
        }
        Ok(())
    }

    fn turn_over_when_full(&mut self) -> Result<(), SnapshotFault> {
        if self.words.len() == SEGMENT_WORDS { self.turn_over() } else { Ok(()) }
    }

    /// Stores the words up to the last known holder and begins the next segment.
    fn turn_over(&mut self) -> Result<(), SnapshotFault> {
        let known = self.words.iter().rposition(|&word| word != U64::ZERO).map_or(0, |last| last + 1);
        let words = &self.words[..known];
        if !words.is_empty() {
            let stored = self.file.append(words.as_bytes());
            stored.map_err(|error| self.fault("write the file", error))?;
            #[expect(clippy::cast_possible_truncation, reason = "a segment's number and length")]
            self.entries.push(Entry {
                segment: (self.segment as u32).into(),
                words: (words.len() as u32).into(),
                digest: blake3::hash(words.as_bytes()).into(),
            });
            self.words_total += words.len() as u64;
            self.holders += words.iter().filter(|&&word| word != U64::ZERO).count() as u64;
        }
        self.words.clear();
        self.segment += 1;
        Ok(())
    }

    fn fault(&self, doing: &'static str, error: io::Error) -> SnapshotFault {
        SnapshotFault::new(self.file.path(), SnapshotFaultKind::Io { doing, error })
    }
}
