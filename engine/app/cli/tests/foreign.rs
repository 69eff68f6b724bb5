//! Certificates of other systems through a whole deployment: lists from published files, an engine, a bridge, a gate in C
//! without a network (R63).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;
#[path = "../../../checks/hc1/tests/made/mod.rs"]
mod made;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use common::source::Source;
use common::{Deployment, eventually, free_address, hufu, said};
use made::{Said, Signer, Value};
use serde_json::json;

const KIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../checks/gatekit");
const KEY_ID: [u8; 8] = [7; 8];
const TOKEN: &str = "north-token-0123456789";

/// What a certificate says that is good today.
fn today(said: Said) -> Said {
    let now = jiff::Timestamp::now();
    let seconds = u64::try_from(now.as_second()).unwrap();
    let text = |format: &str| Value::Text(now.strftime(format).to_string().leak());
    let said = Said { issued: Value::Int(seconds - 600), expires: Value::Int(seconds + 86_400), ..said };
    match said.group {
        "v" => said.with("dt", text("%Y-%m-%d")),
        _ => said.with("sc", text("%Y-%m-%dT%H:%M:%SZ")),
    }
}

/// The signer's key as the WHO's network publishes bare keys.
fn published(signer: &Signer) -> String {
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let key_id = STANDARD.encode(signer.listed.key_id).replace('=', "%3D").replace('+', "%2B").replace('/', "%2F");
    let public = &signer.listed.public;
    json!({ "verificationMethod": [{
        "id": format!("did:web:tng-cdn.who.int:v2:trustlist:DCC:DEU:DSC#{key_id}"),
        "publicKeyJwk": { "kty": "EC", "crv": "P-256", "x": part(&public[1..33]), "y": part(&public[33..]) },
    }]})
    .to_string()
}

/// The list of revocations that has one identifier.
fn revoke(deployment: &Deployment, id: &str) {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, id.as_bytes());
    let hash = STANDARD.encode(&digest.as_ref()[..16]);
    let batch = json!({ "country": "DE", "kid": "UNKNOWN_KID", "hashType": "UCI", "entries": [{ "hash": hash }] });
    deployment.write("batch.json", &batch.to_string());
    deployment.run("foreign revocations import batch.json --operator operator.key --list revocations.hufu");
}

/// The verdict of the engine, by `hufu check`.
fn online(deployment: &Deployment, text: &str) -> String {
    let output = hufu(deployment.folder(), &["check", text, "--gate", "gate", "--json"]);
    let verdict: serde_json::Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{text}: {}", said(&output)));
    assert_eq!(verdict["colour"], serde_json::Value::Null, "{verdict}");
    format!("{} {}", verdict["decision"].as_str().unwrap(), verdict["reason"].as_str().unwrap())
}

