//! A ticket office: its file becomes codes, which pass at their hub in their window until their tickets are cancelled (R04).

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;
mod registry;

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use common::{Deployment, Engine, eventually, free_address, said};
use hufu_codes::ended::EndedList;
use hufu_wire::{IssuerId, UnixSeconds};
use registry::{ISSUER, World};
use serde_json::Value;

const RAILWAY: &str = include_str!("../../../../docs/examples/trips-railway.csv");
const AIRPORT: &str = include_str!("../../../../docs/examples/trips-airport.csv");

/// Sites of the railway's and of the airport's hub, and two gates.
const SITES: &str = "[[site]]\nid = 1\nname = 'Station'\nhub = 3101\naccepts = ['trip']\nstaleness_ms_max = 86400000\n\
                     [[site]]\nid = 2\nname = 'Airport'\nhub = 3102\naccepts = ['trip']\nstaleness_ms_max = 86400000\n";

/// An example with a window around now, or one that `from` and `until` say.
fn dated(example: &str, from: &str, until: &str) -> String {
    let mut text = example.to_owned();
    for (hours, time) in [("06", from), ("04", from), ("09", until), ("10", until)] {
        text = text.replace(&format!("2026-12-03T{hours}:00+08:00"), time);
    }
    assert!(!text.contains("2026-12-03"), "{text}");
    text
}

/// A registry whose travellers are registered and green, with an engine beside it.
fn world() -> (World, Engine) {
    let world = World::new();
    let people = "name,id_number\n王小明,11010519491231002X\n陈一,320101198802140017\n\
                  ,P<SWEERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<L898902C36UTO7408122F1204159ZE184226B<<<<<10\n\
                  Chan Tai Man,hmpermit:H1234567802\n";
    world.write("people.csv", people);
    world.ok(&format!("import people.csv --issuer {ISSUER} --register-only"));
    world.ok("registry token new --label office --scopes trips --out office.token");
    let [udp, quic] = [free_address(), free_address()];
    world.ok("keys cluster new --state engine-state");
    world.ok("ca init --dir ca");
    world.ok("ca server --dir ca --out engine");
    for (device, site, name) in [(7, 1, "station"), (8, 2, "airport")] {
        world.ok(&format!("ca device --dir ca --device {device} --site {site} --engine {quic} --out {name}"));
    }
    world.ok(&format!("snapshot new --issuer {ISSUER} --out statuses.snapshot"));
    for holder in 0..4 {
        world.ok(&format!("snapshot set statuses.snapshot --holder {holder} --colour green"));
    }
    world.ok(&format!("trip ended --issuer {ISSUER} --out ended.list"));
    world.write("sites.toml", SITES);
    world.write(
        "engine.toml",
        &format!(
            "[listen]\nudp = '{udp}'\nquic = '{quic}'\nmetrics = ''\n[workers]\nthreads = 1\n[memory]\n\
             holders_max = 1000000\nseen_entries = 4096\npass_back_entries = 4096\n[files]\n\
             operator_key = 'operator.pub'\ntrust_list = 'trust.hufu'\nsites = 'sites.toml'\n\
             ended_trips = ['ended.list']\nsnapshots = ['statuses.snapshot']\nca = 'ca/ca.pem'\n\
             certificate = 'engine.pem'\nkey = 'engine.key'\ncrl = 'ca/crl.pem'\nstate = 'engine-state'\n"
        ),
    );
    let engine = Deployment::at(world.path("")).serve();
    (world, engine)
}

/// Imports a file as the office; the outcome, and each ticket's line of the file of codes.
fn import(world: &World, text: &str, more: &str) -> (Value, HashMap<String, [String; 3]>) {
    world.write("tickets.csv", text);
    let line = format!(
        "trip import tickets.csv --office desk --issuer {ISSUER} --token office.token --codes codes.csv --json {more}"
    );
    let outcome = serde_json::from_str(&world.ok(&line)).unwrap();
    let mode = fs::metadata(world.path("codes.csv")).unwrap().permissions().mode();
    assert_eq!(mode & 0o77, 0, "codes are for the office alone");
    let mut codes = csv::Reader::from_path(world.path("codes.csv")).unwrap();
    let codes = codes.records().map(|row| {
        let row = row.unwrap();
        (row[0].to_owned(), [1, 2, 3].map(|column| row[column].to_owned()))
    });
    (outcome, codes.collect())
}

/// What a gate says of a code: reason, display, exit status.
fn asked(world: &World, gate: &str, code: &str) -> (String, String, Option<i32>) {
    let output = world.hufu_args(&["check", "--gate", gate, "--json", code]);
    let answer: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)));
    let text = |key: &str| answer[key].as_str().unwrap_or_default().to_owned();
    (text("reason"), text("display"), output.status.code())
}

/// What a gate says, once that is `reason`: files are taken within a second, and a device that enrols for each check may be
/// told to enrol again.
fn becomes(world: &World, gate: &str, code: &str, reason: &str) -> (String, Option<i32>) {
    eventually(reason, || match asked(world, gate, code) {
        (found, display, status) if found == reason => Ok((display, status)),
        other => Err(format!("{other:?}")),
    })
}

