//! Colours by hand, and facts as they are handed in.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;

use serde_json::Value;

use crate::RULES;
use crate::common::{self, said};
use crate::registry::World;

/// Facts of three holders: nothing, a close contact in a place of high risk, and contacts that are not known.
fn facts() -> String {
    let of = |holder: u32, more: &str| {
        format!(
            r#"{{"holder":{holder},"at":"2026-11-29T08:00:00+08:00","cases":[],"arrivals":[],"tests":[],"symptoms":false,"quarantines":[]{more}}}"#
        )
    };
    let contact = r#","contacts":[{"at":"2026-11-20T18:00:00+08:00","grade":"close","minutes":20}]"#;
    let stay =
        r#","stays":[{"from":"2026-11-20T17:00:00+08:00","to":"2026-11-20T18:00:00+08:00","risk":"high"}]"#;
    [of(0, r#","contacts":[],"stays":[]"#), of(1, &format!("{contact}{stay}")), of(2, r#","stays":[]"#)]
        .join("\n")
}

/// From recorded facts to a colour at both authorities, and back: who has the file and the facts finds the colour again, and
/// an altered fact is found.
#[test]
fn r28_colours_follow_from_facts_and_are_found_again() {
    let world = World::new();
    world.add_holders(3);
    world.write("rules.toml", RULES);
    world.write("facts.jsonl", &facts());
    let json = |line: &str| serde_json::from_str::<Value>(&world.ok(line)).expect("JSON");
    let known = json("rules check rules.toml --json");
    let computed = json("rules compute rules.toml --facts facts.jsonl --out changes.toml --json");
    assert_eq!((&computed["changes"], &computed["undecided"]), (&2.into(), &serde_json::json!([2])));
    assert_eq!(computed["rule"], known["rule"]);
    let inputs = computed["inputs"].as_str().expect("inputs");
    world.ok(&format!("change propose --key local.key --from changes.toml --inputs {inputs} --yes"));
    world.ok("change confirm --issuer 310000 --all --key national.key --yes");
    assert!(world.ok("holder show --issuer 310000 0").contains("green"));
    let red = world.ok("holder history --issuer 310000 1 --json");
    let red: Value = serde_json::from_str(&red).expect("JSON");
    assert_eq!((&red[0]["after"]["colour"], &red[0]["rule"]), (&"red".into(), &known["rule"]));
    let shown = world.ok("change list --issuer 310000 --json");
    assert!(shown.contains(inputs), "the chain has what the auditor computes: {shown}");
    world.audit_agrees();

    let told = world.ok("rules explain rules.toml --facts facts.jsonl --holder 1 --language zh");
    for line in [
        "holder 1  red  440.000 per mille",
        "210.000  close-contact: 14天内密切接触者",
        "150.000  high-risk-place",
    ] {
        assert!(told.contains(line), "{told}");
    }
    let told = world.ok("rules explain rules.toml --facts facts.jsonl --holder 2");
    assert!(told.contains("undecided") && told.contains("unknown  210.000  close-contact"), "{told}");
    // One minute less, and the digest of the inputs is another one.
    world.write("altered.jsonl", &facts().replace("\"minutes\":20", "\"minutes\":19"));
    let altered = json("rules compute rules.toml --facts altered.jsonl --out altered.toml --json");
    assert_eq!((&altered["changes"], altered["inputs"] == computed["inputs"]), (&2.into(), false));

    // No change is no fault, and no file.
    let current = r#""current":{"colour":"green","since":"2026-11-01T08:00:00+08:00"},"cases""#;
    world.write("still.jsonl", &facts().lines().take(1).collect::<String>().replace("\"cases\"", current));
    let still = json("rules compute rules.toml --facts still.jsonl --out still.toml --json");
    assert_eq!((&still["changes"], &still["file"]), (&0.into(), &Value::Null));
    assert!(!world.path("still.toml").exists());

    // Who would change under other rules; and rules whose own tests do not come out are none.
    let next =
        RULES.replace("amber = 150", "amber = 15").replace("gives = \"undecided\"", "gives = \"amber\"");
    world.write("next.toml", &next);
    let differs = world.hufu("rules diff rules.toml next.toml --facts facts.jsonl");
    assert_eq!(differs.status.code(), Some(1), "{}", said(&differs));
    assert!(
        said(&differs)
            .contains("holder 0: green -> amber\nholder 2: undecided -> amber\n2 of 3 holders change"),
        "{}",
        said(&differs)
    );
    world.write("milder.toml", &RULES.replace("red = 400", "red = 450"));
    let refused = world.hufu("rules check milder.toml");
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert!(said(&refused).contains("says red, and the rules give amber"), "{}", said(&refused));
    world.write("bad.jsonl", &format!("{}\n{{\"holder\":7}}\n", facts()));
    let bad = world.hufu("rules compute rules.toml --facts bad.jsonl --out bad.toml");
    assert!(said(&bad).contains("line 4: these are no facts: missing field `at`"), "{}", said(&bad));
    assert!(!world.path("bad.toml").exists(), "nothing is half done");
}

/// A registry that refuses the second fact of a request, but not when it only looks. It answers twice.
fn changes_its_mind(listener: &TcpListener) {
    for _ in 0..2 {
        let (stream, _) = listener.accept().expect("a request");
        let mut request = BufReader::new(stream);
        let (mut line, mut bytes) = (String::new(), 0);
        while line != "\r\n" {
            line.clear();
            request.read_line(&mut line).expect("a head");
            if let Some(length) = line.to_lowercase().strip_prefix("content-length:") {
                bytes = length.trim().parse().expect("a number");
            }
        }
        let mut body = vec![0; bytes];
        request.read_exact(&mut body).expect("a body");
        let asked: Value = serde_json::from_slice(&body).expect("JSON");
        let second = match asked["dry_run"].as_bool() {
            Some(true) => r#"{"known":false}"#,
            _ => r#"{"known":false,"refused":"the record was joined"}"#,
        };
        let answer = format!(r#"{{"facts":[{{"known":false}},{second}]}}"#);
        let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json";
        let length = answer.len();
        write!(request.get_mut(), "{head}\r\ncontent-length: {length}\r\n\r\n{answer}").expect("sent");
    }
}

#[test]
fn r28_a_fact_that_is_refused_only_when_it_is_handed_in_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let kinds = "holder,kind,at\n0,case,@1795910400\n1,case,@1795910400\n2,unknown,@1795910400\n";
    fs::write(folder.join("facts.csv"), kinds).expect("written");
    fs::write(folder.join("token"), "hufu_secret").expect("written");
    let listener = TcpListener::bind("127.0.0.1:0").expect("an address");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let registry = std::thread::spawn(move || changes_its_mind(&listener));
    let line = "facts import facts.csv --issuer 310000 --token token --refused bad.csv --refuse-max 1 --json \
                --registry";
    let words: Vec<_> = line.split(' ').chain([&*url]).collect();
    let output = common::hufu(folder, &words);
    registry.join().expect("two answers");
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let summary: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let wanted = serde_json::json!({ "facts": 3, "new": 1, "known": 0, "refused": 2, "done": true });
    assert_eq!(summary, wanted, "{}", said(&output));
    let bad = fs::read_to_string(folder.join("bad.csv")).expect("written");
    let lines: Vec<_> = bad.lines().map(|line| line.split(',').next().unwrap_or_default()).collect();
    assert_eq!(lines, ["line", "4", "3"], "each line once: {bad}");
}
