//! What people need who write a gate, or bring their own keys and files.

mod common;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use common::{Deployment, SITE, said};
use rcgen::{CertificateParams, KeyPair};

const BOM: &str = "\u{feff}";

/// The file begins with a byte order mark from here on.
#[expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
fn mark(path: &Path) {
    let bytes = fs::read(path).unwrap();
    fs::write(path, [BOM.as_bytes(), &bytes].concat()).unwrap();
}

/// Every type of key that docs/PROTOCOL.md names is accepted by the engine too.
#[test]
fn r43_a_device_that_makes_its_own_key_is_certified_for_a_request() {
    let deployment = Deployment::new();
    let engines = fs::read_to_string(deployment.path("gate/gate.toml")).unwrap();
    let quic = engines.split('"').nth(1).unwrap().to_owned();
    let _engine = deployment.serve();
    let types = [
        &rcgen::PKCS_ECDSA_P256_SHA256,
        &rcgen::PKCS_ECDSA_P384_SHA384,
        &rcgen::PKCS_ED25519,
        &rcgen::PKCS_RSA_SHA256,
    ];
    for (device, algorithm) in (20..).zip(types) {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let request = CertificateParams::new(vec!["ca.example".to_owned()]).unwrap();
        let request = request.serialize_request(&key).unwrap().pem().unwrap();
        deployment.write("gate.csr", &format!("{BOM}{request}"));
        let made = deployment.run(&format!(
            "ca device --dir ca --device {device} --site {SITE} --csr gate.csr --engine {quic} --out gates/{device}"
        ));
        assert!(made.contains("the device keeps its own"), "{made}");
        let folder = deployment.path(&format!("gates/{device}"));
        assert!(!folder.join("device.key").exists());
        fs::write(folder.join("device.key"), key.serialize_pem()).unwrap();
        fs::set_permissions(folder.join("device.key"), Permissions::from_mode(0o600)).unwrap();
        let gate = format!("gates/{device}");
        // Whatever the verdict: the engine has enrolled the gate.
        let answer = deployment.attempt(&format!("check --gate {gate} --json HF1:"));
        assert!(said(&answer).contains("\"bad-encoding\""), "{algorithm:?}: {}", said(&answer));
    }
    // A request of another's key.
    deployment.write("gate.csr", "no request");
    let refused = deployment.attempt(&format!(
        "ca device --dir ca --device 30 --site {SITE} --csr gate.csr --engine {quic} --out gates/30"
    ));
    assert!(said(&refused).contains("gate.csr: not a certificate request"), "{}", said(&refused));
}

/// A generation is issued once, so nothing may be used up for what no engine or gate would take.
#[test]
fn ca_device_refuses_what_check_would_refuse() {
    let deployment = Deployment::new();
    let attempt = |more: &str| {
        let engine = if more.contains("--engine") { "" } else { " --engine 127.0.0.1:7411" };
        deployment
            .attempt(&format!("ca device --dir ca --device 9 --site {SITE}{engine} --out gates/9 {more}"))
    };
    for (more, wanted) in [
        ("--engine 0.0.0.0:7411", "no gate can ask there"),
        ("--engine [::]:7411", "no gate can ask there"),
        ("--engine 127.0.0.1:7411 --engine 127.0.0.1:7411", "is given twice"),
        ("--valid 0s", "has expired"),
        ("--valid 9000d", "after the root"),
    ] {
        let refused = attempt(more);
        assert!(!refused.status.success() && said(&refused).contains(wanted), "{more}: {}", said(&refused));
    }
    fs::create_dir_all(deployment.path("gates/9")).unwrap();
    fs::write(deployment.path("gates/9/device.key"), "another device's").unwrap();
    let refused = attempt("--valid 1d");
    assert!(said(&refused).contains("device.key exists already"), "{}", said(&refused));
    fs::remove_file(deployment.path("gates/9/device.key")).unwrap();
    let issued = attempt("--valid 1d");
    assert!(issued.status.success(), "the generation is not used up: {}", said(&issued));
}

#[test]
fn a_byte_order_mark_before_any_file_of_text_changes_nothing() {
    let deployment = Deployment::new();
    deployment.issue("42");
    for file in
        ["operator.pub", "issuer.key", "ca/ca.pem", "ca/ca.key", "ca/crl.pem", "engine.pem", "engine.key"]
    {
        mark(&deployment.path(file));
    }
    for file in ["sites.toml", "engine.toml", "42.holder", "gate/gate.toml"] {
        mark(&deployment.path(file));
    }
    for file in ["gate/device.pem", "gate/device.key", "gate/ca.pem"] {
        mark(&deployment.path(file));
    }
    deployment.write("members.txt", &format!("{BOM}42\n"));
    let _engine = deployment.serve();
    deployment.becomes("42", "clear", 0);
    deployment.run("ca refresh --dir ca");
    deployment.run(&format!(
        "batch sign --key issuer.key --site {SITE} --members members.txt --out morning.roster"
    ));
    let checked = deployment.run("batch roster --gate terminal morning.roster");
    assert!(checked.contains('1'), "{checked}");
}

#[test]
fn a_clock_that_stands_still_is_for_tests_on_this_machine_alone() {
    let deployment = Deployment::new();
    let text = fs::read_to_string(deployment.path("engine.toml")).unwrap();
    // An engine that starts all the same ends at once, and the test with it.
    let serve = "serve --until-stdin-ends --config open.toml --clock-stands-at +2d";
    for open in ["0.0.0.0", "192.0.2.1", "[::]"] {
        deployment.write("open.toml", &text.replacen("udp = \"127.0.0.1", &format!("udp = \"{open}"), 1));
        let refused = deployment.attempt(serve);
        assert!(said(&refused).contains("the engine would listen on"), "{open}: {}", said(&refused));
        assert!(!refused.status.success());
    }
    let follow = "\n[[follow]]\nissuer = 1\nnational = 2\npublisher = 3\nfeed = \"file:sets\"\n";
    deployment.write("open.toml", &format!("{text}{follow}"));
    let refused = deployment.attempt(serve);
    assert!(said(&refused).contains("nothing is followed then"), "{}", said(&refused));
    // Whoever checks a configuration is told that no gate may ask this engine.
    deployment.write("open.toml", &text);
    let refused = deployment.attempt(&format!("{serve} --check"));
    assert!(said(&refused).contains("the engine's clock stands still at "), "{}", said(&refused));
    // A code of today has expired there.
    deployment.issue("42");
    let engine = deployment.serve_with(&["--clock-stands-at", "+2d"]);
    engine.logs("NOT FOR REAL GATES");
    deployment.becomes("42", "expired", 1);
}
