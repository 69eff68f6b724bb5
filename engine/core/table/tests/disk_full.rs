//! A disk that fills up: the shell gives a child process a limit on the size of its files.
#![cfg(all(not(loom), unix))]

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;

use common::{BEIJING, GREEN, example};
use hufu_table::{SEGMENT_WORDS, Snapshot, SnapshotFaultKind, SnapshotWriter};
use hufu_wire::Sequence;
use tempfile::tempdir;

const FOLDER: &str = "HUFU_TEST_FOLDER";

#[test]
fn a_full_disk_leaves_the_old_snapshot_and_nothing_else() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("example.snapshot");
    let before = example(&path);
    // A write past the limit then fails with an error instead of a signal.
    let limited = "trap '' XFSZ; ulimit -f 1024; exec \"$0\" --exact --ignored in_a_limited_process";
    let child = Command::new("sh")
        .args(["-c", limited])
        .arg(std::env::current_exe().unwrap())
        .env(FOLDER, folder.path())
        .output()
        .expect("a shell");
    let output = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && output.contains("1 passed"), "{output}");
    assert_eq!(*Snapshot::open(&path).unwrap().info(), before);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no partial file is left");
}

#[test]
#[ignore = "run by the test above, in a process with a limit"]
fn in_a_limited_process() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let path = Path::new(&folder).join("example.snapshot");
    let mut snapshot = SnapshotWriter::create(&path, BEIJING, Sequence(10), None).expect("the header fits");
    let fault = snapshot.push(&vec![GREEN; SEGMENT_WORDS]).expect_err("two megabytes do not");
    assert!(matches!(fault.kind, SnapshotFaultKind::Io { doing: "write the file", .. }), "{fault}");
    assert!(fault.to_string().contains("example.snapshot"), "{fault}");
}
