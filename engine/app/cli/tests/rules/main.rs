//! Colours that follow from recorded facts (R28): by hand, and without a person between laboratories and both authorities.

mod by_hand;
#[path = "../common/mod.rs"]
mod common;
mod halves;
#[path = "../registry/mod.rs"]
mod registry;
mod services;

use std::fmt::Write as _;

use registry::World;
use serde_json::Value;

const RULES: &str = include_str!("../../../../../docs/examples/rules.toml");
const PLACES: &str = include_str!("../../../../../docs/examples/places.toml");
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
