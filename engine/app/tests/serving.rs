//! An engine's own life: configuration, signals, a violent death.

mod common;

use std::fs;
use std::path::Path;

use common::{Deployment, hufu, said};

#[expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
fn refused(deployment: &Deployment, change: impl Fn(&str) -> String, wanted: &str) {
    let text = fs::read_to_string(deployment.path("engine.toml")).unwrap();
    deployment.write("wrong.toml", &change(&text));
    let output = deployment.attempt("serve --config wrong.toml --check");
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains(wanted), "not {wanted:?}: {}", said(&output));
}

#[test]
fn configuration_errors_name_file_line_and_key() {
    let deployment = Deployment::new();
    refused(
        &deployment,
        |text| text.replace("quic = ", "quik = "),
        "wrong.toml:3: quik: there is no such key; did you mean quic?",
    );
    refused(
        &deployment,
        |text| text.replace("threads = 1", "threads = \"one\""),
        "wrong.toml:7: threads: invalid type",
    );
    refused(
        &deployment,
        |text| text.replace("threads = 1", "threads = 1000"),
        "wrong.toml:7: threads: 1000 is out of range",
    );
    refused(&deployment, |text| text.replace("trust_list", "# trust_list"), "trust_list: is missing");
    refused(&deployment, |text| format!("{text}\n[extra]\nkey = 1\n"), "extra: there is no such key");
    refused(&deployment, |text| text.replace("\"sites.toml\"", "\"none.toml\""), "cannot read none.toml");
    refused(
        &deployment,
        |text| text.replace("\"trust.hufu\"", "\"sites.toml\""),
        "sites.toml is not a trust list",
    );
    refused(
        &deployment,
        |text| text.replace("\"statuses.snapshot\"", "\"sites.toml\""),
        "sites.toml: not a Hufu status snapshot",
    );
    refused(
        &deployment,
        |text| text.replace("\"engine.key\"", "\"sites.toml\""),
        "sites.toml cannot be used",
    );
    refused(
        &deployment,
        |text| text.replace("\"cluster.seed\"", "\"sites.toml\""),
        "sites.toml is not a seed",
    );
    refused(&deployment, |text| text.replace("\"operator.pub\"", "\"issuer.pub\""), "a key of another use");
    let good = deployment.attempt("serve --config engine.toml --check");
    assert_eq!(good.status.code(), Some(0), "{}", said(&good));
    assert!(said(&good).contains("1 sites; 1 holders of 1 issuers"), "{}", said(&good));
}

