//! Records of checks, with real engines (R40, R41).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "records/archive.rs"]
mod archive;
mod common;
#[path = "records/filled.rs"]
mod filled;
#[path = "records/live.rs"]
mod live;
#[path = "records/reading.rs"]
mod reading;
#[path = "records/thief.rs"]
mod thief;

use std::fs;

use common::{Deployment, said};
use serde_json::Value;

/// A deployment whose engine keeps records, written before each verdict leaves.
fn keeping() -> Deployment {
    let deployment = Deployment::new();
    deployment.keep_records();
    deployment.issue("42");
    deployment
}

const FOLDERS: &str = "--folder records --keys record-keys --secret records.secret";

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn r40_an_engine_that_is_killed_has_a_record_of_every_verdict_it_gave() {
    let deployment = keeping();
    let mut given = 0;
    for _ in 0..3 {
        let engine = deployment.serve();
        for _ in 0..4 {
            let (answer, status) = deployment.check("42");
            assert_eq!(status, Some(0), "{answer}");
            given += 1;
        }
        engine.signal("-KILL");
        engine.ended();
    }
    let day = deployment.day();
    let list = lines(&deployment.run(&format!("records list {FOLDERS} --day {day} --because test --json")));
    // A gate that hears nothing for 50 ms asks again under the same number: a record of its own.
    assert!(list.len() >= given, "{} records of {given} verdicts", list.len());
    assert!(list.iter().all(|row| row["reason"] == "clear" && row["device"] == 7), "{list:?}");
    let report = deployment.run(&format!("records verify {FOLDERS}"));
    assert!(report.contains("whole: every block follows"), "{report}");
    let counts = lines(
        &deployment.run(&format!("records count {FOLDERS} --day {day} --reason clear --because test --json")),
    );
    let counted: u64 = counts.iter().map(|count| count["records"].as_u64().unwrap()).sum();
    assert_eq!(counted, list.len() as u64);
    let none =
        deployment.run(&format!("records list {FOLDERS} --day {day} --reason status-red --because test"));
    assert_eq!(none, "");
}

#[test]
fn r41_a_phone_finds_its_own_checks_and_no_other_phone_does() {
    let deployment = keeping();
    deployment.set("43", "green");
    deployment.issue("43");
    let engine = deployment.serve();
    assert_eq!(deployment.check("42").1, Some(0));
    engine.signal("-TERM");
    assert_eq!(engine.ended(), Some(0));
    let day = deployment.day();
    let find = |holder: &str| {
        deployment.attempt(&format!("records find {FOLDERS} --day {day} --holder {holder}.holder --json"))
    };
    let mine = find("42");
    assert_eq!(mine.status.code(), Some(0), "{}", said(&mine));
    let seen = lines(&String::from_utf8(mine.stdout).unwrap());
    assert_eq!(seen[0]["reason"], "clear");
    let theirs = find("43");
    assert_eq!((theirs.status.code(), theirs.stdout.as_slice()), (Some(1), [].as_slice()));
}

#[test]
fn records_that_were_altered_are_not_whole_and_another_secret_is_refused() {
    let deployment = keeping();
    let engine = deployment.serve();
    deployment.check("42");
    deployment.check("42");
    engine.signal("-TERM");
    engine.ended();
    deployment.run("records secret --out other.secret");
    let config = fs::read_to_string(deployment.path("engine.toml")).unwrap();
    deployment.write("other.toml", &config.replace("'records.secret'", "'other.secret'"));
    let refused = deployment.attempt("serve --config other.toml");
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert!(said(&refused).contains("was written by another engine"), "{}", said(&refused));
    let file = deployment.path("records/segment-000000000001.rec");
    let mut bytes = fs::read(&file).unwrap();
    bytes[4096 + 70] ^= 1;
    fs::write(&file, bytes).unwrap();
    let found = deployment.attempt("records verify --folder records");
    assert_eq!(found.status.code(), Some(1), "{}", said(&found));
    assert!(said(&found).contains("a block is not whole at byte 4096"), "{}", said(&found));
}

#[test]
fn r42_an_engine_whose_keys_a_command_wraps_is_read_with_that_command_and_no_other() {
    let deployment = keeping();
    let config = fs::read_to_string(deployment.path("engine.toml")).unwrap();
    let agent = "sha512sum | cut -c 1-128";
    let config = config.replace("secret = 'records.secret'", &format!("agent = '{agent}'"));
    deployment.write("engine.toml", &config);
    let engine = deployment.serve();
    assert_eq!(deployment.check("42").1, Some(0));
    engine.signal("-TERM");
    assert_eq!(engine.ended(), Some(0));
    let (folder, day) = (deployment.folder(), deployment.day());
    let find = |secret: &str| {
        let line = ["records", "find", "--folder", "records", "--keys", "record-keys", "--day", &day];
        common::hufu(folder, &[&line[..], &["--holder", "42.holder", "--secret", secret]].concat())
    };
    let found = find(&format!("agent:{agent}"));
    assert_eq!(found.status.code(), Some(0), "{}", said(&found));
    let other = find("agent:sha512sum - | rev | cut -c 4-131");
    assert_eq!(other.status.code(), Some(2), "{}", said(&other));
}
