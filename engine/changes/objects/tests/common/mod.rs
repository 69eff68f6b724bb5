//! Snapshot files, and an S3 server over loopback that keeps its objects in a folder.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::{Path, PathBuf};

use hufu_objects::{Objects, Published, unfinished};
use hufu_sync::FeedFault;
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

/// Files by names of their own, in a store of any kind.
pub(crate) async fn files_keep_their_content(objects: &Objects, made: &Path) {
    let large = made.join("large");
    std::fs::write(&large, vec![7; (8 << 20) + 5]).unwrap();
    assert_eq!(objects.keep_file(&large, "large").await.unwrap(), Published::Stored);
    assert_eq!(objects.keep_file(&large, "large").await.unwrap(), Published::Known);
    let front = objects.file_front("large", 3).await.unwrap().unwrap();
    assert_eq!(front.as_ref(), [7; 3]);
    assert_eq!(objects.file_front("none", 3).await.unwrap(), None);
    let mut other = std::fs::read(&large).unwrap();
    other[8 << 20] = 8;
    std::fs::write(&large, &other).unwrap();
    let fault = objects.keep_file(&large, "large").await.unwrap_err();
    assert!(matches!(&fault, FeedFault::Garbled { what, .. } if what.contains("large")), "{fault}");

    for (contents, published) in
        [("one", Published::Stored), ("one", Published::Known), ("one two", Published::Stored)]
    {
        assert_eq!(objects.grow_file("days", contents.as_bytes()).await.unwrap(), published);
    }
    for other in ["one", "one three"] {
        let fault = objects.grow_file("days", other.as_bytes()).await.unwrap_err();
        assert!(matches!(&fault, FeedFault::Garbled { what, .. } if what.contains("days")), "{fault}");
    }
    assert_eq!(objects.file_front("days", 100).await.unwrap().unwrap().as_ref(), b"one two");

    let small = made.join("small");
    std::fs::write(&small, b"small").unwrap();
    objects.keep_file(&small, "small").await.unwrap();
    let mut there = objects.file_names().await.unwrap();
    there.sort();
    assert_eq!(there, ["days", "large", "small"]);
    objects.delete_file("small").await.unwrap();
    objects.delete_file("small").await.unwrap();

    assert_eq!(unfinished("a.rec.0123456789abcdef.partial"), Some("a.rec"));
    assert_eq!(unfinished("a.rec"), None);
}
