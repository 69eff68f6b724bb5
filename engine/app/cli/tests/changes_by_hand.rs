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
    // Nor where it would go with a first colour.
    let first = world.hufu(&format!("{undo} 2 --force"));
    assert_eq!(first.status.code(), Some(1), "{}", said(&first));
    assert!(said(&first).contains("1 of the holders are left out: 2 (generation 5);"), "{}", said(&first));

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
    let forgotten = world.hufu(&format!("{PROPOSE} --holder 2 --colour forget"));
    let wanted = "give the next colour with --generation 5";
    assert!(said(&forgotten).contains(wanted), "{}", said(&forgotten));
}
