//! An engine's own life: configuration, signals, a violent death.

mod common;

use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use common::{Deployment, eventually, get, hufu, said};
use hufu_codes::issue::OperatorSigner;
use hufu_codes::keyring::TrustList;
use hufu_signature::PreparedKey;
use hufu_wire::UnixSeconds;

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
        "sites.toml has no private key in PEM",
    );
    refused(
        &deployment,
        |text| text.replace("state = ", "cluster_seed = \"cluster.seed\"\nstate = "),
        "run `hufu keys cluster migrate --seed cluster.seed --state state`",
    );
    refused(
        &deployment,
        |text| text.replace("\"state\"", "\"elsewhere\""),
        "cluster.keys is missing. For the first engine of a cluster run `hufu keys cluster new --state",
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
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs/examples");
    for name in ["engine.toml", "sites.toml"] {
        deployment.write(name, &fs::read_to_string(examples.join(name)).unwrap());
    }
    // Another engine may have the usual ports.
    let text = fs::read_to_string(deployment.path("engine.toml")).unwrap();
    let [udp, quic, metrics] = [7410, 7411, 7412].map(|port| format!(":{port}\""));
    let ports = text
        .replace(&udp, ":0\"")
        .replace(&quic, ":0\"")
        .replace(&metrics, ":0\"")
        .replace("# udp =", "udp =");
    let ports = ports.replace("# quic =", "quic =").replace("# metrics =", "metrics =");
    deployment.write("engine.toml", &ports);
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
    assert!(said(&output).contains("another process uses the state folder"), "{}", said(&output));
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
    engine.logs("engine.key: the engine's certificate is loaded");
    assert_eq!(deployment.check("42").0, "clear");
}

#[test]
fn b11_a_certificate_is_renewed_without_a_restart_and_a_revoked_one_is_not_taken() {
    let deployment = Deployment::new();
    deployment.issue("42");
    let engine = deployment.serve();
    deployment.becomes("42", "clear", 0);
    deployment.run("ca server --dir ca --out engine --renew");
    engine.logs("the engine's certificate is loaded");
    assert_eq!(deployment.check("42").0, "clear");

    deployment.run("ca server --dir ca --out other");
    deployment.run("ca revoke --dir ca --engine other.pem");
    engine.logs("roots and revocation lists are loaded");
    for name in ["key", "pem"] {
        let to = deployment.path(&format!("engine.{name}"));
        fs::rename(deployment.path(&format!("other.{name}")), to).unwrap();
    }
    engine.logs("the certificate is revoked; `hufu ca server --renew` issues a new one");
    assert_eq!(deployment.check("42").0, "clear", "what was in force stays in force");
    assert!(deployment.path("gate/revoked.crl").exists(), "the gate remembers who is revoked");
}

