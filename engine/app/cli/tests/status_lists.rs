//! Token Status Lists (R64), with the real binary: published from a registry's chain, checked by a third party, followed by
//! an engine.

mod common;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc;
use std::thread;

use common::source::Source;
use common::{Deployment, Engine, eventually, hufu, said};
use hufu_statuslist::{Bits, Claims, Format, Signer, StatusList, write};
use hufu_wire::UnixSeconds;
use serde_json::Value;

const FOREIGN: u32 = 900_001;

/// What the gate is told of an entry: the whole verdict, and the exit status.
fn refer(deployment: &Deployment, text: &str) -> (Value, Option<i32>) {
    checked(deployment, &["--reference", text])
}

#[expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
fn checked(deployment: &Deployment, what: &[&str]) -> (Value, Option<i32>) {
    let output = hufu(deployment.folder(), &[&["check", "--gate", "gate", "--json"][..], what].concat());
    let verdict = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (verdict, Some(output.status.code().unwrap()))
}

fn becomes(deployment: &Deployment, text: &str, reason: &str, status: i32) -> Value {
    eventually(&format!("{text} {reason}"), || {
        let (verdict, exit) = refer(deployment, text);
        let is = verdict["reason"] == reason && exit == Some(status);
        if is { Ok(verdict) } else { Err(format!("{verdict} {exit:?}")) }
    })
}

#[expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
fn accept_references(deployment: &Deployment) {
    let sites = fs::read_to_string(deployment.path("sites.toml")).unwrap();
    deployment.write("sites.toml", &sites.replace("\"paper\"]", "\"paper\", \"reference\"]"));
}

#[expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
fn configure(deployment: &Deployment, more: &str) {
    let text = fs::read_to_string(deployment.path("engine.toml")).unwrap();
    deployment.write("engine.toml", &format!("{text}\n{more}"));
}

/// A request by hand: status, headers in lower case, body.
#[expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
fn ask(address: &str, path: &str, headers: &str) -> (u16, String, Vec<u8>) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: lists\r\nConnection: close\r\n{headers}\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
    let status = head.split_ascii_whitespace().nth(1).unwrap().parse().unwrap();
    (status, head, answer[end + 4..].to_vec())
}

#[track_caller]
fn shows(page: &str, wanted: &[&str]) {
    for wanted in wanted {
        assert!(page.contains(wanted), "{wanted}: {page}");
    }
}

/// Another number of entries would send credentials to another index; a file in the folder's place is told, too.
fn refused_by_a_look(deployment: &Deployment) {
    let config = fs::read_to_string(deployment.path("status-list.toml")).expect("it was written");
    for (from, to, wanted) in [
        ("entries = 4096", "entries = 8192", "0.cwt has 4096 entries, and `entries` is 8192 now"),
        ("lists = \"lists\"", "lists = \"list.jwk\"", "list.jwk is a file"),
        ("operator.pub", "list.jwk", "list.jwk is not a public key"),
    ] {
        deployment.write("other.toml", &config.replace(from, to));
        let told = said(&deployment.attempt("status-list publish --config other.toml --check"));
        assert!(told.contains(wanted), "{wanted}: {told}");
    }
    deployment.run("status-list publish --config status-list.toml --check");
}

