//! A snapshot in memory, to change some of its statuses and write it back.

use std::path::{Path, PathBuf};

use hufu_files::moment;
use hufu_files::{self as files, Lock};
use hufu_table::{Limits, Reader, Snapshot, SnapshotInfo, Table, Writer, write_snapshot};
use hufu_wire::{HolderIndex, Sequence, StatusWord};

/// One issuer's statuses, from a file and back into it.
pub(crate) struct StatusFile {
    path: PathBuf,
    info: SnapshotInfo,
    reader: Reader,
    writer: Writer,
    /// Held from reading to the last writing, where others may change the file too.
    _lock: Option<Lock>,
}

impl StatusFile {
    /// Reads a snapshot and checks every word of it, without a lock: to look at it, or where no other process changes it.
    pub(crate) fn open(path: &Path) -> anyhow::Result<StatusFile> {
        StatusFile::read(path, None)
    }

    /// Reads a snapshot that others may be changing: they wait until this is dropped.
    pub(crate) fn edit(path: &Path) -> anyhow::Result<StatusFile> {
        StatusFile::read(path, Some(files::lock_folder_of(path)?))
    }

    fn read(path: &Path, lock: Option<Lock>) -> anyhow::Result<StatusFile> {
        let snapshot = Snapshot::open(path)?;
        let table = Table::new(Limits { issuers_max: 1, ..Limits::default() })?;
        let mut writer = table.writer(snapshot.info().issuer)?;
        let info = snapshot.load(&mut writer)?;
        Ok(StatusFile { path: path.to_owned(), info, reader: table.reader(), writer, _lock: lock })
    }

    /// What the file said of itself when it was last read or written.
    pub(crate) fn info(&self) -> &SnapshotInfo {
        &self.info
    }

    /// The sequence of the next change.
    pub(crate) fn next(&self) -> Sequence {
        Sequence(self.info.sequence.0 + 1)
    }

    /// A holder's status.
    pub(crate) fn word(&self, holder: HolderIndex) -> StatusWord {
        self.reader.lookup(self.writer.slot(), holder)
    }

    /// Gives a holder another status, in memory.
    pub(crate) fn set(&mut self, holder: HolderIndex, word: StatusWord) -> anyhow::Result<()> {
        Ok(self.writer.set(holder, word)?)
    }

    /// Replaces the file, as of `sequence` and heard of now.
    pub(crate) fn store(&mut self, sequence: Sequence) -> anyhow::Result<&SnapshotInfo> {
        self.writer.advance(sequence, moment::now())?;
        self.info = write_snapshot(&self.reader, self.info.issuer, &self.path)?;
        Ok(&self.info)
    }
}
