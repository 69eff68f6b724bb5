//! Every test runs. A test may be kept from the runner only when another test runs it, in a process of its own.

use std::fs;
use std::path::{Path, PathBuf};

// In pieces, so that this file is not found by its own search.
const IGNORE: &str = concat!("#[", "ignore");
const RUN_BY_ANOTHER: &str = concat!("#[", "ignore = \"run by ");
const IGNORED_EXAMPLE: &str = concat!("```", "ignore");

#[test]
fn no_test_is_left_out() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut left_out = Vec::new();
    for file in
        ["engine", "bench", "loadgen", "fixtures", ".ci"].iter().flat_map(|folder| sources(&top.join(folder)))
    {
        let text = fs::read_to_string(&file).expect("a source file");
        left_out.extend(
            text.lines().filter(|line| leaves_out(line)).map(|line| format!("{}: {line}", file.display())),
        );
    }
    assert!(left_out.is_empty(), "a test runs or goes:\n{}\n", left_out.join("\n"));
}

#[test]
fn a_test_that_is_left_out_is_caught() {
    assert!(leaves_out(&format!("    {IGNORE}]")));
    assert!(leaves_out(&format!("{IGNORE} = \"needs a server\"]")));
    assert!(leaves_out(&format!("/// {IGNORED_EXAMPLE}")));
    assert!(!leaves_out(&format!("{RUN_BY_ANOTHER}the test above\"]")));
}

fn leaves_out(line: &str) -> bool {
    line.contains(IGNORE) && !line.contains(RUN_BY_ANOTHER) || line.contains(IGNORED_EXAMPLE)
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut sources = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            sources.extend(self::sources(&entry));
        } else if entry.extension().is_some_and(|kind| kind == "rs") {
            sources.push(entry);
        }
    }
    sources
}