#[test]
fn r04_tickets_of_a_file_pass_at_their_hub_until_they_are_cancelled() {
    let (world, engine) = world();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let airport = dated(AIRPORT, &format!("@{}", now - 3600), &format!("@{}", now + 7200));
    let (outcome, codes) = import(&world, &airport, "");
    assert_eq!((&outcome["issued"], &outcome["refused"]), (&3.into(), &0.into()), "{outcome}");
    let code = |ticket: &str| codes[ticket][2].clone();
    let [first, second, third] = ["781-2412345678", "781-2412345679", "781-2412345680"];
    assert_eq!(codes[second][1], "E*02C3 CA981-05", "the passport was read by a machine");
    assert_eq!(codes[third][1], "C*5678");

    // The gate shows the reference, at the hub of the ticket alone.
    let passes = |code: &str| becomes(&world, "airport", code, "clear");
    assert_eq!(passes(&code(first)), ("王*002X CA981-04".to_owned(), Some(0)));
    assert_eq!(passes(&code(second)), ("E*02C3 CA981-05".to_owned(), Some(0)));
    assert_eq!(becomes(&world, "station", &code(first), "wrong-hub").1, Some(1));

    // The file again gives the same codes; an hour later, another code, and so does a cancelled ticket no code.
    let (outcome, same) = import(&world, &airport, "");
    assert_eq!(outcome["unchanged"], 3, "{outcome}");
    assert_eq!(same[first][2], code(first));
    let header = "ticket,name,id_number,hub,from,until,reference,state\n";
    let later = format!(
        "{header}{first},王小明,11010519491231002X,3102,+1h,+3h,CA985-01,\n{second},,,,,,,cancelled\nnone,,,,,,,cancelled\n"
    );
    let (outcome, changed) = import(&world, &later, "--refuse-max 1 --refused bad.csv");
    assert_eq!(
        (&outcome["changed"], &outcome["cancelled"], &outcome["refused"]),
        (&1.into(), &1.into(), &1.into()),
        "{outcome}"
    );
    assert!(world.read("bad.csv").contains("4,\"cancelled, and no such ticket"), "{}", world.read("bad.csv"));
    let shown = world.ok(&format!("trip show {second} --office desk --issuer {ISSUER} --token office.token"));
    assert!(shown.contains("cancelled") && shown.contains("E*02C3") && !shown.contains("CA981"), "{shown}");

    // Until the engine has the list it knows nothing of it. Then the codes of before are refused.
    passes(&code(second));
    let list = world.ok(&format!("trip ended --issuer {ISSUER} --out ended.list --json"));
    assert_eq!(serde_json::from_str::<Value>(&list).unwrap()["ended"], 2, "{list}");
    for ended in [first, second] {
        assert_eq!(becomes(&world, "airport", &code(ended), "superseded").1, Some(1));
    }
    // An older list does not give them back.
    let older = u32::try_from(now).unwrap() - 60;
    world.write("ended.list", &EndedList::write(IssuerId(310_000), UnixSeconds(older), []));
    engine.logs("is older than the list of issuer 310000 in force");
    assert_eq!(becomes(&world, "airport", &code(second), "superseded").1, Some(1));
    // The changed ticket's code is good, later; and the third traveller's is as before.
    becomes(&world, "airport", &changed[first][2], "outside-trip-window");
    passes(&code(third));
}

#[test]
fn r04_a_file_of_tickets_is_looked_at_whole_before_the_first_is_taken() {
    let world = World::new();
    let railway = dated(RAILWAY, "+1d", "+2d");
    world.write("railway.csv", &railway);
    let run = |more: &str, status: i32, wanted: &[&str]| {
        let output = world.hufu(&format!("trip import railway.csv --office 12306 --issuer {ISSUER} {more}"));
        let said = said(&output);
        assert_eq!(output.status.code(), Some(status), "{said}");
        for wanted in wanted {
            assert!(said.contains(wanted), "{said} lacks {wanted}");
        }
        assert!(!said.contains("11010519491231002X") && !said.contains("小明"), "{said}");
    };
    run("--dry-run", 0, &["3 tickets can be read", "nothing was done: --dry-run"]);
    // Nobody is registered yet: each line says so.
    run(
        "--codes c.csv",
        1,
        &["line 2: there is no holder", "have the traveller registered", "line 4: cancelled"],
    );
    let bad = format!(
        "{railway}E123456789,王小明,11010519491231002X,3101,+1d,+2d,,\nE3,王小明,110105194912310021,3101,+1d,+2d,,\n\
         E4,王小明,11010519491231002X,3101,+2d,+1d,,\nE5,王小明,11010519491231002X,hub,+1d,+2d,,\n\
         E6,王小明,11010519491231002X,3101,soon,+2d,,\nE7,王小明,11010519491231002X,3101,+1d,+2d,g7,\n\
         E8,王小明,11010519491231002X,3101,+1d,+2d,,gone\n"
    );
    world.write("railway.csv", &bad);
    let causes = [
        "line 5: the same ticket as in line 2",
        "line 6: id_number: the check character",
        "line 7: until must be later",
        "line 8: hub must be a number",
        "line 9: from:",
        "line 10: reference: 1 to 12",
        "line 11: state must be",
        "nothing was done: 7 lines are refused",
    ];
    run("--codes c.csv", 1, &causes);
}
