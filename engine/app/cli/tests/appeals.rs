//! An appeal from the hotline to a green code, with the real binary alone (R29).

mod common;
mod registry;

use common::said;
use registry::World;
use serde_json::Value;

const SAID: &str = "that day I was in hospital";

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// Clerk, reviewer, local authority and national platform have tokens and keys of their own; the appellant sees each step.
#[test]
fn r29_a_wrong_red_is_found_by_an_appeal_and_carried_out_by_both_keys() {
    let world = World::with("[appeals]\ndue_s = 3600\n");
    world.add_holders(2);
    for (label, scopes) in [("desk", "appeals"), ("board", "appeals,history")] {
        world.ok(&format!("registry token new --label {label} --scopes {scopes} --out {label}.token"));
    }
    let propose = "change propose --key local.key --rule 7 --reason contact --yes";
    let instruct = world.ok(&format!("{propose} --holder 0 --holder 1 --colour red --json"));
    assert_eq!(json(&instruct)[0]["id"], 1, "{instruct}");
    let confirm = "change confirm --issuer 310000 --all --key national.key --yes";
    world.ok(confirm);

    world.write("said.txt", &format!("{SAID}\n"));
    let open = "appeal open --issuer 310000 0 --against colour --words-file said.txt --token desk.token";
    let opened = json(&world.ok(&format!("{open} --json")))["appeal"].clone();
    assert_eq!(
        (&opened["id"], &opened["given_by"], &opened["colour"]),
        (&1.into(), &1.into(), &"red".into())
    );
    let due_ms =
        opened["due_ms"].as_u64().zip(opened["opened_ms"].as_u64()).map(|(due, opened)| due - opened);
    assert_eq!(due_ms, Some(3_600_000), "as registry.toml says");
    let twice = world.hufu(open);
    assert!(said(&twice).contains("appeal 1 of this holder is about the same"), "{}", said(&twice));

    let review = "appeal review --issuer 310000 1";
    let by_clerk = world.hufu(&format!("{review} --token desk.token"));
    assert!(said(&by_clerk).contains("needs scope history"), "{}", said(&by_clerk));
    let by_proposer = world.hufu(review);
    assert!(
        said(&by_proposer).contains("handed in the proposal that gave the colour"),
        "{}",
        said(&by_proposer)
    );
    assert!(world.ok(&format!("{review} --token board.token")).contains("in-review"));

    let decide = |rest: &[&str]| {
        let words = "the list was of another school";
        let line =
            ["appeal", "decide", "--issuer", "310000", "1", "--token", "board.token", "--words", words];
        world.hufu_args(&[&line, rest].concat())
    };
    let bare = decide(&["--accept"]);
    assert!(said(&bare).contains("propose it first"), "{}", said(&bare));
    let worse = decide(&["--accept", "--proposal", "1"]);
    assert!(said(&worse).contains("proposal 1 is confirmed"), "{}", said(&worse));
    let green = json(&world.ok(&format!("{propose} --holder 0 --colour green --json")));
    let content = green[0]["content_digest"].as_str().expect("a digest");
    let accepted = decide(&["--accept", "--content", content]);
    assert!(said(&accepted).contains("hufu change confirm --issuer 310000 2"), "{}", said(&accepted));
    assert!(
        world.ok("holder show --issuer 310000 0").contains("red"),
        "a decision changes nothing by itself"
    );
    world.ok(confirm);
    assert!(world.ok("holder show --issuer 310000 0").contains("green"));

    let told = json(&world.ok("appeal show --issuer 310000 1 --token desk.token --json"));
    assert_eq!((&told["words"], &told["appeal"]["state"]), (&SAID.into(), &"carried-out".into()), "{told:#}");
    let steps: Vec<_> =
        told["steps"].as_array().expect("steps").iter().map(|step| (&step["state"], &step["who"])).collect();
    let expected = [
        ("open", "desk"),
        ("in-review", "board"),
        ("accepted", "board"),
        ("carried-out", "both authorities, change set 2"),
    ]
    .map(|(state, who)| (Value::from(state), Value::from(who)));
    assert_eq!(steps, expected.iter().map(|(state, who)| (state, who)).collect::<Vec<_>>());
    assert!(world.ok("appeal show --issuer 310000 1").contains("the list was of another school"));
    let list = world.ok("appeal list --issuer 310000 --state carried-out");
    assert!(list.contains("colour (red)"), "{list}");
    assert_eq!(world.ok("appeal list --issuer 310000 --overdue --json").trim(), "[]");

    let figures = json(&world.ok("appeal figures --issuer 310000 --from -1h --json"));
    let [opened, wrong_reds, overdue] =
        ["opened", "wrong_reds", "overdue"].map(|name| figures[name].as_u64());
    assert_eq!((opened, wrong_reds, overdue), (Some(1), Some(1), Some(0)), "{figures}");
    assert!(figures["decision_max_s"].as_u64().is_some_and(|s| s < 600), "{figures}");
    assert!(world.ok("appeal figures --issuer 310000").contains("1 reds, 0 ambers found"));
    world.audit_agrees();
    let database = std::fs::read(world.path("reg/registry.db")).expect("the database");
    let log = std::fs::read(world.path("reg/registry.db-wal")).unwrap_or_default();
    let holds = |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(
        holds(&database, "appeal.decided") || holds(&log, "appeal.decided"),
        "values stand in it as they are"
    );
    assert!(!holds(&database, SAID) && !holds(&log, SAID), "what was said is sealed");
}
