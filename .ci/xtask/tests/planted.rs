//! Planted bugs are for the simulator alone: no crate of the product asks for the feature that compiles them.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Where the feature may be asked for.
const SIMULATOR: &str = "bench/simulator/Cargo.toml";

#[test]
fn no_crate_but_the_simulator_has_planted_bugs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let listed = Command::new("git").current_dir(&root).args(["ls-files", "*Cargo.toml"]).output();
    let listed = String::from_utf8(listed.expect("git lists files").stdout).expect("names in UTF-8");
    let (mut crates, mut offers) = (0, 0);
    for file in listed.lines().filter(|file| *file != SIMULATOR) {
        let manifest = fs::read_to_string(root.join(file)).expect("a manifest");
        crates += 1;
        // A crate may have the feature and hand it on to what it is made of. Nothing else may name it.
        let named =
            manifest.lines().filter(|line| line.contains("planted") && !line.trim_start().starts_with('#'));
        for line in named {
            assert!(line.starts_with("planted = ["), "{file} asks for planted bugs: {line}");
            offers += 1;
        }
        assert!(!manifest.contains("default = [\"planted"), "{file} has planted bugs by default");
    }
    assert!(crates > 40 && offers > 5, "{crates} crates, {offers} with the feature");
}
