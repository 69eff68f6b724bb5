//! `hufu doctor` on a deployment that is right, and on the same with one thing broken.

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use common::{Deployment, eventually, said};

/// The rows of these states, and the exit status.
fn rows(deployment: &Deployment, line: &str, states: &[&str]) -> (Vec<serde_json::Value>, Option<i32>) {
    let output = deployment.attempt(&format!("doctor --json {line}"));
    let rows: serde_json::Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)));
    // Whether a time service keeps the clock of a test's machine is not ours to say.
    let wanted = |row: &&serde_json::Value| {
        row["what"] != "clock" && states.iter().any(|state| row["state"] == **state)
    };
    (rows.as_array().into_iter().flatten().filter(wanted).cloned().collect(), output.status.code())
}

/// Exactly one row is bad; it says `found`, and `todo` says what to do.
fn check(deployment: &Deployment, line: &str, found: &str, todo: &str) {
    let (bad, status) = rows(deployment, line, &["bad"]);
    assert_eq!((bad.len(), status), (1, Some(1)), "{bad:?}");
    let says = |key: &str, wanted: &str| bad[0][key].as_str().unwrap_or_default().contains(wanted);
    assert!(says("found", found) && says("todo", todo), "{bad:?} does not say {found:?} and {todo:?}");
}

#[test]
fn r50_a_doctor_finds_what_is_wrong_and_says_what_to_do() {
    let deployment = Deployment::new();
    let engine = "--engine engine.toml";
    assert_eq!(rows(&deployment, engine, &["bad", "look"]).0, [0; 0]);
    let (fine, _) = rows(&deployment, engine, &["ok"]);
    for what in ["engine configuration", "engine key", "sites", "snapshot", "cluster keys"] {
        assert!(fine.iter().any(|row| row["what"] == what), "{what} is not in {fine:?}");
    }
    let table = said(&deployment.attempt("doctor"));
    assert!(table.contains("what to do") && table.contains("engine certificate engine.pem"), "{table}");

    // One thing at a time is broken and put right again.
    let key = deployment.path("engine.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    check(&deployment, engine, "mode 644", "chmod 600 engine.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    for (file, found, todo) in [
        ("operator.pub", "cannot read", "copy operator.pub"),
        ("trust.hufu", "cannot read", "newest trust list"),
        ("engine.pem", "cannot read", "hufu ca server --renew"),
        ("ca/crl.pem", "cannot read", "hufu ca refresh"),
        ("sites.toml", "cannot read", "hufu site export"),
        ("statuses.snapshot", "statuses.snapshot", "hufu snapshot new"),
        ("state/cluster.keys", "is missing", "hufu keys cluster new"),
    ] {
        let (path, aside) = (deployment.path(file), deployment.path("aside"));
        fs::rename(&path, &aside).unwrap();
        check(&deployment, engine, found, todo);
        fs::rename(&aside, &path).unwrap();
    }
    let config = fs::read_to_string(deployment.path("engine.toml")).unwrap();
    deployment.write("engine.toml", &config.replace("udp = \"127.0.0.1:", "udp = \"192.0.2.1:"));
    check(&deployment, engine, "assign", "an address of this machine");
    deployment.write("engine.toml", &config.replace("threads", "treads"));
    check(&deployment, engine, "did you mean threads?", "docs/examples/engine.toml");
    deployment.write("engine.toml", &config);

    let gate = fs::read_to_string(deployment.path("gate/gate.toml")).unwrap();
    deployment.write("gate/gate.toml", "engines = ['nowhere.invalid:1']\n");
    check(&deployment, "--gate gate", "nowhere.invalid", "start the engine");
    deployment.write("gate/gate.toml", &gate);
    let running = deployment.serve();
    assert_eq!(rows(&deployment, "--gate gate", &["bad", "look"]).0, [0; 0]);
    // The configuration of `hufu gate` has the same name, and names the gate's folder.
    deployment.write("gate.toml", "gate = \"gate\"\n[[lane]]\nnumber = 0\nscanner = \"stdin\"\n");
    assert_eq!(rows(&deployment, "--gate .", &["bad", "look"]).0, [0; 0]);
    assert_eq!(rows(&deployment, engine, &["bad", "look"]).0, [0; 0], "its addresses are in use by itself");
    deployment.run("ca init --dir other");
    let own = fs::read(deployment.path("gate/ca.pem")).unwrap();
    fs::copy(deployment.path("other/ca.pem"), deployment.path("gate/ca.pem")).unwrap();
    check(&deployment, "--gate gate", "another authority", "the operator's ca.pem");
    fs::write(deployment.path("gate/ca.pem"), own).unwrap();
    let own = fs::read(deployment.path("gate/device.key")).unwrap();
    fs::copy(deployment.path("terminal/device.key"), deployment.path("gate/device.key")).unwrap();
    check(&deployment, "--gate gate", "gate/ca.pem: the key is not that of the", "hufu ca device");
    fs::write(deployment.path("gate/device.key"), own).unwrap();
    deployment.run("ca revoke --dir ca --device 7");
    eventually("the gate is revoked", || {
        let (bad, _) = rows(&deployment, "--gate gate", &["bad"]);
        if bad.is_empty() { Err("it is served".to_owned()) } else { Ok(()) }
    });
    check(&deployment, "--gate gate", "revoked", "hufu ca device with the next --generation");
    drop(running);
    let output = deployment.attempt("doctor --gate nowhere");
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
}

#[test]
fn r50_a_key_that_ends_needs_a_look_until_the_next_one_is_listed() {
    let deployment = Deployment::new();
    let add = |name: &str, uses: &str| {
        deployment.run(&format!("keys generate issuer --issuer 310000 --out {name}"));
        deployment.run(&format!(
            "keys trust add --operator operator.key --list trust.hufu --key {name}.pub --uses {uses} --until +2d"
        ));
        rows(&deployment, "--engine engine.toml", &["bad", "look"]).0
    };
    assert_eq!(add("before", "phone,paper"), [0; 0], "the issuer's other key signs the same for longer");
    let ends = add("head", "phone,head");
    assert_eq!(ends.len(), 1, "no other key signs heads: {ends:?}");
}

#[test]
fn r50_a_doctor_examines_a_registry() {
    let deployment = Deployment::new();
    deployment.run("registry init office --issuer 320000=Jiangsu --national 100000 --publisher 900000 --token-out admin.token");
    for name in ["operator.pub", "trust.hufu"] {
        fs::copy(deployment.path(name), deployment.path("office").join(name)).unwrap();
    }
    let registry = "--registry office/registry.toml";
    assert_eq!(rows(&deployment, registry, &["bad", "look"]).0, [0; 0]);
    let vault = deployment.path("office/vault.key");
    assert!(vault.exists(), "{:?}", fs::read_dir(deployment.path("office")).unwrap().collect::<Vec<_>>());
    fs::set_permissions(&vault, fs::Permissions::from_mode(0o640)).unwrap();
    check(&deployment, registry, "mode 640", "chmod 600");
}
