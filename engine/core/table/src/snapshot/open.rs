//! Opens a snapshot file and loads it.

use std::path::{Path, PathBuf};

use hufu_wire::HolderIndex;
use zerocopy::{FromZeros, IntoBytes};

use super::fault::SnapshotFault;
use super::fault::SnapshotFaultKind::{self, Damaged, OtherIssuer};
use super::format::{self, DIGEST_BYTES, ENTRY_BYTES, Entry, HEADER_BYTES, Header};
use super::info::{SnapshotDigest, SnapshotInfo};
use super::install::install;
use super::read_at::read_at;
use super::stage::{self, Piece, StagedFile};

use crate::disk::{Disk, DiskFile, OsDisk};
use crate::segment::{SEGMENT_BYTES, SEGMENT_WORDS};
use crate::writer::Writer;

/// A snapshot file whose header and segment list are whole. The words are checked while they are loaded.
#[derive(Debug)]
pub struct Snapshot {
    path: PathBuf,
    file: Box<dyn DiskFile>,
    info: SnapshotInfo,
    pieces: Vec<Piece>,
}

impl Snapshot {
    /// Opens a snapshot and checks all of it but the words. Reads and allocates at most 656 KiB, whatever the
    /// file says.
    ///
    /// # Errors
    /// [`SnapshotFaultKind::Io`], [`NotASnapshot`](SnapshotFaultKind::NotASnapshot), [`OtherVersion`](SnapshotFaultKind::OtherVersion) or
    /// [`Damaged`].
    pub fn open(path: impl AsRef<Path>) -> Result<Snapshot, SnapshotFault> {
        Snapshot::open_on(&OsDisk, path.as_ref())
    }

