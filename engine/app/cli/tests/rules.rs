//! Colours that follow from recorded facts (R28): by hand, and without a person between laboratories and both authorities.

mod common;
mod registry;

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::process::Child;
use std::time::{Duration, Instant};

use common::{eventually, said};
use registry::World;
use serde_json::Value;

const RULES: &str = include_str!("../../../../docs/examples/rules.toml");

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

const PLACES: &str = include_str!("../../../../docs/examples/places.toml");
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

const RUN: &str = "rules run rules.toml --places places.toml --key local.key --state run";
const CONFIRM: &str =
    "rules confirm rules.toml --places places.toml --issuer 310000 --key national.key --state confirm";
const AUDIT: &str =
    "audit --issuer 310000 --national 100000 --publisher 900000 --rules rules.toml --facts confirm/facts";

/// A world whose rules and places of risk hold now, whenever that is.
fn without_a_person(change: impl Fn(&str) -> String) -> World {
    let world = World::new();
    let always = |text: &str| {
        let from = text.replace("\"2026-11-01T00:00:00+08:00\"", "\"2026-01-01T00:00:00Z\"");
        from.replace("\"2027-02-01T00:00:00+08:00\"", "\"2099-01-01T00:00:00Z\"")
    };
    world.write("rules.toml", &change(&always(RULES)));
    let places = PLACES.replace("\"2027-01", "\"2099-01").replace("\"2026-11", "\"2026-01");
    world.write("places.toml", &places);
    world
}

/// A fact: holder, kind, begin and end in seconds before now, other columns.
type Line<'l> = (u32, &'l str, i64, Option<i64>, &'l [(&'l str, &'l str)]);

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

