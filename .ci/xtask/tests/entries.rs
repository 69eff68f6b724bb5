//! Six folders and files at the top, and what every Rust project has beside them.

use std::fs;

const ENTRIES: [&str; 12] = [
    "Cargo.toml",
    "Cargo.lock",
    "engine",
    "bench",
    "loadgen",
    "fixtures",
    "docs",
    "README.md",
    "LICENSE",
    "deny.toml",
    "rustfmt.toml",
    "clippy.toml",
];

#[test]
fn nothing_else_is_at_the_top() {
    let names = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .expect("the top of the tree")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    let strange: Vec<String> = names.filter(|name| !belongs(name)).collect();
    assert!(strange.is_empty(), "at the top of the tree, where they do not belong: {strange:?}");
}

#[test]
fn a_strange_entry_is_caught() {
    assert!(belongs("engine") && belongs(".ci") && belongs("target"));
    assert!(!belongs("scripts") && !belongs("notes.txt") && !belongs("src"));
}

/// Build output is no part of the tree: `.gitignore` has it.
fn belongs(name: &str) -> bool {
    ENTRIES.contains(&name) || name.starts_with('.') || name == "target"
}
