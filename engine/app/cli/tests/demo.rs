//! The demo, small: everything it promises, and the folder it keeps.

mod common;

use std::fs;

use common::{Deployment, eventually, hufu, ok, said};

#[test]
fn a_small_demo_is_right_about_everybody_and_its_folder_can_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let line = [
        "demo",
        "--holders",
        "20000",
        "--rate",
        "500",
        "--seconds",
        "2",
        "--report",
        "demo.json",
        "--svg",
        "demo.svg",
        "--keep",
        "kept",
    ];
    let output = hufu(folder.path(), &line);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let text = said(&output);
    for wanted in [
        "lost 0",
        "wrong 0",
        "ADMIT",
        "REFUSE  status-red",
        "Try it yourself",
        "gates enrolled over QUIC",
        "proposed and confirmed",
        "the engine agrees",
        "One signature is not enough",
        "whole: every block follows",
        "The visitor's phone finds its own",
        "0, destroyed",
    ] {
        assert!(text.contains(wanted), "no {wanted:?} in {text}");
    }
    let (alone, confirmed) = text.split_once("The national platform confirms it").unwrap();
    let (_, alone) = alone.split_once("One signature is not enough").unwrap();
    assert!(alone.contains("ADMIT") && !alone.contains("REFUSE"), "proposed alone changes nothing: {alone}");
    assert!(confirmed.contains("REFUSE") && !confirmed.contains("ADMIT"), "{confirmed}");
    assert!(fs::read_to_string(folder.path().join("demo.svg")).unwrap().contains("<svg"));
    let json = fs::read_to_string(folder.path().join("demo.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&json).unwrap();
    for key in [
        "offered_per_s",
        "answered_per_s",
        "sent",
        "answered",
        "lost",
        "wrong",
        "p50_us",
        "p99_us",
        "p999_us",
        "server_cpu_us_per_check",
        "generator_limited",
        "mix",
        "build",
    ] {
        assert!(!report[key].is_null(), "{key} is missing in {json}");
    }
    assert_eq!((&report["lost"], &report["wrong"]), (&0.into(), &0.into()));
    assert_eq!(report["sent"], report["answered"]);
    assert!(report["changes"]["written"].as_u64().unwrap() >= 1, "{json}");
    assert_eq!(
        report["changes"]["delays_ms"].as_array().unwrap().len() as u64,
        report["changes"]["written"].as_u64().unwrap(),
        "every change reached the gate"
    );
    for key in ["commit_to_verdict_p50_ms", "commit_to_verdict_p99_ms", "commit_to_verdict_max_ms"] {
        assert!(report["changes"][key].as_f64().unwrap() > 0.0, "{key}: {json}");
    }
    for chain in report["chains"].as_array().unwrap() {
        assert_eq!(chain["engine_agrees"], true, "{json}");
    }

    // What the demo says to type.
    let kept = Deployment::at(folder.path().join("kept"));
    let _registry = kept.serve_registry("registry/registry.toml");
    let _engine = kept.serve();
    ok(kept.folder(), &["present", "--holder", "visitor.holder", "--png", "visitor.png"]);
    let check = ["check", "--gate", "gate", "--image", "visitor.png"];
    assert!(ok(kept.folder(), &check).contains("ADMIT"));
    let holder = (20_000 + (1 << 20)).to_string();
    let propose = ["change", "propose", "--key", "local.key", "--holder", &holder, "--colour", "red"];
    ok(
        kept.folder(),
        &[&propose[..], &["--rule", "7", "--reason", "a test", "--unregistered", "--yes"]].concat(),
    );
    ok(
        kept.folder(),
        &["change", "confirm", "--issuer", "610000", "--all", "--key", "national.key", "--yes"],
    );
    eventually("red", || {
        let output = hufu(kept.folder(), &check);
        if said(&output).contains("status-red") { Ok(()) } else { Err(said(&output)) }
    });

    // A folder that holds a world is not written over.
    let again = hufu(folder.path(), &["demo", "--holders", "1000", "--keep", "kept"]);
    assert_eq!(again.status.code(), Some(2), "{}", said(&again));
    assert!(said(&again).contains("already has a demo"), "{}", said(&again));
}

#[test]
fn a_demo_that_cannot_be_is_refused_before_it_begins() {
    let folder = tempfile::tempdir().unwrap();
    for (line, wanted) in [
        (["demo", "--rate", "0"], "0 is not in"),
        (["demo", "--holders", "10"], "10 is not in"),
        (["demo", "--mix", "everything"], "not a mix"),
        (["demo", "--keep", "/proc/nowhere"], "cannot make the folder"),
    ] {
        let output = hufu(folder.path(), &line);
        assert_eq!(output.status.code(), Some(2), "{line:?}: {}", said(&output));
        assert!(said(&output).contains(wanted), "{line:?}: {}", said(&output));
    }
}
