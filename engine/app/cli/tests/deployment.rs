//! A deployment from its first key to a revoked gate, as an operator runs it.

mod common;

use std::fs;

use common::{AT_ONCE, Deployment, SITE, eventually, hufu, ok, said, within};

/// R01, R02, R07: a picture that `issue` drew is read back and admitted, and refused once its holder is red.
#[test]
fn r07_a_picture_is_admitted_and_refused_once_its_holder_is_red() {
    let deployment = Deployment::new();
    let _engine = deployment.serve();
    ok(
        deployment.folder(),
        &[
            "issue",
            "phone",
            "--key",
            "issuer.key",
            "--holder",
            "42",
            "--out",
            "42.holder",
            "--png",
            "42.png",
            "--svg",
            "42.svg",
        ],
    );
    assert!(fs::read_to_string(deployment.path("42.svg")).unwrap().starts_with("<svg"));
    let check = ["check", "--gate", "gate", "--image", "42.png"];
    let output = hufu(deployment.folder(), &check);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("ADMIT"), "{}", said(&output));

    deployment.set("42", "red");
    eventually("red", || {
        let output = hufu(deployment.folder(), &check);
        if output.status.code() == Some(1) && said(&output).contains("status-red") {
            Ok(())
        } else {
            Err(said(&output))
        }
    });
    deployment.set("42", "amber");
    deployment.becomes("42", "status-amber", 4);
    deployment.run("snapshot set statuses.snapshot --holder 42 --unknown");
    deployment.becomes("42", "status-unknown", 4);
    deployment.run("snapshot set statuses.snapshot --holder 42 --colour green --generation 1");
    deployment.becomes("42", "superseded", 1);
    deployment.run("snapshot set statuses.snapshot --holder 42 --generation 0");
    deployment.becomes("42", "clear", 0);

    let late = deployment.run("present --holder 42.holder --at -3m");
    let output = hufu(deployment.folder(), &["check", "--gate", "gate", "--json", late.trim()]);
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((answer["reason"].as_str(), output.status.code()), (Some("clock-skew"), Some(4)), "R08");
    assert!(answer["clock_offset_s"].as_i64().unwrap() <= -120, "{answer}");
}

/// R03: paper is admitted as paper.
#[test]
fn r03_a_paper_code_is_told_as_paper() {
    let deployment = Deployment::new();
    let _engine = deployment.serve();
    let code = deployment.run("issue paper --key issuer.key --holder 42 --display W*1234");
    let output = hufu(deployment.folder(), &["check", "--gate", "gate", "--json", code.trim()]);
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["kind"], "paper");
    assert_eq!((&answer["decision"], &answer["display"]), (&"admit".into(), &"W*1234".into()));
}

/// R22: a snapshot that is older than the one applied is refused, running or restarted; a damaged one too.
#[test]
fn r22_an_older_or_damaged_snapshot_never_brings_green_back() {
    let deployment = Deployment::new();
    deployment.issue("42");
    let old = fs::read(deployment.path("statuses.snapshot")).unwrap();
    let engine = deployment.serve();
    deployment.becomes("42", "clear", 0);
    deployment.set("42", "red");
    deployment.becomes("42", "status-red", 1);
    let red = fs::read(deployment.path("statuses.snapshot")).unwrap();

    let put = |bytes: &[u8]| {
        fs::write(deployment.path("new"), bytes).unwrap();
        fs::rename(deployment.path("new"), deployment.path("statuses.snapshot")).unwrap();
    };
    put(&old);
    engine.signal("-HUP");
    engine.logs("is older than");
    assert_eq!(deployment.check("42").0, "status-red");
    put(&red[..red.len() - 7]);
    engine.logs("damaged (");
    assert_eq!(deployment.check("42").0, "status-red");

    put(&old);
    drop(engine);
    let output = deployment.attempt("serve --config engine.toml");
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("is older than"), "{}", said(&output));
    put(&red);
    let _engine = deployment.serve();
    assert_eq!(deployment.check("42").0, "status-red");
}

/// R22: other statuses under the sequence that was applied are refused, running or restarted.
#[test]
fn r22_another_snapshot_under_the_same_sequence_never_brings_green_back() {
    let deployment = Deployment::new();
    deployment.issue("42");
    let snapshot = deployment.path("statuses.snapshot");
    let before = fs::read(&snapshot).unwrap();
    let put = |bytes: &[u8]| {
        fs::write(deployment.path("new"), bytes).unwrap();
        fs::rename(deployment.path("new"), &snapshot).unwrap();
    };
    deployment.set("43", "green");
    let twin = fs::read(&snapshot).unwrap();
    put(&before);
    let engine = deployment.serve();
    deployment.set("42", "red");
    deployment.becomes("42", "status-red", 1);
    let red = fs::read(&snapshot).unwrap();
    put(&twin);
    engine.logs("with other statuses");
    assert_eq!(deployment.check("42").0, "status-red");
    drop(engine);
    let output = deployment.attempt("serve --config engine.toml");
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("with other statuses"), "{}", said(&output));
    put(&red);
    deployment.run("snapshot touch statuses.snapshot");
    let _engine = deployment.serve();
    assert_eq!(deployment.check("42").0, "status-red");
}

