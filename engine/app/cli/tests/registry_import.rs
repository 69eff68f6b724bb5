//! An existing population into a registry, with the real binary alone.

mod common;
mod registry;

use std::fmt::Write as _;

use common::said;
use registry::World;
use serde_json::Value;

fn people(from: u32, to: u32, colour: &str) -> String {
    let mut text = "name,id_number,phone,colour,doses\n".to_owned();
    for person in from..to {
        writeln!(text, "Li {person},passport:E{person:08},,{colour},2").expect("memory takes it");
    }
    text
}

fn summary(output: &std::process::Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(output)))
}

#[test]
fn nothing_is_taken_while_more_lines_are_refused_than_allowed() {
    let world = World::new();
    let mut text = people(1, 4, "green");
    text.push_str(
        "Wang,110105194912310021,,green,\nZhao,passport:E00000001,,green,\nSun,passport:E9999999,,blue,\n",
    );
    world.write("people.csv", &text);

    let looked = world.hufu("import people.csv --dry-run --refused bad.csv --json");
    assert_eq!(looked.status.code(), Some(1), "{}", said(&looked));
    let found = summary(&looked);
    assert_eq!((&found["people"], &found["refused"]), (&3.into(), &3.into()), "{found}");
    let bad = world.read("bad.csv");
    assert!(bad.contains("5,id_number: the check character is wrong"), "{bad}");
    assert!(bad.contains("6,an earlier line has the same id number"), "{bad}");
    assert!(bad.contains("7,\"colour must be green, amber or red\""), "{bad}");

    let refused = world.hufu("import people.csv --key local.key --yes");
    assert!(said(&refused).contains("nothing was done: 3 lines are refused"), "{}", said(&refused));
    let nobody = world.hufu("holder find --issuer 310000 --id-number passport:E00000001");
    assert_eq!(nobody.status.code(), Some(1), "{}", said(&nobody));

    let taken = world
        .hufu("import people.csv --key local.key --national-key national.key --refuse-max 3 --yes --json");
    let found = summary(&taken);
    assert_eq!((&found["registered"], &found["sets"]), (&3.into(), &serde_json::json!([1])), "{found}");
    assert!(world.ok("holder show --issuer 310000 2").contains("green (generation 0, no test, 2 doses)"));
    world.audit_agrees();
}

#[test]
fn an_import_that_was_interrupted_is_run_again_and_does_what_is_left() {
    let world = World::new();
    world.write("people.csv", &people(0, 40_000, "green"));
    // As if it had stopped after proposing.
    let first = world.hufu("import people.csv --key local.key --yes --json");
    assert_eq!(summary(&first)["proposals"].as_array().map(Vec::len), Some(2), "{}", said(&first));
    let again = summary(&world.hufu("import people.csv --key local.key --yes --json"));
    assert_eq!((&again["known"], &again["waiting"]), (&40_000.into(), &2.into()), "{again}");
    assert_eq!(again["proposals"], serde_json::json!([]), "what waits is not proposed twice");
    let confirmed =
        summary(&world.hufu("import people.csv --key local.key --national-key national.key --yes --json"));
    assert_eq!(confirmed["sets"], serde_json::json!([1, 2]), "{confirmed}");
    let nothing =
        summary(&world.hufu("import people.csv --key local.key --national-key national.key --yes --json"));
    assert_eq!(
        (&nothing["unchanged"], &nothing["proposals"]),
        (&40_000.into(), &serde_json::json!([])),
        "{nothing}"
    );

    // A later file changes one of them and adds one.
    let mut later = people(39_999, 40_001, "amber");
    later.push_str("Li 3,passport:E00000003,,green,2\n");
    world.write("later.csv", &later);
    let found =
        summary(&world.hufu("import later.csv --key local.key --national-key national.key --yes --json"));
    assert_eq!(
        (&found["registered"], &found["known"], &found["unchanged"]),
        (&1.into(), &2.into(), &1.into()),
        "{found}"
    );
    let report = world.audit_agrees();
    assert_eq!(report["changes"], 40_002, "{report}");
}

#[cfg(feature = "parquet")]
#[test]
fn a_build_with_parquet_says_so_of_a_file_that_is_none() {
    let world = World::new();
    world.write("people.parquet", "no parquet");
    let refused = world.hufu("import people.parquet --dry-run");
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
}
