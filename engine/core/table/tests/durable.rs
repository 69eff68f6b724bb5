//! Files that take their place whole or not at all.

#![allow(clippy::unwrap_used, reason = "what fails fails a test")]

#[path = "common/recorded.rs"]
mod recorded;

use std::fs;

use hufu_table::{PartialFile, SnapshotWriter};
use hufu_wire::{IssuerId, Sequence, StatusWord};

use crate::recorded::{Recorded, Step, named};

#[test]
fn r22_a_snapshot_is_on_the_disk_whole_before_it_has_its_name() {
    let (folder, disk) = (tempfile::tempdir().unwrap(), Recorded::default());
    let path = folder.path().join("1.snapshot");
    let mut writer =
        SnapshotWriter::create_on(&disk.shared(), &path, IssuerId(1), Sequence(2), None).unwrap();
    writer.push(&[StatusWord::from_bits(1); 3]).unwrap();
    assert_eq!(disk.steps(), [Step::Written], "the header's room");
    let bytes = writer.finish().unwrap().bytes;
    assert_eq!(disk.steps(), [Step::Written, Step::Synced, named("snapshot"), Step::Folder]);
    assert_eq!(fs::metadata(&path).unwrap().len(), bytes);
}

/// Also one that arrives in pieces, `ArrivingSnapshot`.
#[test]
fn r22_what_is_put_is_on_the_disk_before_it_has_its_name() {
    let (folder, disk) = (tempfile::tempdir().unwrap(), Recorded::default());
    let path = folder.path().join("1.head");
    let mut file = PartialFile::create(&disk.shared(), &path).unwrap();
    file.append(b"what").unwrap();
    file.append(b"ever").unwrap();
    file.put().unwrap();
    assert_eq!(disk.steps(), [Step::Written, Step::Synced, named("head"), Step::Folder]);
    assert_eq!(fs::read(&path).unwrap(), b"whatever");
    drop(PartialFile::create(&disk.shared(), &path).unwrap());
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing is left behind");
}
