//! Fuzz target: whatever the file holds, opening and loading it gives an answer and costs bounded memory.
#![cfg(not(loom))]

mod common;

use std::fs;

use common::{BEIJING, content, example, reseal, table};
use hufu_table::{Snapshot, SnapshotInfo, write_snapshot};
use tempfile::tempdir;

/// Loads these bytes. What is accepted must come out of the table with the same digest: there is one form.
fn load(bytes: &[u8]) -> Option<SnapshotInfo> {
    let folder = tempdir().expect("a folder");
    let path = folder.path().join("fuzz.snapshot");
    fs::write(&path, bytes).expect("a writable folder");
    let table = table();
    let mut writer = table.writer(BEIJING).expect("free");
    let untouched = content(&table, &writer);
    let Ok(info) = Snapshot::open(&path).and_then(|snapshot| snapshot.load(&mut writer)) else {
        assert_eq!(content(&table, &writer), untouched, "refused and yet half applied");
        return None;
    };
    assert_eq!(write_snapshot(&table.reader(), BEIJING, &path).expect("a writable folder"), info);
    assert_eq!(fs::read(&path).expect("a writable folder"), bytes, "exactly one file for each content");
    Some(info)
}

#[test]
fn fuzz_any_bytes() {
    bolero::check!().for_each(|bytes: &[u8]| {
        load(bytes);
    });
}

/// Bytes of a good file are overwritten and its last digest made good again, so that the parser behind the
/// digest is reached: places and values come from the fuzzer.
#[test]
fn fuzz_altered_and_resealed() {
    let folder = tempdir().unwrap();
    let path = folder.path().join("example.snapshot");
    let info = example(&path);
    let whole = fs::read(&path).unwrap();
    assert_eq!(load(&whole), Some(info));
    bolero::check!().with_type::<(Vec<(u8, u8)>, u8)>().for_each(|(alterations, cut)| {
        let mut bytes = whole.clone();
        for &(at, value) in alterations {
            let at = usize::from(at) % bytes.len();
            bytes[at] = value;
        }
        if cut % 8 == 0 {
            bytes.truncate(whole.len() - usize::from(*cut) / 8);
        }
        reseal(&mut bytes);
        load(&bytes);
    });
}