/// The shipped examples are a working deployment as soon as the files they name are there.
#[test]
fn the_shipped_examples_can_be_served() {
    let deployment = Deployment::new();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/examples");
    for name in ["engine.toml", "sites.toml"] {
        deployment.write(name, &fs::read_to_string(examples.join(name)).unwrap());
    }
    fs::rename(deployment.path("statuses.snapshot"), deployment.path("issuer-310000.snapshot")).unwrap();
    let output = deployment.attempt("serve --config engine.toml --check");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

#[test]
fn sigterm_and_sigint_end_in_status_0() {
    let deployment = Deployment::new();
    for signal in ["-TERM", "-INT"] {
        let engine = deployment.serve();
        let log = engine.log();
        for wanted in ["signatures: ", "processor: ", "huge pages: ", "ready udp="] {
            assert!(log.contains(wanted), "{log}");
        }
        assert!(!log.contains('\u{1b}'), "no colours in a file: {log}");
        engine.signal(signal);
        assert_eq!(engine.ended(), Some(0));
    }
}

/// An engine keeps no session: killed and started again, it serves the same cookie at once.
#[test]
fn r43_an_engine_that_was_killed_serves_the_old_cookie() {
    let deployment = Deployment::new();
    deployment.issue("42");
    let engine = deployment.serve();
    let mut gate = deployment.scanner();
    let first = gate.scan(deployment.code("42").as_bytes());
    assert_eq!((&first["reason"], &first["number"]), (&"clear".into(), &1.into()));
    engine.signal("-KILL");
    assert_eq!(engine.ended(), None, "killed");
    let offline = gate.scan(deployment.code("42").as_bytes());
    assert!(offline["decision"].is_null(), "{offline}");

    let _engine = deployment.serve();
    let third = gate.scan(deployment.code("42").as_bytes());
    assert_eq!(third["reason"], "clear");
    // Numbers start at 1 in each session: this one goes on.
    assert_eq!(third["number"], 3);
}

#[test]
fn two_engines_do_not_share_a_memory() {
    let deployment = Deployment::new();
    let _engine = deployment.serve();
    let output = hufu(deployment.folder(), &["serve", "--config", "engine.toml"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("another engine uses the state folder"), "{}", said(&output));
    let look = deployment.attempt("serve --config engine.toml --check");
    assert_eq!(look.status.code(), Some(0), "one may look while it runs: {}", said(&look));
}

/// R43: nothing in the log tells who was checked, and a check leaves no line at all.
#[test]
fn a_check_leaves_no_line_in_the_log() {
    let deployment = Deployment::new();
    deployment.issue("42");
    let engine = deployment.serve();
    deployment.becomes("42", "clear", 0);
    let lines = engine.log().lines().count();
    for _ in 0..5 {
        assert_eq!(deployment.check("42").0, "clear");
    }
    assert_eq!(engine.log().lines().count(), lines, "{}", engine.log());
}

/// A certificate and its key are replaced one after the other; nothing breaks in between.
#[test]
fn a_new_certificate_is_taken_when_its_key_has_come() {
    let deployment = Deployment::new();
    deployment.issue("42");
    let engine = deployment.serve();
    deployment.becomes("42", "clear", 0);
    deployment.run("ca server --dir ca --out next");
    fs::rename(deployment.path("next.pem"), deployment.path("engine.pem")).unwrap();
    engine.logs("engine.pem is refused");
    assert_eq!(deployment.check("42").0, "clear");
    fs::rename(deployment.path("next.key"), deployment.path("engine.key")).unwrap();
    engine.logs("engine.key: the engine's certificate is in force");
    assert_eq!(deployment.check("42").0, "clear");
}

/// What an engine remembers can be lost, and then it does not take that for a first start.
#[test]
fn a_lost_memory_is_no_first_start() {
    let deployment = Deployment::new();
    let engine = deployment.serve();
    engine.logs("remembers nothing: a first start");
    drop(engine);
    fs::remove_file(deployment.path("state/memory.json")).unwrap();
    for line in ["serve --config engine.toml", "serve --config engine.toml --check"] {
        let output = deployment.attempt(line);
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains("state/memory.json is missing"), "{}", said(&output));
    }
}

/// Nobody needs to touch a file for a certificate to end; and what is read only once says so.
#[test]
fn what_ends_and_what_needs_a_restart_is_told() {
    let deployment = Deployment::new();
    for name in ["engine.pem", "engine.key", "cluster.seed"] {
        fs::rename(deployment.path(name), deployment.path(&format!("old.{name}"))).unwrap();
    }
    deployment.run("ca server --dir ca --out engine --valid 20d");
    deployment.run("keys cluster --out cluster.seed");
    let engine = deployment.serve();
    engine.logs("the engine's certificate ends ");
    assert!(!engine.log().contains("needs a restart"), "{}", engine.log());
    fs::rename(deployment.path("old.cluster.seed"), deployment.path("cluster.seed")).unwrap();
    engine.logs("cluster.seed has changed, which needs a restart");
    assert_eq!(engine.log().matches("the engine's certificate ends ").count(), 1, "{}", engine.log());
}

#[test]
fn a_gate_without_an_engine_says_so_in_status_3() {
    let deployment = Deployment::new();
    deployment.issue("42");
    let output = hufu(deployment.folder(), &["check", "--gate", "gate", &deployment.code("42")]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains("hufu: "), "{}", said(&output));
}

/// Two files may not speak for one issuer, nor one file for another issuer than before.
#[test]
fn a_snapshot_in_the_wrong_place_is_refused() {
    let deployment = Deployment::new();
    deployment.issue("42");
    deployment.run("snapshot new --issuer 310000 --out twin.snapshot");
    refused(
        &deployment,
        |text| text.replace("[\"statuses.snapshot\"]", "[\"statuses.snapshot\", \"twin.snapshot\"]"),
        "is of issuer 310000",
    );
    let engine = deployment.serve();
    deployment.becomes("42", "clear", 0);
    deployment.run("snapshot new --issuer 320000 --out other.snapshot");
    fs::rename(deployment.path("other.snapshot"), deployment.path("statuses.snapshot")).unwrap();
    engine.logs("is of issuer 320000");
    assert_eq!(deployment.check("42").0, "clear");
}
