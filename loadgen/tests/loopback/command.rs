//! The command itself: what it writes and how it ends.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use hufu_fixtures::World;
use serde_json::Value;

use crate::gates;
use crate::rig::Rig;

/// A world's folder and gates' folders, as an operator would have them.
fn furnish(rig: &Rig, folder: &Path) {
    rig.world.write(&folder.join("world"), &|_, _| {}).unwrap();
    for grant in gates(rig) {
        rig.write_gate(&folder.join("gates").join(grant.device.to_string()), grant);
    }
}

fn loadgen(rig: &Rig, folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hufu-loadgen"))
        .args(arguments)
        .args(["--world", "world", "--gates", "gates", "--server", &rig.running.quic_addr.to_string()])
        .args(["--phones", "256", "--timeout-ms", "5000"])
        .current_dir(folder)
        .output()
        .unwrap()
}

fn said(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_load_ends_well_and_writes_its_figures() {
    let rig = Rig::start(20_000);
    let folder = tempfile::tempdir().unwrap();
    furnish(&rig, folder.path());
    let pid = std::process::id().to_string();
    let output = loadgen(
        &rig,
        folder.path(),
        &[
            "run",
            "--rate",
            "800",
            "--seconds",
            "1",
            "--json",
            "load.json",
            "--svg",
            "load.svg",
            "--server-pid",
            &pid,
        ],
    );
    assert!(output.status.success(), "{}", said(&output.stderr));
    assert!(said(&output.stdout).contains("lost, wrong"));
    assert_eq!(said(&output.stderr), "", "no progress bar where there is no terminal");

    let figures: Value =
        serde_json::from_str(&fs::read_to_string(folder.path().join("load.json")).unwrap()).unwrap();
    assert_eq!(figures["sent"], figures["answered"]);
    assert!(figures["server_cpu_us_per_check"].as_f64().unwrap() > 0.0);
    assert!(fs::read_to_string(folder.path().join("load.svg")).unwrap().starts_with("<svg"));
    rig.running.stop();
}

#[test]
fn a_ramp_writes_a_row_for_every_step() {
    let rig = Rig::start(20_000);
    let folder = tempfile::tempdir().unwrap();
    furnish(&rig, folder.path());
    let steps = ["--from", "200", "--to", "800", "--factor", "2", "--seconds", "0.3", "--json", "ramp.json"];
    let output = loadgen(&rig, folder.path(), &[&["ramp"], &steps[..]].concat());
    assert!(output.status.success(), "{}", said(&output.stderr));
    let figures: Value =
        serde_json::from_str(&fs::read_to_string(folder.path().join("ramp.json")).unwrap()).unwrap();
    let steps = figures["steps"].as_array().unwrap();
    assert!(steps.len() >= 3, "{}", steps.len());
    assert!(figures["best_per_s"].as_f64().unwrap() > 0.0);
    rig.running.stop();
}

#[test]
fn wrong_answers_and_old_worlds_end_badly() {
    let rig = Rig::start_ignorant(20_000);
    let folder = tempfile::tempdir().unwrap();
    furnish(&rig, folder.path());
    let load = ["run", "--rate", "200", "--seconds", "0.5", "--mix", "again", "--allow-loss"];
    let output = loadgen(&rig, folder.path(), &load);
    assert!(!output.status.success());
    assert!(said(&output.stderr).contains("wrong answers"), "{}", said(&output.stderr));

    let old = World::new(7, 20_000, hufu_wire::UnixSeconds(rig.world.now().0 - 5 * 3600));
    old.write(&folder.path().join("world"), &|_, _| {}).unwrap();
    let output = loadgen(&rig, folder.path(), &load);
    assert!(said(&output.stderr).contains("write a new one"), "{}", said(&output.stderr));
    rig.running.stop();
}