/// One gate, one session: the cluster's key chain is changed under it, and another engine takes over.
#[test]
fn b10_a_key_chain_is_changed_and_handed_over_and_no_gate_notices() {
    let deployment = Deployment::new();
    deployment.issue("42");
    let engine = deployment.serve();
    deployment.becomes("42", "clear", 0);
    let mut gate = deployment.scanner();
    let mut number = 0;
    let mut clear = || {
        number += 1;
        let verdict = gate.scan(deployment.code("42").as_bytes());
        // Numbers start at 1 in each session: this one goes on.
        assert_eq!((&verdict["reason"], &verdict["number"]), (&"clear".into(), &number.into()), "{verdict}");
    };
    clear();
    for (command, logged) in [
        ("next", "cluster keys: chain 0 (seals new cookies) and chain 1"),
        ("use", "cluster keys: chain 0 and chain 1 (seals new cookies)"),
    ] {
        deployment.run(&format!("keys cluster {command} --state state"));
        engine.logs(logged);
        clear();
    }
    let early = deployment.attempt("keys cluster drop --state state");
    assert_eq!(early.status.code(), Some(2), "{}", said(&early));
    assert!(said(&early).contains("gates can have cookies of the older key chain until"), "{}", said(&early));

    deployment.run("keys cluster ask --out two");
    deployment.run("keys cluster export --state state --for two.ask --out two.sealed");
    deployment.run("keys cluster import --state state2 --ask two --from two.sealed");
    assert!(!deployment.path("two.ask.key").exists(), "nothing is left that opens it");
    drop(engine);
    let config = fs::read_to_string(deployment.path("engine.toml")).unwrap();
    deployment.write("engine.toml", &config.replace("\"state\"", "\"state2\""));
    let engine = deployment.serve();
    clear();
    deployment.run("keys cluster drop --state state2 --now");
    engine.logs("cluster keys: chain 1 (seals new cookies)");
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
    deployment.run("ca server --dir ca --out engine --renew --valid 20m");
    let engine = deployment.serve();
    engine.logs("the engine's certificate ends ");
    assert!(!engine.log().contains("needs a restart"), "{}", engine.log());
    deployment.run("keys generate operator --out other");
    fs::rename(deployment.path("other.pub"), deployment.path("operator.pub")).unwrap();
    engine.logs("operator.pub has changed, which needs a restart");
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

/// Signs the trust list again, as one whose successor was due a minute ago.
#[expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
fn make_overdue(deployment: &Deployment) {
    let key: toml::Table = fs::read_to_string(deployment.path("operator.key")).unwrap().parse().unwrap();
    let seed = hex::decode(key["seed"].as_str().unwrap()).unwrap();
    let operator = OperatorSigner::from_seed(&seed.try_into().unwrap());
    let list = fs::read(deployment.path("trust.hufu")).unwrap();
    let list = TrustList::open(&list, &PreparedKey::new(operator.public()).unwrap()).unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let times = [120, 60].map(|ago| UnixSeconds(u32::try_from(now - ago).unwrap()));
    let keys: Vec<_> = list.keys().iter().map(|(_, key)| *key).collect();
    let signed = TrustList::sign_dated(list.version() + 1, times.into(), &[], &keys, &operator);
    fs::write(deployment.path("trust.new"), signed).unwrap();
    fs::rename(deployment.path("trust.new"), deployment.path("trust.hufu")).unwrap();
}

#[test]
fn a9_check_fails_for_what_serve_would_fail_for() {
    let deployment = Deployment::new();
    deployment.run("ca server --dir ca --out other");
    deployment.run("ca server --dir ca --valid 1s --out brief");
    make_overdue(&deployment);
    let fresh = |text: &str| format!("{text}\n[trust]\nlist_must_be_fresh = true\n");
    let other = |text: &str| text.replace("\"engine.key\"", "\"other.key\"");
    refused(&deployment, other, "other.key is not the key of the certificate in");
    let no_pem = |text: &str| text.replace("\"engine.key\"", "\"operator.key\"");
    refused(&deployment, no_pem, "operator.key has no private key in PEM");
    refused(&deployment, |text| text.replace("\"state\"", "\"sites.toml/state\""), "sites.toml/state");
    let elsewhere = |text: &str| text.replace("udp = \"127.0.0.1", "udp = \"192.0.2.1");
    refused(&deployment, elsewhere, "the address of `udp` in [listen] cannot be served");
    let brief = |text: &str| {
        text.replace("\"engine.pem\"", "\"brief.pem\"").replace("\"engine.key\"", "\"brief.key\"")
    };
    let ended = |change: &dyn Fn(&str) -> String, wanted: &str| {
        let text = fs::read_to_string(deployment.path("engine.toml")).unwrap();
        deployment.write("ended.toml", &change(&text));
        eventually(wanted, || {
            let output = deployment.attempt("serve --config ended.toml --check");
            let is_told = output.status.code() == Some(2) && said(&output).contains(wanted);
            if is_told { Ok(()) } else { Err(said(&output)) }
        });
    };
    ended(&brief, "the engine's certificate ended");
    refused(&deployment, fresh, "the next trust list was due by");
    let left: Vec<_> =
        fs::read_dir(deployment.path("state")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["cluster.keys"], "nothing stays behind");

    // Beside a running engine its own addresses are no fault; without it they would be.
    let engine = deployment.serve();
    deployment.run("serve --config engine.toml --check");
    deployment.run("keys cluster new --state state-2");
    refused(
        &deployment,
        |text| text.replace("\"state\"", "\"state-2\""),
        "in [listen] cannot be served: another process listens there",
    );
    drop(engine);
}

/// Whoever keeps newer lists from an engine gains nothing after the time that the last one says.
#[test]
fn b14_an_overdue_trust_list_shuts_an_engine_that_asks_for_fresh_ones() {
    let deployment = Deployment::new();
    deployment.issue("42");
    let text = fs::read_to_string(deployment.path("engine.toml")).unwrap();
    let text = text.replace("metrics = \"\"", &format!("metrics = \"{}\"", common::free_address()));
    let metrics = text.split_once("metrics = \"").unwrap().1.split_once('"').unwrap().0.to_owned();
    deployment.write("engine.toml", &format!("{text}\n[trust]\nlist_must_be_fresh = true\n"));
    let _engine = deployment.serve();
    deployment.becomes("42", "clear", 0);
    let ready = |wanted: u16, line: &str| {
        eventually(line, || {
            let (status, page) = get(&metrics, "/readyz");
            if status == wanted && page.contains(line) { Ok(()) } else { Err(page) }
        });
    };
    ready(200, "ready");
    make_overdue(&deployment);
    deployment.becomes("42", "stale-data", 4);
    ready(503, "the next trust list was due by");
    deployment.run("keys trust refresh --operator operator.key --list trust.hufu");
    deployment.becomes("42", "clear", 0);
    ready(200, "ready");
    let page = get(&metrics, "/metrics").1;
    assert!(page.contains("hufu_trust_list_version 4"), "{page}");
    for name in
        ["hufu_trust_list_left_seconds ", "hufu_certificate_left_seconds ", "hufu_crl_age_seconds{authority="]
    {
        assert!(page.contains(name), "{name} is missing in {page}");
    }

    // Data that no site takes any more is not ready either.
    let sites = fs::read_to_string(deployment.path("sites.toml")).unwrap();
    deployment.write("sites.toml", &sites.replace("86400000", "1000"));
    ready(503, "no site takes data older than 1.0 s");
}