    /// As [`open`](Self::open), on this disk.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_on(disk: &dyn Disk, path: &Path) -> Result<Snapshot, SnapshotFault> {
        let fault = |kind| SnapshotFault::new(path, kind);
        let file = disk.open(path).map_err(SnapshotFaultKind::io("open it")).map_err(fault)?;
        let (info, entries) = read(&*file).map_err(fault)?;
        Ok(Snapshot { path: path.to_path_buf(), file, info, pieces: pieces(&entries) })
    }

    /// What the file says about itself. Compare the digest with the one that was announced *before* loading.
    pub fn info(&self) -> &SnapshotInfo {
        &self.info
    }

    /// Names the words alone, as the file claims them: the same for two files that differ in nothing but their
    /// sequence and when their heads were made. [`load`](Self::load) finds out whether the words are those.
    pub fn content_digest(&self) -> SnapshotDigest {
        let mut hasher = blake3::Hasher::new();
        for Piece { segment, words, digest, .. } in &self.pieces {
            hasher.update(&(*segment as u64).to_le_bytes()).update(&(*words as u64).to_le_bytes());
            hasher.update(digest.as_bytes());
        }
        SnapshotDigest(hasher.finalize().into())
    }

    /// Checks every word without a table: for a keeper of snapshots that hands them on. Reads the whole file, with two
    /// megabytes of memory.
    ///
    /// # Errors
    /// [`Damaged`]; [`SnapshotFaultKind::Io`] when the file cannot be read.
    pub fn verify(&self) -> Result<(), SnapshotFault> {
        self.verify_words().map_err(|kind| SnapshotFault::new(&self.path, kind))
    }

    fn verify_words(&self) -> Result<(), SnapshotFaultKind> {
        let mut holders = 0;
        let mut words = Vec::new();
        for piece in &self.pieces {
            words.resize(piece.words, 0_u64);
            read_at(&*self.file, words.as_mut_bytes(), piece.at)?;
            if blake3::hash(words.as_bytes()) != piece.digest {
                return Err(Damaged { what: "the digest of a segment differs" });
            }
            if words.last() == Some(&0) {
                return Err(Damaged { what: "a segment is longer than its last holder" });
            }
            holders += words.iter().filter(|&&word| word != 0).count() as u64;
        }
        if holders == self.info.holders {
            Ok(())
        } else {
            Err(Damaged { what: "it counts its holders wrongly" })
        }
    }

    /// Checks every word and then gives them all to the writer's issuer; holders who are not in the snapshot
    /// become unknown. Until everything is checked, readers see the words they saw before.
    ///
    /// An empty table needs the memory of its words and no more. Over a table in use, words that stay the same
    /// need none, and those that differ are held twice until the end, within the table's bound.
    ///
    /// # Errors
    /// [`Damaged`], [`OtherIssuer`], or [`SnapshotFaultKind::Table`] when the table is full or already at a
    /// later sequence. The table is then as it was.
    pub fn load(&self, writer: &mut Writer) -> Result<SnapshotInfo, SnapshotFault> {
        self.load_kept(writer, || {})
    }

    /// As [`load`](Self::load), and `keep` is called when everything is checked, before the first word can be seen.
    ///
    /// # Errors
    /// As [`load`](Self::load); `keep` was not called then.
    pub fn load_kept(&self, writer: &mut Writer, keep: impl FnOnce()) -> Result<SnapshotInfo, SnapshotFault> {
        self.admit(writer)
            .and_then(|()| stage::stage(&*self.file, &self.pieces, writer))
            .and_then(|staged| self.install(staged, writer, keep))
            .map_err(|kind| SnapshotFault::new(&self.path, kind))?;
        Ok(self.info)
    }

    fn install(
        &self,
        staged: StagedFile,
        writer: &mut Writer,
        keep: impl FnOnce(),
    ) -> Result<(), SnapshotFaultKind> {
        if staged.holders != self.info.holders {
            return Err(Damaged { what: "it counts its holders wrongly" });
        }
        Ok(install(writer, staged.segments, &self.info, keep)?)
    }

    fn admit(&self, writer: &Writer) -> Result<(), SnapshotFaultKind> {
        if self.info.issuer != writer.issuer() {
            return Err(OtherIssuer { found: self.info.issuer, wanted: writer.issuer() });
        }
        writer.admit(self.info.sequence)?;
        if let Some(last) = self.pieces.last() {
            #[expect(clippy::cast_possible_truncation, reason = "segments and lengths were checked: 32 bits")]
            let holder = HolderIndex((last.segment * SEGMENT_WORDS + last.words - 1) as u32);
            writer.admit_holder(holder)?;
        }
        // Asked for now and given back, so that a table too small is refused before the whole file is read.
        let fresh =
            self.pieces.iter().filter(|piece| writer.directory()[piece.segment].get().is_none()).count();
        drop(writer.reserve((fresh * SEGMENT_BYTES) as u64)?);
        Ok(())
    }
}

fn read(file: &dyn DiskFile) -> Result<(SnapshotInfo, Vec<Entry>), SnapshotFaultKind> {
    let bytes = file.bytes().map_err(SnapshotFaultKind::io("read it"))?;
    let mut header = Header::new_zeroed();
    read_at(file, header.as_mut_bytes(), 0)?;
    format::admit_header(&header)?;

    let segments = header.segments.get() as usize;
    let list_bytes = (segments * ENTRY_BYTES + DIGEST_BYTES) as u64;
    let Some(list_at) = bytes.checked_sub(list_bytes).filter(|&at| at >= HEADER_BYTES as u64) else {
        return Err(Damaged { what: "it is cut off" });
    };
    let mut entries = vec![Entry::new_zeroed(); segments];
    read_at(file, entries.as_mut_bytes(), list_at)?;
    let mut digest = SnapshotDigest([0; DIGEST_BYTES]);
    read_at(file, &mut digest.0, bytes - DIGEST_BYTES as u64)?;
    let info = format::admit(&header, &entries, digest, bytes)?;
    Ok((info, entries))
}

fn pieces(entries: &[Entry]) -> Vec<Piece> {
    let mut at = HEADER_BYTES as u64;
    let mut piece = |entry: &Entry| {
        let piece = Piece {
            segment: entry.segment.get() as usize,
            words: entry.words.get() as usize,
            at,
            digest: entry.digest.into(),
        };
        at += piece.words as u64 * 8;
        piece
    };
    entries.iter().map(&mut piece).collect()
}