/// R06: a new policy takes effect without a restart; one with a fault is refused by file, line and key.
#[test]
fn r06_a_changed_policy_is_taken_and_a_faulty_one_is_not() {
    let deployment = Deployment::new();
    deployment.issue("42");
    let engine = deployment.serve();
    deployment.becomes("42", "clear", 0);
    deployment.write("sites.toml", &format!("[[site]]\nid = {SITE}\nname = \"Gate\"\ndoses_mim = 2\n"));
    engine.logs("sites.toml:4: doses_mim: there is no such key; did you mean doses_min?");
    assert_eq!(deployment.check("42").0, "clear", "the old policy stays");
    deployment.write(
        "sites.toml",
        &format!("[[site]]\nid = {SITE}\nname = \"Gate\"\nstaleness_ms_max = 86400000\ndoses_min = 2\n"),
    );
    deployment.becomes("42", "doses-too-few", 1);
    deployment.write("sites.toml", "[[site]]\nid = 1\nname = \"Elsewhere\"\n");
    // A gate of a site without a policy gets no session.
    eventually("no policy", || match deployment.check("42") {
        (_, Some(3)) => Ok(()),
        other => Err(format!("{other:?}")),
    });
}

/// A key that was revoked stays revoked, also after a restart with an older list.
#[test]
fn a_revoked_key_never_comes_back() {
    let deployment = Deployment::new();
    deployment.issue("42");
    let old = fs::read(deployment.path("trust.hufu")).unwrap();
    let engine = deployment.serve();
    deployment.becomes("42", "clear", 0);
    let list = deployment.run("keys trust show --operator operator.pub --list trust.hufu --json");
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    let key_id = list["keys"][0]["key_id"].as_str().unwrap();
    deployment.run(&format!("keys trust revoke --operator operator.key --list trust.hufu --key-id {key_id}"));
    deployment.becomes("42", "key-revoked", 1);

    fs::write(deployment.path("old"), &old).unwrap();
    fs::rename(deployment.path("old"), deployment.path("trust.hufu")).unwrap();
    engine.logs("would roll back");
    assert_eq!(deployment.check("42").0, "key-revoked");
    drop(engine);
    let engine = deployment.serve();
    engine.logs("stays in use");
    assert_eq!(deployment.check("42").0, "key-revoked");
}

/// R43: a revoked device is cut off at once, on sealed UDP within its session and on QUIC; an older revocation
/// list brings it back neither now nor after a restart.
#[test]
fn r43_a_revoked_device_is_cut_off_on_both_ways() {
    let deployment = Deployment::new();
    deployment.issue("42");
    let empty = fs::read(deployment.path("ca/crl.pem")).unwrap();
    let engine = deployment.serve();
    let mut gate = deployment.scanner();
    assert_eq!(gate.scan(deployment.code("42").as_bytes())["reason"], "clear");

    // A list that another authority signed is refused, whomever it names.
    deployment.run("ca init --dir other");
    let unseen = deployment.attempt("ca revoke --dir other --device 7");
    assert_eq!(unseen.status.code(), Some(4), "{}", said(&unseen));
    let genuine = deployment.path("genuine.pem");
    fs::copy(deployment.path("ca/crl.pem"), &genuine).unwrap();
    fs::copy(deployment.path("other/crl.pem"), deployment.path("ca/crl.pem")).unwrap();
    engine.logs("none of the root certificates has signed");
    assert_eq!(gate.scan(deployment.code("42").as_bytes())["decision"], "admit");

    let code = deployment.code("42");
    deployment.run("ca revoke --dir ca --device 7");
    within(AT_ONCE, "device-revoked", || {
        let answer = gate.scan(code.as_bytes());
        if answer["reason"] == "device-revoked" { Ok(()) } else { Err(answer.to_string()) }
    });
    assert_eq!(deployment.check("42"), ("no verdict".to_owned(), Some(3)), "no new session");
    let roster = deployment.attempt("check --gate terminal HF1:");
    assert_eq!(roster.status.code(), Some(1), "another device goes on: {}", said(&roster));

    fs::write(deployment.path("ca/crl.pem"), &empty).unwrap();
    engine.logs("Whoever was revoked stays revoked");
    drop(engine);
    let _engine = deployment.serve();
    assert_eq!(deployment.check("42"), ("no verdict".to_owned(), Some(3)), "not after a restart either");
    let output = deployment
        .attempt(&format!("ca device --dir ca --device 7 --site {SITE} --engine 127.0.0.1:1 --out again"));
    assert_eq!(output.status.code(), Some(2), "a revoked generation is not issued again: {}", said(&output));
}

