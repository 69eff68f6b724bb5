//! The example of a campus is run as its reader runs it (docs/CAMPUS.md).

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;

use common::{free_address, said};

#[test]
fn campus_the_example_runs_from_keys_to_gates() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs/examples/campus");
    let (folder, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // Another engine may have its ports.
    let ports =
        ["127.0.0.1:7510", "127.0.0.1:7511", "127.0.0.1:7520"].map(|address| (address, free_address()));
    for entry in fs::read_dir(examples).unwrap() {
        let entry = entry.unwrap();
        let mut text = fs::read_to_string(entry.path()).unwrap();
        for (address, free) in &ports {
            text = text.replace(address, free);
        }
        fs::write(folder.path().join(entry.file_name()), text).unwrap();
    }
    let mut script = Command::new("sh");
    script.arg(folder.path().join("run.sh")).current_dir(work.path()).env("HUFU", env!("CARGO_BIN_EXE_hufu"));
    for name in ["HUFU_REGISTRY", "HUFU_TOKEN_FILE", "HUFU_CA", "HUFU_TIME_ZONE", "RUST_LOG"] {
        script.env_remove(name);
    }
    let output = script.output().unwrap();
    let told = said(&output);
    assert!(output.status.success(), "{told}");
    for wanted in [
        "a student at gate: ADMIT",
        "a student whose fees are open at gate: REFER",
        "the same student at library: ADMIT",
        "staff at gate: ADMIT",
        "a visitor in the window at gate: ADMIT",
        "the visitor a day early at gate: REFUSE",
        "the visitor at library: REFUSE",
        "the student at gate: REFUSE",
        "2 members: 1 may enter, 0 need a look, 1 may not enter",
    ] {
        assert!(told.contains(wanted), "{wanted} is not in\n{told}");
    }
}
