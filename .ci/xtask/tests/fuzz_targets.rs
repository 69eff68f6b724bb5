//! Fuzz targets are where `cargo xtask test --only fuzz` finds them, and every crate that reads bytes has one.

use std::fs;
use std::path::{Path, PathBuf};

/// Crates with a door to the outside.
const READ_BYTES: [&str; 15] = [
    "engine/core/wire",
    "engine/core/codes",
    "engine/core/table",
    "engine/core/policy",
    "engine/checks/check",
    "engine/checks/offline",
    "engine/checks/hc1",
    "engine/checks/records",
    "engine/changes/sync",
    "engine/changes/statuslist",
    "engine/changes/upstream",
    "engine/truth/rules",
    "engine/app/sheets",
    "engine/people/console",
    "engine/people/texts",
];

#[test]
fn every_crate_that_reads_bytes_has_a_fuzz_target() {
    let missing: Vec<&str> =
        READ_BYTES.into_iter().filter(|folder| targets(folder).iter().all(|file| !is_found(file))).collect();
    assert!(missing.is_empty(), "no tests/fuzz*.rs that uses bolero in {missing:?}");
}

#[test]
fn every_fuzz_target_is_found_by_its_name() {
    let hidden: Vec<PathBuf> = ["engine", "fixtures", "loadgen", "bench"]
        .into_iter()
        .flat_map(targets)
        .filter(|file| !is_found(file))
        .collect();
    assert!(hidden.is_empty(), "they use bolero and are not named tests/fuzz*.rs: {hidden:?}");
}

fn is_found(target: &Path) -> bool {
    let name = |part: Option<&std::ffi::OsStr>| part.unwrap_or_default().to_string_lossy().into_owned();
    name(target.file_name()).starts_with("fuzz") && name(target.parent().and_then(Path::file_name)) == "tests"
}

/// Rust files below `folder` that use bolero.
fn targets(folder: &str) -> Vec<PathBuf> {
    let mut targets = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|kind| kind == "rs") {
                let text = fs::read_to_string(&entry).expect("a source file");
                if text.contains("bolero::") {
                    targets.push(entry);
                }
            }
        }
    }
    targets
}
