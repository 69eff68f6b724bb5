//! Relatives bound to users, with the real binary: from the counter to the gate (R27).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;
mod registry;

use std::fs;
use std::process::Output;
use std::time::{SystemTime, UNIX_EPOCH};

use common::{Deployment, SITE, said};
use hufu_registry::IdNumber;
use registry::World;
use serde_json::Value;

/// The number of somebody who has lived about so many years.
fn aged(years: u64) -> String {
    let now_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let year = 1970 + now_s / 31_556_952 - years;
    let numbers = "10X98765432".chars().map(|check| format!("110105{year}0101002{check}"));
    numbers.into_iter().find(|number| IdNumber::read(number).is_ok()).unwrap()
}

fn bind(world: &World, name: &str, number: &str, more: &[&str]) -> Output {
    let line =
        ["family", "bind", "--issuer", "310000", "--user", "0", "--name", name, "--recorded-by", "counter 3"];
    world.hufu_with(&[&line, more].concat(), &format!("{number}\n"))
}

#[test]
fn r27_a_relative_is_bound_printed_for_and_shown_as_family_at_a_gate() {
    let world = World::with("[families]\nface_keys = [\"../face.pub\"]\n");
    let (child, elder) = (aged(3), aged(70));
    for (name, number) in
        [("Wang Xiaoming", "11010519491231002X"), ("Wang Xiaobao", &child), ("Wang Nainai", &elder)]
    {
        assert!(world.add_holder(name, number).status.success());
    }
    let text = world.ok("family commitment --issuer 310000 --version zh-1");
    assert!(text.contains("version zh-1, SHA-256 ") && text.contains("承诺书"), "{text}");
    let commitment = ["--commitment", "zh-1", "--signed-name", "Wang Xiaoming", "--consent", "guardian"];
    let bound = bind(&world, "Wang Xiaobao", &child, &commitment);
    assert!(bound.status.success(), "{}", said(&bound));
    assert!(said(&bound).contains("binding 1 of issuer 310000, active, until "), "{}", said(&bound));
    assert!(!said(&bound).contains("Xiaobao") && !said(&bound).contains(&child), "masked: {}", said(&bound));

    let wrong = bind(&world, "Wang Nainai", &elder, &commitment);
    assert!(said(&wrong).contains("needs a face check"), "{}", said(&wrong));
    let middle = bind(&world, "Wang", &aged(30), &commitment);
    assert_eq!(middle.status.code(), Some(2));
    assert!(
        said(&middle).contains("only people of 16 and under or of 60 and over can be bound"),
        "{}",
        said(&middle)
    );
    let slip = bind(&world, "Wang", "110105194912310021", &commitment);
    assert!(said(&slip).contains("enter a correct id number"), "{}", said(&slip));
    world.ok(
        "family attest --key codes.key --issuer 310000 --user 0 --relative 2 --level 2 --out other.statement",
    );
    let other = bind(&world, "Wang Nainai", &elder, &["--face", "other.statement", "--consent", "in-person"]);
    assert!(said(&other).contains("no key of registry.toml"), "{}", said(&other));
    world.ok(
        "family attest --key face.key --issuer 310000 --user 0 --relative 2 --level 2 --out face.statement",
    );
    let bound = bind(&world, "Wang Nainai", &elder, &["--face", "face.statement", "--consent", "in-person"]);
    assert!(said(&bound).contains("binding 2 of issuer 310000, active: relative 2"), "{}", said(&bound));

    let listed: Value =
        serde_json::from_str(&world.ok("family list --issuer 310000 --user 0 --json")).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 2, "{listed}");
    assert_eq!(
        (&listed[0]["assured"]["kind"], &listed[1]["assured"]["level"]),
        (&"commitment".into(), &2.into())
    );
    let early = world.hufu("family end --issuer 310000 1 --by relative");
    assert_eq!(early.status.code(), Some(1), "{}", said(&early));
    assert!(said(&early).contains("24 hours after it was made: from 20"), "{}", said(&early));

    // One on a page, both on a sheet.
    world.ok("family print --issuer 310000 1 --page child.svg");
    let page = world.read("child.svg");
    for wanted in ["FAMILY CODE, PAPER", "Issued", "Valid until", "W*"] {
        assert!(page.contains(&format!(">{wanted}")), "{wanted}");
    }
    world.ok("family print --issuer 310000 --user 0 --page all.svg");
    assert_eq!(world.read("all.svg").matches(">FAMILY CODE, PAPER<").count(), 2);
    world.ok("family print --issuer 310000 2 --valid 2d --page elder.png");
    let explained = world.ok("inspect elder.png");
    assert!(explained.contains("family code") && explained.contains("valid for 2 d"), "{explained}");

    // At a gate whose engine believes the registry's key.
    let deployment = Deployment::new();
    fs::copy(world.path("codes.pub"), deployment.path("codes.pub")).unwrap();
    deployment.run("keys trust add --operator operator.key --list trust.hufu --key codes.pub --uses paper");
    let code = world.ok("family print --issuer 310000 1 --text");
    deployment.set("1", "green");
    let sites = format!(
        "[[site]]\nid = {SITE}\nname = \"North gate\"\naccepts = [\"phone\", \"family\"]\nstaleness_ms_max = 86400000\n"
    );
    deployment.write("sites.toml", &sites);
    let _engine = deployment.serve();
    let shown = common::hufu(deployment.folder(), &["check", "--gate", "gate", "--json", code.trim()]);
    let verdict: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(
        (&verdict["kind"], &verdict["decision"]),
        (&"family".into(), &"admit".into()),
        "{}",
        said(&shown)
    );
    let shown = common::hufu(deployment.folder(), &["check", "--gate", "gate", code.trim()]);
    assert!(said(&shown).contains("(family, green"), "{}", said(&shown));
}