/// Registry, publisher and engine are real processes. What the two authorities sign comes out as JWT and CWT, a third party
/// with nothing but the key sees it, and an engine that follows the list admits and then refuses.
#[test]
fn r64_a_colour_goes_from_the_registry_through_a_public_list_to_another_gate() {
    let source = Source::over_http();
    let deployment = &source.deployment;
    let [lists, metrics, figures] = [(); 3].map(|()| common::free_address());
    deployment.run("status-list key --out list");
    let follow = fs::read_to_string(deployment.path("engine.toml")).unwrap();
    let follow = &follow[follow.find("[[follow]]").unwrap()..];
    let uri = format!("http://{lists}/lists/310000/{{shard}}");
    deployment.write(
        "status-list.toml",
        &format!(
            "[list]\nlisten = \"{lists}\"\nmetrics = \"{metrics}\"\nuri = \"{uri}\"\nentries = 4096\nttl_s = 60\n\n[files]\noperator_key = \
             \"operator.pub\"\ntrust_list = \"trust.hufu\"\nkey = \"list.key\"\nlists = \"lists\"\nstate = \"list-state\"\n\n\
             {follow}"
        ),
    );
    configure(
        deployment,
        &format!(
            "[[status_list]]\nissuer = {FOREIGN}\nuri = \"{uri}\"\nkeys = [\"list.jwk\"]\nentries = 4096\ninterval_s = 1\nlists = 1\n"
        ),
    );
    let engine = fs::read_to_string(deployment.path("engine.toml")).unwrap();
    deployment.write("engine.toml", &engine.replace("metrics = \"\"", &format!("metrics = \"{figures}\"")));
    accept_references(deployment);
    let _registry = source.registry();
    source.set("green");
    source.set_of("43", "amber");
    let arguments = ["status-list", "publish", "--until-stdin-ends", "--config", "status-list.toml"];
    let publisher = deployment.serve_other("lists.log", &arguments, "ready lists=");
    let first = format!("http://{lists}/lists/310000/0");
    let third_party = |index: u32, form: &str, status: i32, wanted: &str| {
        let line = format!("status-list check {first} --index {index} --key list.jwk --form {form} --json");
        eventually(wanted, || {
            let output = deployment.attempt(&line);
            let is = output.status.code() == Some(status) && said(&output).contains(wanted);
            if is { Ok(()) } else { Err(said(&output)) }
        });
    };
    for form in ["jwt", "cwt"] {
        third_party(42, form, 0, "\"VALID\"");
        third_party(43, form, 4, "\"SUSPENDED\"");
        third_party(44, form, 1, "\"INVALID\"");
    }
    let entry: Value = serde_json::from_str(&deployment.run("status-list entry 4138 --json")).unwrap();
    let named = serde_json::json!({ "idx": 42, "uri": format!("http://{lists}/lists/310000/1") });
    assert_eq!(entry["status"]["status_list"], named);

    // As caches and browsers ask.
    let (status, head, body) = ask(&lists, "/lists/310000/0", "Accept: application/statuslist+cwt\r\n");
    assert_eq!((status, body[0]), (200, 0xd2), "{head}");
    assert!(
        head.contains("content-type: application/statuslist+cwt")
            && head.contains("cache-control: public, max-age=")
    );
    let tag = head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap().to_owned();
    let conditions = format!("Accept: application/statuslist+cwt\r\nIf-None-Match: {tag}\r\n");
    assert_eq!(ask(&lists, "/lists/310000/0", &conditions).0, 304);
    let part = ask(&lists, "/lists/310000/0", "Accept: application/statuslist+cwt\r\nRange: bytes=1-2\r\n");
    assert_eq!((part.0, part.2), (206, body[1..3].to_vec()));
    assert_eq!(ask(&lists, "/lists/310000/0", "Accept: text/html\r\n").0, 406);
    assert_eq!(ask(&lists, "/lists/310000/99", "").0, 404);

    let engine = deployment.serve();
    let verdict = becomes(deployment, "SL1:900001.42", "clear", 0);
    assert_eq!((&verdict["kind"], &verdict["colour"]), (&"reference".into(), &"green".into()), "{verdict}");
    assert!(verdict["age_ms"].as_u64().unwrap() < 60_000, "{verdict}");
    becomes(deployment, "SL1:900001.43", "status-amber", 4);
    becomes(deployment, "SL1:310000.42", "issuer-not-recognised", 1);
    source.set("red");
    third_party(42, "jwt", 1, "\"INVALID\"");
    becomes(deployment, "SL1:900001.42", "status-red", 1);

    let page = String::from_utf8(ask(&metrics, "/metrics", "").2).unwrap();
    shows(
        &page,
        &[
            "hufu_status_list_published_age_seconds{issuer=\"310000\"} ",
            "hufu_status_list_published_failures_total{issuer=\"310000\"} 0",
            "hufu_follow_connected{issuer=\"310000\"} 1",
        ],
    );
    shows(
        &common::get(&figures, "/metrics").1,
        &[
            "hufu_status_list_age_seconds{issuer=\"900001\"} ",
            "hufu_status_list_entries{issuer=\"900001\"} 4096",
            "hufu_status_list_failing{issuer=\"900001\"} 0",
            "hufu_status_list_fetches_total{issuer=\"900001\",outcome=\"failed\"} ",
        ],
    );
    refused_by_a_look(deployment);

    // The publisher starts again with another key: what it had published is there at once, and then signed again.
    publisher.signal("-TERM");
    assert_eq!(publisher.ended(), Some(0));
    deployment.run("status-list key --out next");
    let config = fs::read_to_string(deployment.path("status-list.toml")).unwrap();
    deployment.write("status-list.toml", &config.replace("list.key", "next.key"));
    let _publisher = deployment.serve_other("lists.log", &arguments, "ready lists=");
    assert_eq!(ask(&lists, "/lists/310000/0", "").0, 200, "kept over the restart");
    engine.logs("a key that is not trusted here");
    becomes(deployment, "SL1:900001.42", "status-red", 1);
}

