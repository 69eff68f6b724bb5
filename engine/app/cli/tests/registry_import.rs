//! An existing population into a registry, with the real binary alone.

mod common;
mod registry;

use std::fmt::Write as _;
use std::io::Write as _;

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
    let nobody = world.find_holder("passport:E00000001");
    assert_eq!(nobody.status.code(), Some(1), "{}", said(&nobody));

    let taken = world
        .hufu("import people.csv --key local.key --national-key national.key --refuse-max 3 --yes --json");
    assert_eq!(taken.status.code(), Some(0), "as many as --refuse-max allows: {}", said(&taken));
    let found = summary(&taken);
    assert_eq!((&found["registered"], &found["sets"]), (&3.into(), &serde_json::json!([1])), "{found}");
    assert!(world.ok("holder show --issuer 310000 2").contains("green (generation 0, no test, 2 doses)"));
    world.audit_agrees();
}

#[test]
fn the_file_that_is_read_is_not_written_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let text = people(1, 4, "green");
    std::fs::write(folder.join("people.csv"), &text).expect("written");
    std::fs::hard_link(folder.join("people.csv"), folder.join("same.csv")).expect("linked");
    std::os::unix::fs::symlink("people.csv", folder.join("also.csv")).expect("linked");
    for line in [
        "import people.csv --dry-run --refused people.csv",
        "import people.csv --dry-run --refused same.csv",
        "import people.csv --issuer 310000 --names also.csv",
        "trip import people.csv --office 12306 --issuer 310000 --dry-run --refused also.csv",
        "trip import people.csv --office 12306 --issuer 310000 --codes people.csv",
        "facts import people.csv --issuer 310000 --refused ./people.csv",
    ] {
        let words: Vec<_> = line.split(' ').collect();
        common::check(folder, &words, 2, "is the file that is read");
        assert_eq!(std::fs::read_to_string(folder.join("people.csv")).expect("read"), text, "{line}");
    }
}

#[test]
fn a_no_to_the_question_ends_in_1_and_registers_no_one() {
    let world = World::new();
    world.write("people.csv", &people(1, 2, "green"));
    let pty = nix::pty::openpty(None, None).expect("a terminal");
    // Typed before it is asked.
    let mut person = std::fs::File::from(pty.master.try_clone().expect("its other end"));
    person.write_all(b"n\n").expect("typed");
    let status = std::process::Command::new(env!("CARGO_BIN_EXE_hufu"))
        .args("import people.csv --key local.key".split(' '))
        .current_dir(world.path(""))
        .stdin(pty.slave.try_clone().expect("a terminal"))
        .stderr(pty.slave)
        .stdout(std::process::Stdio::null())
        .status()
        .expect("it runs");
    assert_eq!(status.code(), Some(1));
    let absent = world.find_holder("passport:E00000001");
    assert_eq!(absent.status.code(), Some(1), "{}", said(&absent));
}

#[test]
fn r47_what_is_typed_wrong_is_refused_where_it_stands() {
    let world = World::new();
    let look = |name: &str, text: &str, more: &str, wanted: &str| {
        world.write(name, text);
        let looked = world.hufu(&format!("import {name} --dry-run {more}"));
        assert!(said(&looked).contains(wanted), "{text}: {}", said(&looked));
    };
    for end in ["\n", "\r\n", "\r"] {
        let text =
            ["name,id_number", "Li,passport:E1234", "", "Wang,passport:E1235", "Bad,110105194912310021"];
        look("lines.csv", &text.join(end), "", "line 5: id_number: the check character");
    }
    let dated = "name,id_number,colour,valid_until\nLi,passport:E1234,green,2090-12-24\n";
    look("dated.csv", dated, "", "line 2: valid_until: which zone?");
    look("dated.csv", dated, "--time-zone Asia/Shanghai", "2090-12-24T00:00:00+08:00 is too late");
    look("dated.csv", &dated.replace("2090-12-24", "20270101"), "", "valid_until: a bare number is no time");
    look("dated.csv", &dated.replace("2090-12-24", "+14d"), "", "1 people, 1 green");
    let one = |name: &str, number: &str| format!("name,id_number\n{name},{number}\n");
    look("one.csv", &one("\u{202e}Li", "passport:E1234"), "", "name has control characters");
    look("one.csv", &one("Li", "320101209801010019"), "", "a date of birth in the future");
    look("one.csv", &one("Li", "320101198007013000"), "", "id_number ends in 000");
    look("one.csv", &one("Li", "990105194912310023"), "", "no province");
    look("one.csv", &one("Li", "hkid:A123456(7)"), "", "leave out the brackets");
    let future = world.add_holder("Li", "320101209801010019");
    assert!(said(&future).contains("a date of birth in the future"), "{}", said(&future));
    world.write("hufu.toml", &format!("time_zone = 'Asia/Shanghai'\n{}", world.read("hufu.toml")));
    look("dated.csv", dated, "", "2090-12-24T00:00:00+08:00 is too late");
}