/// The same by a terminal that asks a bridge.
fn bridged(address: &str, text: &str) -> String {
    let body = json!({ "code": text }).to_string();
    let head = format!("Host: b\r\nConnection: close\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: {}", body.len());
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(format!("POST /v1/check HTTP/1.1\r\n{head}\r\n\r\n{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let verdict: serde_json::Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    format!("{} {}", verdict["decision"].as_str().unwrap(), verdict["reason"].as_str().unwrap())
}

/// A gate in C that decides without a network.
struct Alone {
    child: Child,
    scans: ChildStdin,
    told: BufReader<ChildStdout>,
}

impl Alone {
    fn new(deployment: &Deployment, program: &Path, key: &str, ask: &str) -> Alone {
        let mut child = Command::new(program)
            .args(["alone", key, "7", common::SITE, ask])
            .current_dir(deployment.folder())
            .env("HUFU_SIGNERS", "signers.hufu")
            .env("HUFU_REVOCATIONS", "revocations.hufu")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (scans, told) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Alone { child, scans, told }
    }

    /// The verdict in the words of an engine.
    fn scan(&mut self, text: &str) -> String {
        writeln!(self.scans, "{text}").unwrap();
        let mut line = String::new();
        assert!(self.told.read_line(&mut line).unwrap() > 0, "it ended");
        let (decision, rest) = line.trim_end().split_once("  ").unwrap();
        let decision = match decision {
            "open" => "admit",
            "shut" => "refuse",
            _ => "refer",
        };
        format!("{decision} {}", rest.split(':').next().unwrap())
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn compiled(folder: &Path) -> PathBuf {
    let libraries = Path::new(env!("CARGO_BIN_EXE_hufu")).parent().unwrap().join("deps");
    let program = folder.join("offline-c");
    let built = Command::new("gcc")
        .args(["-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", "-DHUFU_GATE_OFFLINE", "-DHUFU_GATE_FOREIGN"])
        .arg(format!("-I{KIT}/include"))
        .arg(format!("{KIT}/examples/offline.c"))
        .arg(libraries.join("libhufu_gate_kit.a"))
        .args(["-lpthread", "-ldl", "-lm", "-Wl,--gc-sections,--strip-debug", "-o"])
        .arg(&program)
        .output()
        .expect("gcc is there (Debian: apt-get install gcc)");
    assert!(built.status.success(), "{}", said(&built));
    program
}

#[test]
fn r63_engine_bridge_and_a_gate_in_c_without_a_network_say_the_same_of_a_certificate() {
    let source = Source::over_http();
    let deployment = &source.deployment;
    let (signer, stranger) = (Signer::es256("DE", KEY_ID), Signer::es256("DE", [8; 8]));
    deployment.write("did.json", &published(&signer));
    deployment.run("foreign signers import did.json --country DE --operator operator.key --list signers.hufu");
    revoke(deployment, "another");
    let https = free_address();
    let config = fs::read_to_string(deployment.path("engine.toml")).unwrap();
    let config = config.replace("metrics = ", &format!("https = \"{https}\"\nmetrics = "));
    let foreign = "[foreign]\nsigners = 'signers.hufu'\nrevocations = 'revocations.hufu'\n";
    deployment.write("engine.toml", &format!("{config}\n{foreign}"));
    let sites = fs::read_to_string(deployment.path("sites.toml")).unwrap();
    let sites = sites.replace("\"paper\"]", "\"paper\", \"foreign\"]");
    let more = "foreign_vaccination_from_d = 0\nforeign_countries = ['DE']\noffline_age_s_max = 7200\npass_back_s = 0\n";
    deployment.write("sites.toml", &format!("{sites}{more}"));
    let path = deployment.path("north.token");
    fs::write(&path, TOKEN).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    let terminal = "[[terminal]]\nname = 'north'\ngate = 'gate'\ntoken = 'north.token'";
    deployment.write("bridge.toml", &format!("listen = '127.0.0.1:0'\n{terminal}\n"));
    let _registry = source.registry();
    source.set_of("42", "green");
    let engine = deployment.serve();
    let bridge = deployment.serve_bridge("bridge.toml");
    let address = bridge.ready.trim().strip_prefix("ready api=").unwrap().to_owned();
    let program = compiled(deployment.folder());
    let ask =
        format!("python3 {KIT}/python/enrol.py gate 127.0.0.1 {}", https.rsplit(':').next().unwrap());
    let key = fs::read_to_string(deployment.path("operator.pub")).unwrap();
    let key = key.split("public = \"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let mut alone = Alone::new(deployment, &program, &key, &ask);

    let (vaccination, test) = (today(Said::vaccination()), today(Said::test()));
    let forged = {
        let protected = made::header(Some(-7), Some(KEY_ID));
        made::text(&made::message(&protected, &[0xa0], &vaccination.payload(), &[9; 64]))
    };
    let cases = [
        (signer.text(&vaccination), "admit clear"),
        (signer.text(&test), "admit clear"),
        (signer.text(&vaccination.clone().with("dn", Value::Int(1))), "refuse doses-too-few"),
        (signer.text(&test.clone().with("tt", Value::Text("LP217198-3"))), "refuse foreign-not-enough"),
        (signer.text(&Said { expires: Value::Int(1_700_000_000), ..vaccination.clone() }), "refuse expired"),
        (stranger.text(&vaccination), "refuse key-unknown"),
        (forged, "refuse bad-signature"),
        ("HC1:6BFOXN".to_owned(), "refuse foreign-unreadable"),
    ];
    eventually("the gate in C has what it needs", || {
        let told = alone.scan(&cases[0].0);
        if told == "admit clear" { Ok(()) } else { Err(told) }
    });
    for (text, expected) in &cases {
        assert_eq!(online(deployment, text), *expected, "online: {text}");
        assert_eq!(eventually("the bridge has a session", || match bridged(&address, text) {
            told if told.starts_with("refer") => Err(told),
            told => Ok(told),
        }), *expected, "bridge: {text}");
        assert_eq!(alone.scan(text), *expected, "without a network: {text}");
    }

    // A certificate is revoked: the engine takes the list while it runs, the gate when it is given it.
    revoke(deployment, "URN:UVCI:01DE/IBMT102/18Q12HTUJ7NAXYZ#S");
    let tested = &cases[1].0;
    eventually("the engine takes the list", || match online(deployment, tested) {
        told if told == "refuse foreign-revoked" => Ok(()),
        told => Err(told),
    });
    assert_eq!(alone.scan(tested), "admit clear", "it has not been given it");
    drop(alone);
    let mut alone = Alone::new(deployment, &program, &key, &ask);
    assert_eq!(alone.scan(tested), "refuse foreign-revoked");

    // The list before comes back: neither takes it.
    fs::copy(deployment.path("revocations.hufu"), deployment.path("newer")).unwrap();
    fs::remove_file(deployment.path("revocations.hufu")).unwrap();
    revoke(deployment, "another");
    engine.logs("list 1 of foreign revocations is older than 2");
    assert_eq!(online(deployment, tested), "refuse foreign-revoked");
    drop(alone);
    let mut alone = Alone::new(deployment, &program, &key, &ask);
    assert_eq!(alone.scan(tested), "refuse foreign-code", "rather none than an older one");
    fs::rename(deployment.path("newer"), deployment.path("revocations.hufu")).unwrap();

    engine.signal("-KILL");
    assert_eq!(engine.ended(), None, "killed");
    drop(alone);
    let mut alone = Alone::new(deployment, &program, &key, &ask);
    assert_eq!(alone.scan(tested), "refuse foreign-revoked", "from its folder alone");
    assert_eq!(alone.scan(&cases[0].0), "admit clear");
}

#[test]
fn r63_a_certificate_is_explained_and_names_nobody() {
    let deployment = Deployment::new();
    let signer = Signer::es256("DE", KEY_ID);
    deployment.write("did.json", &published(&signer));
    deployment.run("foreign signers import did.json --country DE --operator operator.key --list signers.hufu");
    let shown = deployment.run("foreign signers show --operator operator.pub --list signers.hufu");
    assert!(shown.contains("0707070707070707  DE  ES256  vaccination, test, recovery"), "{shown}");
    let good = signer.text(&today(Said::vaccination()));
    let old = signer.text(&Said { expires: Value::Int(1_700_000_000), ..today(Said::test()) });
    let explain = |text: &str, more: &[&str], status| {
        let output = hufu(deployment.folder(), &[&["inspect", text][..], more].concat());
        assert_eq!(output.status.code(), Some(status), "{}", said(&output));
        let told = said(&output);
        assert!(!told.contains("ustermann") && !told.contains("Erika"), "it names somebody: {told}");
        told
    };
    let told = explain(&good, &[], 0);
    for wanted in ["EU Digital COVID Certificate", "ES256", "M*", "EU/1/20/1528", "2 of 2", "--signers FILE verify"] {
        assert!(told.contains(wanted), "{wanted} is not in {told}");
    }
    let lists = ["--signers", "signers.hufu", "--operator", "operator.pub"];
    assert!(explain(&good, &lists, 0).contains("Genuine and valid"));
    assert!(explain(&old, &lists, 1).contains("would be refused: expired"));
    revoke(&deployment, "URN:UVCI:01DE/IZ12345A/5CWLU12RNOB9RXSEOP6FG8#W");
    let told = explain(&good, &[&lists[..], &["--revocations", "revocations.hufu"]].concat(), 1);
    assert!(told.contains("would be refused: foreign-revoked"), "{told}");
    assert!(explain("HC1:6BFOXN", &[], 1).contains("foreign-unreadable"));
}