/// R43: the change of the device CA, as OPERATIONS describes it.
#[test]
fn r43_gates_of_the_old_and_of_the_next_authority_are_served_together() {
    let deployment = Deployment::new();
    let join = |folders: [&str; 2], name: &str, out: &str| {
        let read = |folder: &str| fs::read_to_string(deployment.path(&format!("{folder}/{name}"))).unwrap();
        deployment.write(out, &folders.map(read).concat());
    };
    let config = fs::read_to_string(deployment.path("engine.toml")).unwrap();
    let config = config.replace("ca/ca.pem", "devices-ca.pem").replace("ca/crl.pem", "devices-crl.pem");
    deployment.write("engine.toml", &config);
    deployment.run("ca init --dir ca2");
    deployment.run(&format!(
        "ca device --dir ca2 --device 7 --generation 1 --site {SITE} --engine 127.0.0.1:1 --out moved"
    ));
    fs::copy(deployment.path("gate/gate.toml"), deployment.path("moved/gate.toml")).unwrap();
    for out in ["devices-ca.pem", "gate/ca.pem", "moved/ca.pem"] {
        join(["ca", "ca2"], "ca.pem", out);
    }
    join(["ca", "ca2"], "crl.pem", "devices-crl.pem");
    let engine = deployment.serve();
    let answer = |gate: &str| deployment.attempt(&format!("check --gate {gate} HF1:"));
    for gate in ["gate", "moved"] {
        let output = answer(gate);
        assert_eq!(output.status.code(), Some(1), "{gate}: a verdict: {}", said(&output));
    }
    deployment.run("ca revoke --dir ca --device 7");
    join(["ca", "ca2"], "crl.pem", "devices-crl.pem");
    within(AT_ONCE, "the old gate is out", || {
        let output = answer("gate");
        if output.status.code() == Some(3) { Ok(()) } else { Err(said(&output)) }
    });
    assert_eq!(answer("moved").status.code(), Some(1));

    for folder in ["twin", "other"] {
        deployment.run(&format!("ca init --dir {folder} --name Twin"));
    }
    join(["twin", "other"], "ca.pem", "devices-ca.pem");
    engine.logs("two root certificates have the name CN=Twin and different keys");
}

/// R43: neither a certificate that is damaged nor a snapshot that takes its time holds up a revocation.
#[test]
fn r43_nothing_holds_up_a_revocation() {
    let deployment = Deployment::new();
    deployment.issue("42");
    let engine = deployment.serve();
    let mut gate = deployment.scanner();
    assert_eq!(gate.scan(deployment.code("42").as_bytes())["reason"], "clear");
    deployment.write("engine.pem", "none");
    engine.logs("engine.pem is refused");
    // Whoever opens this waits for somebody to write.
    fs::remove_file(deployment.path("statuses.snapshot")).unwrap();
    let made =
        std::process::Command::new("mkfifo").arg(deployment.path("statuses.snapshot")).status().unwrap();
    assert!(made.success());
    std::thread::sleep(std::time::Duration::from_secs(2));
    let code = deployment.code("42");
    deployment.run("ca revoke --dir ca --device 7");
    within(AT_ONCE, "device-revoked", || {
        let answer = gate.scan(code.as_bytes());
        if answer["reason"] == "device-revoked" { Ok(()) } else { Err(answer.to_string()) }
    });
    engine.signal("-TERM");
    assert_eq!(engine.ended(), Some(0));
}

/// Operators change: the list is handed over, and what was revoked under the old key stays revoked.
#[test]
fn a_new_operator_takes_over_without_forgetting_anything() {
    let deployment = Deployment::new();
    deployment.issue("42");
    let list = deployment.run("keys trust show --operator operator.pub --list trust.hufu --json");
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    let key_id = list["keys"][0]["key_id"].as_str().unwrap();
    deployment.run(&format!("keys trust revoke --operator operator.key --list trust.hufu --key-id {key_id}"));
    drop(deployment.serve());
    deployment.run("keys generate operator --out next");
    let before = fs::read_to_string(deployment.path("engine.toml")).unwrap();
    deployment.write("engine.toml", &before.replace("\"operator.pub\"", "\"next.pub\""));

    let refused = |wanted: &str| {
        let output = deployment.attempt("serve --config engine.toml");
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        assert!(said(&output).contains(wanted), "{}", said(&output));
    };
    refused("not this operator's key");
    fs::rename(deployment.path("trust.hufu"), deployment.path("old.hufu")).unwrap();
    deployment.run("keys trust new --operator next.key --out trust.hufu");
    refused("`hufu keys trust hand-over` signs it");
    fs::rename(deployment.path("old.hufu"), deployment.path("trust.hufu")).unwrap();
    deployment.run("keys trust hand-over --operator next.key --from operator.pub --list trust.hufu");
    drop(deployment.serve());
    let _engine = deployment.serve();
    deployment.becomes("42", "key-revoked", 1);
}