#[test]
fn r12_a_name_list_becomes_a_roster_and_masked_names() {
    let world = World::new();
    world.write("people.csv", "name;id_number\r\n陈一;320101198802140017\r\n刘二;320101199911300029\r\n");
    world.ok("import people.csv --issuer 310000 --register-only --names registered.csv");
    assert!(
        world.read("registered.csv").contains("3,,刘*0029,310000,1,yes"),
        "{}",
        world.read("registered.csv")
    );

    let list = "班级,姓名,身份证号\n3b,陈一,320101198802140017\n3a,刘二,320101199911300029\n";
    world.write("list.csv", list);
    world.write("long.csv", &format!("{list}3a,Ada,passport:E1234\n3b,赵大宝,320101198802140017\n"));
    world.write("twice.csv", &format!("{list}3a,刘二,320101199911300029\n"));
    world.write("school.toml", "roster = true\n");
    world.ok("site put 310101 --name School --policy school.toml");

    let twice = world.hufu("roster put school --site 310101 --issuer 310000 --people twice.csv");
    assert!(said(&twice).contains("line 4: the same id number as in line 3"), "{}", said(&twice));
    world.write("long.csv", &format!("{list}3a,Ada,passport:E1234\n"));
    let put = "roster put school --site 310101 --issuer 310000 --people long.csv --names names.csv";
    let refused = world.hufu(put);
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    assert!(said(&refused).contains("line 4, A*34: not registered"), "{}", said(&refused));
    assert!(world.ok("roster list --site 310101 --json").contains("[]"), "nothing was put");
    assert!(world.ok(&format!("{put} --unknown-max 1")).contains("2 members"));
    let names = world.read("names.csv");
    for wanted in ["2,3b,陈*0017,310000,0,yes", "3,3a,刘*0029,310000,1,yes", "4,3a,A*34,,,unregistered"] {
        assert!(names.contains(wanted), "{names}");
    }
    assert!(!names.contains("陈一") && !names.contains("320101"), "{names}");

    world.write("other.csv", "name,id_number\n赵大宝,320101198802140017\n");
    let other = world.hufu("holder find --issuer 310000 --people other.csv --json");
    assert_eq!(other.status.code(), Some(1), "{}", said(&other));
    assert!(said(&other).contains("registered with another name"), "{}", said(&other));
    let one = world.find_holder("320101198802140017");
    assert!(said(&one).contains("holder 0 of issuer 310000: 陈*0017"), "{}", said(&one));
    world.write("unknown.txt", "0\r\n9\r\n");
    let unknown = world.hufu("roster put school --site 310101 --issuer 310000 --members unknown.txt");
    assert!(said(&unknown).contains("holder 9 of issuer 310000 is not registered"), "{}", said(&unknown));
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

#[test]
fn r47_a_line_with_another_person_s_number_changes_nobody() {
    let world = World::new();
    world.write(
        "people.csv",
        "name,id_number,colour,doses\nZhao Li,320101198802140017,green,\nAda,passport:E12345678,green,3\n",
    );
    world.ok("import people.csv --key local.key --national-key national.key --yes");
    let other = "name,id_number,colour\nSun Mei,passport:E7777777,red\nZhao Dashan,320101198802140017,red\n\
                 ADA,Passport:e1234-5678,amber\nBob,passport:CAN:E12345678,red\n";
    world.write("other.csv", other);
    let refused = world
        .hufu("import other.csv --key local.key --national-key national.key --yes --refused bad.csv --json");
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    let found = summary(&refused);
    let counts = (&found["registered"], &found["known"], &found["refused"], &found["sets"]);
    assert_eq!(counts, (&1.into(), &1.into(), &2.into(), &serde_json::json!([])), "{found}");
    assert!(said(&refused).contains("no status was signed: 2 lines are refused"), "{}", said(&refused));
    let bad = world.read("bad.csv");
    assert!(bad.contains("\n3,") && bad.contains("\n5,") && bad.lines().count() == 3, "{bad}");
    assert!(bad.contains("is registered with another name") && !bad.contains("Zhao"), "{bad}");
    assert!(world.ok("holder show --issuer 310000 0").contains("green"), "nobody changed colour");
    assert!(world.ok("holder show --issuer 310000 1").contains("green"));

    let allowed = "import other.csv --key local.key --national-key national.key --refuse-max 2 --yes --json";
    let found = summary(&world.hufu(allowed));
    assert_eq!(found["sets"], serde_json::json!([2]), "{found}");
    assert!(world.ok("holder show --issuer 310000 0").contains("green"));
    let kept = world.ok("holder show --issuer 310000 1");
    assert!(
        kept.contains("amber (generation 0, no test, 3 doses)"),
        "the file says nothing of the doses: {kept}"
    );
    world.audit_agrees();
}

#[test]
fn r47_a_record_is_corrected_joined_and_parted_by_hand() {
    let world = World::new();
    for (name, number) in [("Wnag Mei", "11010519491231002X"), ("Wang Mei", "passport:USA:E12345678")] {
        assert!(world.add_holder(name, number).status.success());
    }
    world.propose("--holder 1 --colour green --rule 1");
    world.ok("change confirm --issuer 310000 --all --key national.key --yes");
    let record = |line: &str, rest: &[&str]| {
        let mut words: Vec<_> = line.split_whitespace().collect();
        words.extend(rest);
        words.extend(["--issuer", "310000", "--reason", "seen on the card"]);
        world.hufu_args(&words)
    };
    let unasked = record("holder correct 0 --name", &["Wang Mei"]);
    assert!(said(&unasked).contains("holder 0 of issuer 310000: W*002X"), "{}", said(&unasked));
    assert!(said(&unasked).contains("run the command again with --yes"), "{}", said(&unasked));
    let corrected = record("holder correct 0 --yes --name", &["Wang Mei"]);
    assert!(corrected.status.success(), "{}", said(&corrected));

    let join = || record("holder join 1 --into 0 --yes", &[]);
    assert!(said(&join()).contains("has a status") && !join().status.success(), "{}", said(&join()));
    world.propose("--holder 1 --colour forget --rule 1");
    world.ok("change confirm --issuer 310000 --all --key national.key --yes");
    assert!(join().status.success(), "one person");
    assert!(world.ok("holder show --issuer 310000 1").contains("joined into holder 0"));
    assert!(said(&world.find_holder("passport:USA:E12345678")).contains("holder 0 of"));
    let paper = world.hufu("holder credential paper --issuer 310000 1 --text");
    assert!(said(&paper).contains("was joined into holder 0"), "{}", said(&paper));
    let propose = "change propose --key local.key --holder 1 --colour green --rule 1 --reason back --yes";
    assert!(said(&world.hufu(propose)).contains("joined"), "{}", said(&world.hufu(propose)));

    let parted = record("holder part 0 --yes --name", &["Li Hua"]);
    assert!(said(&parted).contains("holder 2 of issuer 310000: L*002X"), "{}", said(&parted));
    assert!(record("holder part 1 --yes", &[]).status.success(), "the join is taken back");
    let trail = world.ok("audit --issuer 310000 --national 100000 --publisher 900000 --json");
    assert!(trail.contains("agrees"), "{trail}");
}

/// A person is not registered for a change that would not be signed, and a look tells what a run would find.
#[test]
fn r47_an_import_asks_for_the_rule_and_the_people_first() {
    let world = World::with("[rules]\n1 = \"first import\"\n");
    world.write("people.csv", &people(1, 3, "green"));
    for line in [
        "import people.csv --key local.key --rule 7 --yes",
        "import people.csv --key local.key --rule 7 --dry-run",
    ] {
        let refused = world.hufu(line);
        assert_eq!(refused.status.code(), Some(2), "{line}: {}", said(&refused));
        assert!(
            said(&refused).contains("--rule 7 is not known: nothing was signed; known are 1"),
            "{}",
            said(&refused)
        );
    }
    assert_eq!(world.find_holder("passport:E00000001").status.code(), Some(1), "nobody was registered");
    world.ok("import people.csv --key local.key --rule 1 --yes");

    // One is known, one has another name, one is new.
    world.write(
        "next.csv",
        "name,id_number\nLi 1,passport:E00000001\nWang,passport:E00000002\nSun,passport:E00000003\n",
    );
    let looked = world.hufu("import next.csv --issuer 310000 --dry-run --refused bad.csv --json");
    assert_eq!(looked.status.code(), Some(1), "{}", said(&looked));
    let found = summary(&looked);
    assert_eq!((&found["known"], &found["refused"]), (&1.into(), &1.into()), "{found}");
    assert!(found["registry_not_asked"].is_null(), "{found}");
    assert!(
        world.read("bad.csv").contains("3,\"the id number is registered with another name"),
        "{}",
        world.read("bad.csv")
    );
    assert_eq!(world.find_holder("passport:E00000003").status.code(), Some(1), "nobody was registered");
    let unasked = world.ok("import next.csv --dry-run");
    assert!(unasked.contains("the registry was not asked: no --issuer is given"), "{unasked}");
}

#[cfg(feature = "parquet")]
#[test]
fn a_build_with_parquet_says_so_of_a_file_that_is_none() {
    let world = World::new();
    world.write("people.parquet", "no parquet");
    let refused = world.hufu("import people.parquet --dry-run");
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
}