/// Hands facts in.
fn hand_in(world: &World, facts: &[Line<'_>]) -> Value {
    let now = jiff::Timestamp::now().as_second();
    let columns = ["result", "laboratory", "risk", "place", "grade", "minutes"];
    let mut table = format!("holder,kind,at,until,{}\n", columns.join(","));
    for (holder, kind, from, until, more) in facts {
        let until = until.map_or(String::new(), |until| format!("@{}", now - until));
        let value =
            |column: &&str| more.iter().find(|(name, _)| name == column).map_or("", |(_, value)| value);
        let more: Vec<_> = columns.iter().map(value).collect();
        let _ = writeln!(table, "{holder},{kind},@{},{until},{}", now - from, more.join(","));
    }
    world.write("facts.csv", &table);
    json(world, "facts import facts.csv --issuer 310000 --json")
}

fn json(world: &World, line: &str) -> Value {
    serde_json::from_str(&world.ok(line)).expect("JSON")
}

fn colour(world: &World, holder: u32) -> String {
    let shown = json(world, &format!("holder show --issuer 310000 {holder} --json"));
    shown["status"]["colour"].as_str().unwrap_or("unknown").to_owned()
}

const NEGATIVE: &[(&str, &str)] = &[("result", "negative"), ("laboratory", "L-1")];
const CLOSE: &[(&str, &str)] = &[("grade", "close"), ("minutes", "20")];
const HIGH: &[(&str, &str)] = &[("risk", "high")];

/// Facts in, colours out: a green, a red, one whose itinerary says why and one whose itinerary does not. The national side finds
/// every word again, an auditor too, and one altered fact is found.
#[test]
fn r28_from_facts_to_colours_at_both_authorities_without_a_person() {
    let world = without_a_person(str::to_owned);
    world.add_holders(5);
    let market = [("place", "310105-0042")];
    let facts: &[Line<'_>] = &[
        (0, "test", HOUR, None, NEGATIVE),
        (1, "contact", 2 * DAY, None, CLOSE),
        (1, "stay", 2 * DAY + HOUR, Some(2 * DAY), HIGH),
        (2, "stay", 2 * DAY + HOUR, Some(2 * DAY), HIGH),
        (3, "stay", 2 * DAY + HOUR, Some(2 * DAY), HIGH),
        (3, "visit", 2 * DAY + HOUR, Some(2 * DAY), &market),
    ];
    assert_eq!(hand_in(&world, facts)["new"], 6);
    let again = json(&world, "facts import facts.csv --issuer 310000 --json");
    assert_eq!((&again["new"], &again["known"]), (&0.into(), &6.into()), "a file handed in twice");

    let told = json(&world, &format!("{RUN} --once --json"));
    assert_eq!((&told[0]["holder"], &told[0]["outcome"]), (&2.into(), &"review".into()), "{told:#}");
    assert_eq!(told[1]["proposed"], 3, "{told:#}");
    let told = json(&world, &format!("{CONFIRM} --once --json"));
    assert_eq!((&told[0]["sequence"], &told[0]["changes"]), (&1.into(), &3.into()), "{told:#}");
    let colours: Vec<_> = (0..5).map(|holder| colour(&world, holder)).collect();
    assert_eq!(colours, ["green", "red", "unknown", "amber", "unknown"]);
    let shown = json(&world, "holder show --issuer 310000 0 --json");
    assert_eq!(shown["status"]["test"], "negative", "the last test came with the change");
    let told = json(&world, &format!("{RUN} --once --json"));
    assert_eq!(told.as_array().unwrap().len(), 1, "nothing is left to do: {told:#}");
    assert_eq!(told[0]["outcome"], "review");

    // An auditor with the opened facts of the national side.
    let report = json(&world, &format!("{AUDIT} --json"));
    assert_eq!(report["agrees"], true, "{report:#}");
    assert!(report.to_string().contains("colours by the rules: 3 in 1 sets computed again"), "{report:#}");
    let file = fs::read_dir(world.path("confirm/facts")).unwrap().next().unwrap().unwrap().path();
    let opened = fs::read_to_string(&file).unwrap();
    fs::write(&file, opened.replace("\"minutes\":20", "\"minutes\":19")).unwrap();
    let altered = world.hufu(AUDIT);
    assert_eq!(altered.status.code(), Some(1), "{}", said(&altered));
    assert!(
        said(&altered).contains("other facts than those whose digest both authorities signed"),
        "{}",
        said(&altered)
    );
    fs::write(&file, opened).unwrap();
    assert_eq!(json(&world, &format!("{AUDIT} --sample 1 --json"))["agrees"], true);

    // The contact was another person's: the fact does not count any more, and the release still holds the red that it gave.
    let opened = json(&world, "facts open --issuer 310000 1 --json");
    let numbers: Vec<_> = opened["holders"][0]["facts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fact| fact["number"].to_string())
        .collect();
    let void = |number: &String| format!("1,void,now,{number},another person\n");
    world.write(
        "void.csv",
        &format!("holder,kind,at,number,reason\n{}", numbers.iter().map(void).collect::<String>()),
    );
    assert_eq!(json(&world, "facts import void.csv --issuer 310000 --json")["new"], 2);
    let told = json(&world, &format!("{RUN} --once --json"));
    assert!(told.as_array().unwrap().len() == 1 && colour(&world, 1) == "red", "{told:#}");
    world.propose("--holder 1 --colour green --rule 1");
    world.ok("change confirm --issuer 310000 --all --key national.key --yes");
    let told = json(&world, &format!("{RUN} --once --json"));
    assert!(told.as_array().unwrap().len() == 1 && colour(&world, 1) == "green", "{told:#}");

    // A test moves the word and leaves the colour; a correction by hand is not mistaken for the rule's.
    hand_in(&world, &[(0, "test", 60, None, NEGATIVE)]);
    world.ok(&format!("{RUN} --once"));
    world.ok(&format!("{CONFIRM} --once"));
    let newer = json(&world, "holder show --issuer 310000 0 --json");
    assert!(newer["status"]["tested_ms"].as_u64() > shown["status"]["tested_ms"].as_u64());
    assert_eq!(json(&world, &format!("{AUDIT} --json"))["agrees"], true);
}

/// What does not follow from the facts is not confirmed: a colour by hand under the rule's name, facts that came in since, other
/// places of risk.
#[test]
fn r28_what_is_not_found_again_is_left_to_a_person() {
    let world = without_a_person(str::to_owned);
    world.add_holders(2);
    let rule = json(&world, "rules check rules.toml --json")["rule"].clone();
    world.propose(&format!("--holder 0 --colour red --rule {rule}"));
    let left = |told: &Value, why: &str| {
        let text = told[0]["left"].as_str().unwrap_or_default().to_owned();
        assert!(text.contains(why), "{told:#}");
    };
    left(&json(&world, &format!("{CONFIRM} --once --json")), "how it was computed is not kept");

    hand_in(&world, &[(1, "contact", DAY, None, CLOSE), (1, "stay", DAY + HOUR, Some(DAY), HIGH)]);
    world.ok(&format!("{RUN} --once"));
    world.write("elsewhere.toml", &PLACES.replace("310105", "440100"));
    let other = CONFIRM.replace("places.toml", "elsewhere.toml");
    let told = json(&world, &format!("{other} --once --json"));
    assert!(told.to_string().contains("it was computed with other places of risk"), "{told:#}");
    // A negative test that came in since changes the word.
    hand_in(&world, &[(1, "test", HOUR, None, NEGATIVE)]);
    let told = json(&world, &format!("{CONFIRM} --once --json"));
    assert!(told.to_string().contains("holder 1: newer facts say otherwise"), "{told:#}");
    assert_eq!((colour(&world, 0), colour(&world, 1)), ("unknown".into(), "unknown".into()));
}

/// More reds than may go without a person: nothing is signed, and nothing is until a person has looked.
#[test]
fn r28_beyond_its_limit_neither_half_signs() {
    let world = without_a_person(str::to_owned);
    world.add_holders(3);
    let facts: Vec<_> = (0..3)
        .flat_map(|holder| {
            let contact: Line<'_> = (holder, "contact", DAY, None, CLOSE);
            [contact, (holder, "stay", DAY + HOUR, Some(DAY), HIGH)]
        })
        .collect();
    hand_in(&world, &facts);
    let stopped = world.hufu(&format!("{RUN} --once --reds-a-minute 2"));
    assert_eq!(stopped.status.code(), Some(4), "{}", said(&stopped));
    assert!(
        said(&stopped).contains("3 holders would turn red within a minute, and 2 may"),
        "{}",
        said(&stopped)
    );
    let again = world.hufu(&format!("{RUN} --once"));
    assert_eq!(again.status.code(), Some(2), "{}", said(&again));
    assert!(said(&again).contains("until a person has looked"), "{}", said(&again));
    assert_eq!(json(&world, "change list --issuer 310000 --json"), Value::Array(vec![]));
    fs::remove_file(world.path("run/stopped")).unwrap();
    world.ok(&format!("{RUN} --once"));
    let stopped = world.hufu(&format!("{CONFIRM} --once --reds-a-day 2"));
    assert_eq!(stopped.status.code(), Some(4), "{}", said(&stopped));
    assert!(said(&stopped).contains("within 24 hours"), "{}", said(&stopped));
    assert_eq!(colour(&world, 0), "unknown");
}

/// Both halves as services.
struct Halves(Vec<Child>);

impl Drop for Halves {
    fn drop(&mut self) {
        for half in &mut self.0 {
            let _ = half.kill();
            let _ = half.wait();
        }
    }
}

fn wait_for(world: &World, holder: u32, wanted: &str) -> Duration {
    let begun = Instant::now();
    while colour(world, holder) != wanted {
        let told = || {
            format!(
                "holder {holder} is {}, not {wanted}: {} {}",
                colour(world, holder),
                world.read("started.log"),
                world.ok(&format!("facts open --issuer 310000 {holder}"))
            )
        };
        assert!(begun.elapsed() < Duration::from_secs(30), "{}", told());
    }
    begun.elapsed()
}

/// Waits for what halves that were started say.
fn wait_to_hear(world: &World, wanted: &str) {
    eventually(wanted, || {
        let told = world.read("started.log");
        if told.contains(wanted) { Ok(()) } else { Err(told) }
    });
}

/// What is to be signed cannot be kept for a while, as on a full disk: the half goes on.
#[test]
fn r28_a_fault_that_passes_ends_no_half() {
    let world = without_a_person(str::to_owned);
    world.add_holders(2);
    hand_in(&world, &[(0, "stay", 2 * DAY + HOUR, Some(2 * DAY), HIGH)]);
    let mut halves = Halves(vec![world.start(RUN)]);
    wait_to_hear(&world, "a person decides");
    fs::rename(world.path("run/facts"), world.path("aside")).unwrap();
    hand_in(&world, &[(1, "test", HOUR, None, NEGATIVE)]);
    wait_to_hear(&world, "trying again");
    fs::rename(world.path("aside"), world.path("run/facts")).unwrap();
    eventually("it is proposed", || match json(&world, "change list --issuer 310000 --json") {
        Value::Array(listed) if listed.len() == 1 => Ok(()),
        listed => Err(format!("{listed:#} {}", world.read("started.log"))),
    });
    assert!(halves.0.iter_mut().all(|half| matches!(half.try_wait(), Ok(None))), "it still runs");
}

/// A world in which the confirming half runs, and has confirmed a colour of the first of two holders.
fn confirming() -> (World, Halves) {
    let world = without_a_person(str::to_owned);
    world.add_holders(2);
    let half = Halves(vec![world.start(CONFIRM)]);
    hand_in(&world, &[(0, "test", HOUR, None, NEGATIVE)]);
    world.ok(&format!("{RUN} --once"));
    wait_for(&world, 0, "green");
    (world, half)
}

/// The same in the other half: what it could not confirm is not left to a person.
#[test]
fn r28_a_fault_that_passes_leaves_no_proposal_to_a_person() {
    let (world, _half) = confirming();
    fs::rename(world.path("confirm/facts"), world.path("aside")).unwrap();
    hand_in(&world, &[(1, "test", HOUR, None, NEGATIVE)]);
    world.ok(&format!("{RUN} --once"));
    wait_to_hear(&world, "nothing was confirmed");
    fs::rename(world.path("aside"), world.path("confirm/facts")).unwrap();
    wait_for(&world, 1, "green");
}

/// The local authority changes its key: the other half believes the next one by the list, and no list that is not the operator's.
#[test]
fn r28_the_confirming_half_takes_a_changed_trust_list_while_it_runs() {
    let (world, _half) = confirming();

    let list = fs::read(world.path("trust.hufu")).unwrap();
    world.write("trust.hufu", "no list");
    wait_to_hear(&world, "the trust list is refused");
    fs::write(world.path("trust.hufu"), list).unwrap();
    world.ok("keys generate issuer --issuer 310000 --out next");
    world.ok("keys trust add --operator operator.key --list trust.hufu --key next.pub --uses instruction");
    fs::copy(world.path("trust.hufu"), world.path("reg/trust.hufu")).unwrap();
    hand_in(&world, &[(1, "test", HOUR, None, NEGATIVE)]);
    let run = RUN.replace("local.key", "next.key");
    eventually("the registry believes the next key", || {
        let output = world.hufu(&format!("{run} --once"));
        if output.status.success() { Ok(()) } else { Err(said(&output)) }
    });
    wait_for(&world, 1, "green");
}

/// One proposal is left to a person, then the agent does not answer.
#[test]
fn r28_what_was_done_before_a_fault_is_told() {
    let world = without_a_person(str::to_owned);
    world.add_holders(2);
    let rule = json(&world, "rules check rules.toml --json")["rule"].clone();
    world.propose(&format!("--holder 0 --colour red --rule {rule}"));
    hand_in(&world, &[(1, "test", HOUR, None, NEGATIVE)]);
    world.ok(&format!("{RUN} --once"));
    let line =
        CONFIRM.replace("--key national.key", "--public national.pub --agent-timeout 1s --once --json");
    let words: Vec<_> = line.split(' ').chain(["--agent", "exec sleep 9"]).collect();
    let failed = world.hufu_args(&words);
    assert_eq!(failed.status.code(), Some(3), "{}", said(&failed));
    let told: Value = serde_json::from_slice(&failed.stdout).unwrap_or_else(|_| panic!("{}", said(&failed)));
    let left: Vec<_> = told.as_array().unwrap().iter().map(|one| one["left"].is_string()).collect();
    assert_eq!(left, [true], "{told:#}");
}

/// The last condition of a release is a test: green follows it. The last condition is time: the colour follows without a fact.
/// Killed halves go on where they were.
#[test]
fn r28_a_colour_ends_by_itself_when_the_last_condition_is_met() {
    let sooner = |rules: &str| {
        let rules = rules
            .replace("amber = 150", "amber = 20")
            .replace("days = 3\nnegative_tests = 2\napart_h = 24", "days = 0\nnegative_tests = 2");
        // Only what this scene needs to show; that the file's own tests count is shown elsewhere.
        let own = rules.find("[[test]]").expect("tests");
        rules[..own].to_owned() + OWN_TESTS
    };
    let world = without_a_person(sooner);
    world.add_holders(2);
    let start = || Halves(vec![world.start(RUN), world.start(CONFIRM)]);
    let halves = start();
    // A test of almost a week ago: in a few seconds it is a week.
    hand_in(&world, &[(0, "test", 7 * DAY - 6, None, NEGATIVE), (1, "test", HOUR, None, NEGATIVE)]);
    wait_for(&world, 0, "green");
    wait_for(&world, 1, "green");
    let waited = wait_for(&world, 0, "amber");
    println!("amber by time alone after {} s", waited.as_secs());
    drop(halves);
    hand_in(&world, &[(0, "test", 25 * HOUR, None, NEGATIVE)]);
    let _halves = start();
    // A test of the second in which the colour began does not count.
    std::thread::sleep(Duration::from_millis(1100));
    hand_in(&world, &[(0, "test", 0, None, NEGATIVE)]);
    // Until its word has the first of two tests.
    let tested =
        || json(&world, "holder show --issuer 310000 0 --json")["status"]["tested_ms"].as_u64().unwrap();
    let now_ms = || u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap();
    let begun = Instant::now();
    while tested() + 120_000 < now_ms() {
        assert!(begun.elapsed() < Duration::from_secs(30), "the word has no new test");
    }
    assert_eq!(colour(&world, 0), "amber", "one test since the colour began, and one of before");
    // The next second has a test of its own.
    std::thread::sleep(Duration::from_millis(1100));
    hand_in(&world, &[(0, "test", 0, None, NEGATIVE)]);
    wait_for(&world, 0, "green");
}

const OWN_TESTS: &str = include_str!("common/own_tests.toml");
