//! Snapshot files, and an S3 server over loopback that keeps its objects in a folder.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::{Path, PathBuf};

use hufu_table::{SnapshotDigest, SnapshotWriter};
use hufu_wire::{Colour, IssuerId, Sequence, StatusWord};
use tempfile::TempDir;

/// Holders of a snapshot that takes one request.
pub(crate) const FEW: u64 = 1000;

/// Holders of a snapshot of more than two parts of 8 MiB.
#[allow(dead_code, reason = "not every test file has use for it")]
pub(crate) const MANY: u64 = 2_500_000;

/// A snapshot of `holders` green holders at `sequence`.
pub(crate) fn snapshot(folder: &Path, sequence: u64, holders: u64) -> (PathBuf, SnapshotDigest) {
    let path = folder.join(format!("{sequence}-{holders}"));
    let mut writer = SnapshotWriter::create(&path, IssuerId(310_000), Sequence(sequence), None).unwrap();
    let words = vec![StatusWord::new(Colour::Green, 0); 10_000];
    let mut left = holders;
    while left > 0 {
        let now = left.min(words.len() as u64);
        writer.push(&words[..usize::try_from(now).unwrap()]).unwrap();
        left -= now;
    }
    (path, writer.finish().unwrap().digest)
}

/// A folder that goes with the test.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// What is in `folder`, hidden files too.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
