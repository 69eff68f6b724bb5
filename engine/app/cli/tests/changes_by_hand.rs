//! What guards a clerk who changes statuses by hand, with the real binary alone.

mod common;
mod registry;

use common::said;
use registry::World;
use serde_json::Value;

const PROPOSE: &str = "change propose --key local.key --rule 7 --reason review --yes";

fn confirm(world: &World) -> String {
    let confirmed = world.hufu("change confirm --issuer 310000 --all --key national.key --yes");
    assert!(confirmed.status.success(), "{}", said(&confirmed));
    said(&confirmed)
}

#[test]
fn r47_a_change_shows_old_and_new_and_names_registered_holders_only() {
    let world = World::new();
    world.add_holders(3);
    let tested = "--test negative --tested 2026-11-01T08:00Z --doses 3";
    world.ok(&format!("{PROPOSE} --holder 0 --colour green {tested}"));
    confirm(&world);
    let unknown = world.hufu(&format!("{PROPOSE} --holder 0 --holder 17 --holder 18 --colour red"));
    assert_eq!(unknown.status.code(), Some(2), "{}", said(&unknown));
    assert!(said(&unknown).contains("no holder is registered with index 17, 18"), "{}", said(&unknown));
    world.ok(&format!("{PROPOSE} --holder 17 --colour red --unregistered"));
    confirm(&world);

    let shown = world.hufu(&format!("{PROPOSE} --holder 0 --holder 1 --colour red"));
    let text = said(&shown);
    let kept = "test negative of 2026-11-01T08:00:00Z, 3 doses)";
    assert!(text.contains("1 green -> red, 1 unknown -> red"), "{text}");
    assert!(text.contains(&format!("0 L*0001: green (generation 0, {kept} -> red ({kept}")), "{text}");
    assert!(text.contains("1 L*0002: unknown -> red (no test, 0 doses)"), "{text}");
    assert!(confirm(&world).contains("0 L*0001: green (generation 0"), "the national platform sees it too");
    assert!(world.ok("holder show --issuer 310000 0").contains(&format!("red (generation 0, {kept}")));
    world.ok(&format!("{PROPOSE} --holder 0 --colour amber --whole"));
    confirm(&world);
    assert!(world.ok("holder show --issuer 310000 0").contains("amber (generation 0, no test, 0 doses)"));
    world.audit_agrees();

    world.write("bulk.csv", "holder,colour\n0,green\n1,blue\n2,green\n2,red\n");
    let refused = world.hufu(&format!("{PROPOSE} --from bulk.csv"));
    for line in ["nothing was signed", "line 3: holder 1: colour must be", "line 5: holder 2 is named twice"]
    {
        assert!(said(&refused).contains(line), "{}", said(&refused));
    }
}

#[test]
fn r47_a_change_is_undone_and_told() {
    let world = World::new();
    world.add_holders(3);
    world.ok(&format!("{PROPOSE} --holder 0 --holder 1 --colour green --doses 2"));
    world.ok(&format!("{PROPOSE} --holder 2 --colour amber"));
    confirm(&world);
    world.ok(&format!("{PROPOSE} --holder 0 --holder 1 --holder 2 --colour red"));
    confirm(&world);
    let undo = "change undo --issuer 310000 --national 100000 --key local.key --yes";
    let shown = world.hufu(&format!("{undo} 3"));
    assert!(shown.status.success(), "{}", said(&shown));
    assert!(said(&shown).contains("1 red -> amber, 2 red -> green"), "{}", said(&shown));
    let open = world.hufu(&format!("{undo} 4"));
    assert!(said(&open).contains("change withdraw --issuer 310000 4"), "{}", said(&open));
    confirm(&world);
    assert!(world.ok("holder show --issuer 310000 1").contains("green (generation 0, no test, 2 doses)"));
    assert!(world.ok("holder show --issuer 310000 2").contains("amber"));
    let nothing = world.hufu(&format!("{undo} 3 --force"));
    assert!(said(&nothing).contains("there is nothing to undo"), "{}", said(&nothing));

    // A later change of a holder is not taken back unasked, and a generation never is.
    world.ok(&format!("{PROPOSE} --holder 0 --colour amber"));
    confirm(&world);
    let later = world.hufu(&format!("{undo} 1"));
    assert_eq!(later.status.code(), Some(2), "{}", said(&later));
    assert!(said(&later).contains("named 2 of the holders, 0, 1"), "{}", said(&later));
    world.ok(&format!("{PROPOSE} --holder 2 --generation 5"));
    confirm(&world);
    let generation = world.hufu(&format!("{undo} 6"));
    assert_eq!(generation.status.code(), Some(1), "{}", said(&generation));

    let list: Value =
        serde_json::from_str(&world.ok("change list --issuer 310000 --holder 2 --json")).expect("JSON");
    let ids: Vec<_> =
        list.as_array().expect("a list").iter().map(|proposal| proposal["id"].clone()).collect();
    assert_eq!(ids, [2, 3, 4, 6]);
    assert!(!world.ok("change list --issuer 310000 --since -1h").contains("no proposal"));
    let none = world.ok("change list --issuer 310000 --until -1h --json");
    assert_eq!(none.trim(), "[]");
    let history = world.ok("holder history --issuer 310000 2 --json");
    let history: Value = serde_json::from_str(&history).expect("JSON");
    let told: Vec<_> =
        history.as_array().expect("a list").iter().map(|one| one["after"]["colour"].clone()).collect();
    assert_eq!(told, ["amber", "red", "amber", "amber"]);
    assert_eq!((&history[2]["reason"], &history[2]["rule"]), (&"undoes proposal 3".into(), &7.into()));
    world.audit_agrees();
}

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
    confirm(&world);
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
