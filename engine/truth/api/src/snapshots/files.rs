//! The files of the folder: their names, locks and times, and whether one is the snapshot that its name says.

use std::fs::{DirEntry, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use hufu_contract::Hex;
use hufu_table::Snapshot;
use hufu_wire::IssuerId;

use crate::problem::{ApiProblem, Kind};

/// How the names of files end that are whole.
pub(super) const WHOLE: &str = ".snapshot";

/// How the names of uploads begin that are on their way.
pub(super) const PART: &str = ".part-";

/// The folder of each issuer.
pub(super) fn issuers(folder: &Path) -> io::Result<Vec<(IssuerId, PathBuf)>> {
    let mut issuers = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let issuer = entry.file_name().to_str().and_then(|name| name.parse().ok());
        if let (Some(issuer), true) = (issuer, entry.path().is_dir()) {
            issuers.push((IssuerId(issuer), entry.path()));
        }
    }
    Ok(issuers)
}

/// Keeps a folder from other processes and other tasks of this one, until the file that is returned is dropped.
pub(super) fn lock(folder: &Path) -> io::Result<File> {
    let folder = File::open(folder)?;
    folder.lock()?;
    Ok(folder)
}

/// Sets the time from which a snapshot that no checkpoint names is kept for a while.
pub(super) fn touch(path: &Path, now: SystemTime) -> io::Result<()> {
    File::open(path)?.set_modified(now)
}

/// Removes the uploads of processes that are no more. Another registry may share the folder: what it writes is locked.
pub(super) fn remove_parts(folder: &Path) -> io::Result<()> {
    let _locked = lock(folder)?;
    for entry in std::fs::read_dir(folder)? {
        if let Some(name) = part_of(&entry?) {
            remove_dead(&folder.join(name))?;
        }
    }
    Ok(())
}

/// Bytes of the whole files of a folder.
pub(super) fn whole_bytes(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if whole_of(&entry).is_some() {
            // It may have been dropped meanwhile.
            bytes += entry.metadata().map_or(0, |metadata| metadata.len());
        }
    }
    Ok(bytes)
}

pub(super) fn remove_dead(part: &Path) -> io::Result<()> {
    let lives = match File::open(part) {
        Ok(file) => file.try_lock().is_err(),
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(why) => return Err(why),
    };
    if lives { Ok(()) } else { std::fs::remove_file(part) }
}

pub(super) fn part_of(entry: &DirEntry) -> Option<String> {
    entry.file_name().into_string().ok().filter(|name| name.starts_with(PART))
}

pub(super) fn whole_of(entry: &DirEntry) -> Option<String> {
    entry.file_name().into_string().ok().filter(|name| name.ends_with(WHOLE))
}

/// Whether the file at `path` is the snapshot of `issuer` with this digest, down to the last word.
pub(super) fn verify(path: &Path, issuer: IssuerId, digest: &Hex<32>) -> Result<(), SnapshotMismatch> {
    let snapshot = Snapshot::open(path)?;
    let info = snapshot.info();
    if info.digest.0 != digest.0 {
        return Err(SnapshotMismatch::Digest(info.digest.to_string()));
    }
    if info.issuer != issuer {
        return Err(SnapshotMismatch::Issuer(info.issuer));
    }
    Ok(snapshot.verify()?)
}

/// Why a file is not the snapshot that its name says.
#[derive(Debug, thiserror::Error)]
pub(super) enum SnapshotMismatch {
    /// Its digest.
    #[error("the bytes are a snapshot with the digest {0}, not the one of the path: nothing was stored")]
    Digest(String),
    /// Its issuer.
    #[error("the bytes are a snapshot of issuer {0}, not of the one of the path: nothing was stored")]
    Issuer(IssuerId),
    /// Anything else, with what the file says.
    #[error("the bytes are {}: nothing was stored", .0.kind)]
    Unreadable(#[from] hufu_table::SnapshotFault),
}

pub(super) fn too_large(bytes_max: u64) -> ApiProblem {
    ApiProblem::new(
        Kind::TooLarge,
        format!("this registry takes snapshots of {bytes_max} bytes at most ([snapshots] one_bytes_max)"),
    )
}

pub(super) fn disk(why: &io::Error) -> ApiProblem {
    tracing::error!(%why, "cannot use the folder of snapshots");
    match why.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            ApiProblem::new(Kind::Full, "the registry's disk is full: the operator must free space")
        }
        _ => ApiProblem::new(Kind::Misconfigured, "the cause is in the registry's log: ask the operator"),
    }
}