#[expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
fn now() -> u32 {
    u32::try_from(std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap()
}

/// A token in a file, of this time, that counts for an hour from then.
#[expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
fn put(deployment: &Deployment, name: &str, signer: &Signer, issued: u32, values: &[u8]) {
    let issued = UnixSeconds(issued);
    let (expires, uri) = (Some(UnixSeconds(issued.0 + 3_600)), format!("https://lists.example/{name}"));
    let claims = Claims { uri, issued, expires, ttl_s: None };
    let zlib = StatusList::of(Bits::Two, values.iter().copied()).deflate();
    let token = write(Format::Jwt, &claims, Bits::Two, &zlib, signer).unwrap();
    let new = deployment.path("token.new");
    fs::write(&new, token).unwrap();
    fs::rename(new, deployment.path(name)).unwrap();
}

#[expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
fn key(deployment: &Deployment, name: &str) -> Signer {
    deployment.run(&format!("status-list key --out {name}"));
    let pem = fs::read(deployment.path(&format!("{name}.key"))).unwrap();
    Signer::from_pem(&pem, b"").unwrap()
}

/// Lists from files: stale ones give the site's outcome with their age, forged, older and foreign ones change nothing, and
/// what was taken outlasts a restart.
#[test]
fn r64_an_engine_takes_newer_genuine_lists_and_says_how_old_they_are() {
    let (deployment, begun) = (Deployment::new(), now());
    let [one, two, other] = ["one", "two", "other"].map(|name| key(&deployment, name));
    let sites = fs::read_to_string(deployment.path("sites.toml")).unwrap();
    deployment.write("sites.toml", &sites.replace("86400000", "600000"));
    accept_references(&deployment);
    for (issuer, name) in [(FOREIGN, "a.jwt"), (FOREIGN + 1, "old.jwt")] {
        configure(
            &deployment,
            &format!(
                "[[status_list]]\nissuer = {issuer}\nuri = \"https://lists.example/{name}\"\nfrom = \"file:{name}\"\nkeys = \
                 [\"one.jwk\", \"two.jwk\"]\ninterval_s = 1\n"
            ),
        );
    }
    put(&deployment, "a.jwt", &one, begun - 60, &[0, 1, 2, 3]);
    put(&deployment, "old.jwt", &one, begun - 1_000, &[0, 1, 0, 0]);
    let engine = deployment.serve();
    becomes(&deployment, "SL1:900001.0", "clear", 0);
    for (index, reason, status) in
        [(1, "status-red", 1), (2, "status-amber", 4), (3, "status-unknown", 4), (4, "status-unknown", 4)]
    {
        becomes(&deployment, &format!("SL1:900001.{index}"), reason, status);
    }
    let verdict = becomes(&deployment, "SL1:900002.0", "stale-data", 4);
    assert!((1_000_000..1_100_000).contains(&verdict["age_ms"].as_u64().unwrap()), "{verdict}");
    becomes(&deployment, "SL1:900002.1", "status-red", 1);
    assert_eq!(refer(&deployment, "SL1:0900001.0").1, Some(2), "another spelling is no reference");
    // Printed by anyone and held before the scanner, or handed on by a script: it was scanned.
    let (verdict, exit) = checked(&deployment, &["SL1:900001.0"]);
    assert_eq!((&verdict["reason"], &verdict["kind"], exit), (&"bad-text".into(), &Value::Null, Some(1)));

    let older = |name, ago: u32| format!("{name} is dated {} (Unix seconds)", begun - ago);
    let refused = |signer: &Signer, ago, values: &[u8], why: &str, engine: &Engine| {
        put(&deployment, "a.jwt", signer, begun - ago, values);
        engine.logs(why);
        assert_eq!(refer(&deployment, "SL1:900001.1").0["reason"], "status-red", "{why}");
    };
    refused(&one, 61, &[0; 4], &older("a.jwt", 61), &engine);
    refused(&other, 30, &[0; 4], "not trusted here", &engine);
    fs::write(deployment.path("a.jwt"), "{}").unwrap();
    engine.logs("is no status list token");
    put(&deployment, "a.jwt", &two, begun - 30, &[1, 1, 0, 0]);
    becomes(&deployment, "SL1:900001.0", "status-red", 1);
    becomes(&deployment, "SL1:900001.2", "clear", 0);

    // Nothing to fetch: the engine begins with what it had, and still takes nothing older. That holds for a list
    // whose token is lost, too: its date is remembered elsewhere.
    engine.signal("-TERM");
    assert_eq!(engine.ended(), Some(0));
    fs::remove_file(deployment.path("a.jwt")).unwrap();
    fs::remove_file(deployment.path("state/status-list-900002/0.token")).unwrap();
    put(&deployment, "old.jwt", &one, begun - 1_001, &[0; 4]);
    let engine = deployment.serve();
    becomes(&deployment, "SL1:900001.2", "clear", 0);
    engine.logs(&older("old.jwt", 1_001));
    refused(&two, 45, &[0; 4], &older("a.jwt", 45), &engine);
    becomes(&deployment, "SL1:900001.0", "status-red", 1);
}

/// A host that answers once and then never again keeps no list from expiring while it is waited for.
#[test]
fn r64_a_list_expires_while_its_host_does_not_answer() {
    let deployment = Deployment::new();
    let signer = key(&deployment, "one");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let from = listener.local_addr().unwrap();
    configure(
        &deployment,
        &format!(
            "[[status_list]]\nissuer = {FOREIGN}\nuri = \"https://lists.example/a\"\nfrom = \"http://{from}/a\"\nkeys = \
             [\"one.jwk\"]\ninterval_s = 1\n"
        ),
    );
    let (asked, is_asked) = mpsc::channel();
    thread::spawn(move || {
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = listener.accept() {
            if held.is_empty() {
                let issued = UnixSeconds(now());
                let (expires, uri) = (Some(UnixSeconds(issued.0 + 3)), "https://lists.example/a".to_owned());
                let claims = Claims { uri, issued, expires, ttl_s: None };
                let zlib = StatusList::of(Bits::Two, [0; 4]).deflate();
                let token = write(Format::Cwt, &claims, Bits::Two, &zlib, &signer).unwrap();
                let length = token.len();
                write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n")
                    .unwrap();
                stream.write_all(&token).unwrap();
            }
            held.push(stream);
            // Fails when the test has ended.
            let _ = asked.send(());
        }
    });
    let engine = deployment.serve();
    for _ in 0..2 {
        is_asked.recv_timeout(common::PATIENCE).expect("the engine asks");
    }
    engine.logs("the list has expired");
    assert!(!engine.log().contains("no answer within"), "it is waited for still: {}", engine.log());
}

/// What people are shown of a token and of a reference.
#[test]
fn r64_inspect_explains_lists_and_references() {
    let deployment = Deployment::new();
    let signer = key(&deployment, "one");
    put(&deployment, "a.jwt", &signer, now() - 5, &[0, 1, 2, 3]);
    let explained = deployment.run("inspect a.jwt");
    for wanted in [
        "status list token, JWT",
        "ES256",
        "https://lists.example/a.jwt",
        "SUSPENDED",
        "value 3",
        "draft-ietf",
    ] {
        assert!(explained.contains(wanted), "{wanted}: {explained}");
    }
    let vector =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../changes/statuslist/tests/vectors/token.cwt.hex");
    let explained = deployment.run(&format!("inspect {}", vector.display()));
    assert!(explained.contains("status list token, CWT") && explained.contains("43200 s"), "{explained}");
    let explained = deployment.run("inspect SL1:900001.7");
    assert!(explained.contains("reference to an entry") && explained.contains("900001"), "{explained}");
    assert!(said(&deployment.attempt("inspect SL1:900001.07")).contains("bad-text"));
}