/// A scanner types what it sees: one verdict for each line, whatever is in it.
#[test]
fn a_scanner_survives_garbage() {
    let deployment = Deployment::new();
    deployment.issue("42");
    let _engine = deployment.serve();
    let mut gate = deployment.scanner();
    let code = deployment.code("42");
    let reason = |answer: serde_json::Value| answer["reason"].as_str().unwrap_or("none").to_owned();
    assert_eq!(reason(gate.scan(format!("{code}\r").as_bytes())), "clear");
    assert_eq!(reason(gate.scan(b"\xff\xfe\x00garbage")), "not-a-code");
    assert_eq!(reason(gate.scan(&vec![b'A'; 100_000])), "not-a-code");
    assert_eq!(reason(gate.scan(&[&b"HF1:"[..], &vec![b'A'; 100_000]].concat())), "code-too-long");
    // Certificates of other systems: a short one, a usual one, one beyond the largest QR code.
    for bytes in [6, 600, 100_000] {
        assert_eq!(reason(gate.scan(&[&b"HC1:"[..], &vec![b'A'; bytes]].concat())), "foreign-code");
    }
    assert_eq!(reason(gate.scan(b"https://example.invalid/")), "not-a-code");
    assert_eq!(reason(gate.scan(&code.as_bytes()[..code.len() - 3])), "bad-encoding");
    assert_eq!(reason(gate.scan(format!("\r\n  \n{code}").as_bytes())), "clear", "blank lines are no codes");
    assert_eq!(gate.end(), Some(0));
}

/// R47: the people at the gate are told when their scanner is at fault, and what it adds to a code does not matter.
#[test]
fn r47_a_scanner_is_told_apart_from_a_code() {
    let deployment = Deployment::new();
    deployment.issue("42");
    let _engine = deployment.serve();
    let settings = fs::read_to_string(deployment.path("gate/gate.toml")).unwrap();
    deployment.write(
        "gate/gate.toml",
        &format!("{settings}scanner_prefix = \"GATE-7 \"\nscanner_suffix = \"#\"\n"),
    );
    let mut gate = deployment.scanner();
    let code = deployment.code("42");
    // Nothing comes after the end of a scan: the next person has not come yet.
    for end in ["\r", "\r\n", "\n", "\t", "\u{3}"] {
        assert_eq!(gate.types(format!("{code}{end}").as_bytes())["reason"], "clear", "{end:?}");
    }
    for (before, after) in
        [("]Q1", ""), ("\u{2}", "\u{3}"), ("\0\u{feff}", "\0"), ("\u{a0}", "\u{a0}"), ("GATE-7 ", "#")]
    {
        assert_eq!(gate.scan(format!("{before}{code}{after}").as_bytes())["reason"], "clear", "{before:?}");
    }
    let swapped = code.replace(':', "Ö").replace('-', "ß").replace('Y', "z");
    for (typed, reason) in [
        (code.to_lowercase(), "scanner-keyboard"),
        (swapped.clone(), "scanner-keyboard"),
        (format!("LANE 3 {code}"), "scanner-prefix"),
    ] {
        let answer = gate.scan(typed.as_bytes());
        assert_eq!(
            (&answer["decision"], &answer["reason"]),
            (&serde_json::Value::Null, &reason.into()),
            "{answer}"
        );
    }
    assert_eq!(gate.end(), Some(0));

    for what in [&code.to_lowercase(), &swapped] {
        for line in [&["check", "--gate", "gate", what][..], &["inspect", what]] {
            let output = hufu(deployment.folder(), line);
            assert!(said(&output).contains("keyboard layout or Caps Lock is wrong"), "{}", said(&output));
            assert_ne!(output.status.code(), Some(0));
        }
    }
    for line in [
        &["check", "--gate", "gate", &format!("]Q1{code}\r")][..],
        &["inspect", &format!("\u{feff}{code}\n")],
    ] {
        assert_eq!(hufu(deployment.folder(), line).status.code(), Some(0));
    }
}
