//! Who reads records leaves a line, and no one asks for a person (R44).

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use hufu_records::{Answer, Row};
use hufu_wire::{Reason, RosterReply, Verdict};
use serde_json::{Value, json};

use crate::common::said;
use crate::filled::{DAY, FOLDERS, Filled, NOON, roster};
use crate::lines;

fn trail(filled: &Filled) -> Value {
    trail_with(filled, 0)
}

fn trail_with(filled: &Filled, status: i32) -> Value {
    let output = filled.attempt("records trail --folder records --json");
    assert_eq!(output.status.code(), Some(status), "{}", said(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn r44_a_list_an_export_and_a_small_count_each_leave_a_line_with_the_reason() {
    let filled = Filled::new();
    filled.checks(NOON, 12, Reason::Clear);
    filled.checks(NOON, 3, Reason::StatusRed);
    let of_day = format!("{FOLDERS} --day {DAY}");
    assert_eq!(trail(&filled)["lines"], 0);

    // A count that is of many leaves no line and needs no reason.
    let counts = lines(&filled.run(&format!("records count {of_day} --reason clear --json")));
    assert_eq!((counts.len(), &counts[0]["records"]), (1, &json!(12)));
    assert_eq!(trail(&filled)["lines"], 0);
    // One that is of few, of none, of one device or of a part of the day does.
    for narrow in
        ["", " --reason status-amber", " --reason clear --device 7", " --reason clear --to 2026-11-02T23:00Z"]
    {
        let refused = filled.attempt(&format!("records count {of_day}{narrow}"));
        assert_eq!(refused.status.code(), Some(2), "{narrow}: {}", said(&refused));
        assert!(refused.stdout.is_empty() && said(&refused).contains("--because"), "{}", said(&refused));
        filled.run(&format!("records count {of_day}{narrow} --because fraud"));
    }
    assert_eq!(trail(&filled)["lines"], 4);

    let red =
        lines(&filled.run(&format!("records list {of_day} --reason status-red --because case-7 --json")));
    assert_eq!(red.len(), 3);
    filled.run(&format!("records export {of_day} --site 310101 --out day.csv --because statistics"));
    let trail = trail(&filled);
    let entries = trail["entries"].as_array().unwrap();
    let of = |number: usize| &entries[number]["line"];
    assert_eq!(
        (&of(0)["command"], &of(0)["smallest_count"], &of(0)["because"]),
        (&json!("count"), &json!(3), &json!("fraud"))
    );
    assert_eq!(of(1)["smallest_count"], 0);
    assert_eq!(
        (&of(4)["command"], &of(4)["records"], &of(4)["filter"]["reason"]),
        (&json!("list"), &json!(3), &json!("status-red"))
    );
    assert_eq!(
        (&of(5)["command"], &of(5)["records"], &of(5)["filter"]["site"]),
        (&json!("export"), &json!(15), &json!(310_101))
    );
    assert!(of(5)["out"].as_str().unwrap().ends_with("/day.csv"));
    let uid = rustix::process::geteuid().as_raw();
    assert!(entries.iter().all(|entry| entry["line"]["uid"] == uid && entry["line"]["day"] == DAY));
    let mode = fs::metadata(filled.path("records/trail.jsonl")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    // A line that was noted elsewhere must still be there.
    let noted = trail["digest"].as_str().unwrap();
    filled.run(&format!("records trail --folder records --contains {noted}"));
    let text = filled.run("records trail --folder records");
    assert!(text.contains("because: statistics") && text.contains("6 lines, whole"), "{text}");
    let other = filled.attempt(&format!("records trail --folder records --contains {}", "0".repeat(64)));
    assert_eq!(other.status.code(), Some(1), "{}", said(&other));
}

#[test]
fn r44_nothing_is_shown_when_the_trail_cannot_be_written() {
    let filled = Filled::new();
    filled.checks(NOON, 2, Reason::Clear);
    fs::create_dir(filled.path("records/trail.jsonl")).unwrap();
    for command in ["list", "count", "export --out day.csv", "export --out day.parquet"] {
        let refused = filled.attempt(&format!("records {command} {FOLDERS} --day {DAY} --because fraud"));
        assert_eq!(refused.status.code(), Some(2), "{command}: {}", said(&refused));
        assert!(refused.stdout.is_empty(), "{}", said(&refused));
        assert!(said(&refused).contains("so nothing is shown"), "{}", said(&refused));
    }
    assert!(!filled.path("day.csv").exists() && !filled.path("day.parquet").exists());
    for silent in ["list", "export --out day.csv"] {
        let refused = filled.attempt(&format!("records {silent} {FOLDERS} --day {DAY}"));
        assert_eq!(refused.status.code(), Some(2), "a reason is required: {}", said(&refused));
    }
}

#[test]
fn r44_a_trail_that_was_altered_is_not_whole_and_a_torn_line_stops_nothing() {
    let filled = Filled::new();
    filled.checks(NOON, 2, Reason::Clear);
    let list = format!("records list {FOLDERS} --day {DAY} --because");
    for because in ["one", "two", "three"] {
        filled.run(&format!("{list} {because}"));
    }
    assert!(filled.run("records verify --folder records").contains("trail: 3 lines, whole"));
    let path = filled.path("records/trail.jsonl");
    let whole = fs::read_to_string(&path).unwrap();
    let all: Vec<_> = whole.lines().collect();
    let verify = |text: &str, fault: &str| {
        fs::write(&path, text).unwrap();
        for command in ["verify", "trail"] {
            let found = filled.attempt(&format!("records {command} --folder records"));
            assert_eq!(found.status.code(), Some(1), "{}", said(&found));
            assert!(said(&found).contains(fault), "{}", said(&found));
        }
    };
    verify(&whole.replace("two", "one"), "line 3 does not follow");
    verify(&format!("{}\n{}\n", all[0], all[2]), "line 2 does not follow");
    verify(&format!("{}\n{}\n", all[1], all[2]), "line 1 does not follow");
    // A command that was killed while it wrote its line.
    verify(&whole[..whole.len() - 30], "line 3 is not whole");
    filled.run(&format!("{list} four"));
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 4, "{text}");
    verify(&text, "not whole: 1 faults");
    assert!(trail_with(&filled, 1)["faults"][0].as_str().unwrap().contains("line 3 is not whole"));
}

#[test]
fn r44_an_export_has_every_record_and_no_slip() {
    let filled = Filled::new();
    filled.checks(NOON, 5, Reason::Clear);
    let mut engine = filled.engine();
    engine.commit(NOON, &[roster(NOON)]).unwrap();
    engine.rest(NOON).unwrap();
    let of_day = format!("{FOLDERS} --day {DAY} --because statistics");
    filled.run(&format!("records export {of_day} --out day.csv"));
    let mut csv = csv::Reader::from_path(filled.path("day.csv")).unwrap();
    let names = csv.headers().unwrap().clone();
    let rows: Vec<_> = csv.records().map(Result::unwrap).collect();
    let listed = lines(&filled.run(&format!("records list {of_day} --json")));
    assert_eq!(rows.len(), 6);
    for (row, listed) in rows.iter().zip(&listed) {
        for (name, cell) in names.iter().zip(row) {
            let wanted = match &listed[name] {
                // Of another kind of record.
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                number => number.to_string(),
            };
            let is_time = name == "time" && cell == "2026-11-02T12:00:00.000Z";
            assert!(cell == wanted || is_time, "{name}: {cell} is not {wanted}");
        }
    }
    let expected = [
        "record",
        "time",
        "site",
        "device",
        "lane",
        "channel",
        "latency_us",
        "kind",
        "colour",
        "decision",
        "reason",
        "as_of",
        "members",
        "admitted",
        "referred",
        "refused",
    ];
    assert_eq!(names.iter().collect::<Vec<_>>(), expected);
    assert_eq!(rows[5].iter().skip(12).collect::<Vec<_>>(), ["4", "2", "1", "1"]);
    filled.run(&format!("records export {of_day} --out statistics/2026/day.csv"));
    let [first, second] =
        ["day.csv", "statistics/2026/day.csv"].map(|name| fs::read(filled.path(name)).unwrap());
    assert!(first == second, "the folder is made");
    let before = trail(&filled)["lines"].clone();
    let nowhere = filled.attempt(&format!("records export {of_day} --out day.csv/day.csv"));
    assert!(!nowhere.status.success() && trail(&filled)["lines"] == before, "{}", said(&nowhere));
    let taken = filled.attempt(&format!("records export {of_day} --out day.csv"));
    assert!(said(&taken).contains("not overwritten"), "{}", said(&taken));
    let other = filled.attempt(&format!("records export {of_day} --out day.xlsx"));
    assert!(said(&other).contains(".csv or .parquet"), "{}", said(&other));
    let part = filled.run(&format!("records list {of_day} --from 2026-11-02T12:00:01Z"));
    assert_eq!(part, "");
}

#[cfg(feature = "parquet")]
#[test]
fn r44_an_export_to_parquet_has_the_types_that_statistics_need() {
    use parquet::file::reader::{FileReader as _, SerializedFileReader};
    use parquet::record::Field;

    let filled = Filled::new();
    filled.checks(NOON, 5, Reason::Clear);
    let mut engine = filled.engine();
    engine.commit(NOON, &[roster(NOON)]).unwrap();
    filled.run(&format!("records export {FOLDERS} --day {DAY} --out day.parquet --because statistics"));
    let file = SerializedFileReader::new(fs::File::open(filled.path("day.parquet")).unwrap()).unwrap();
    let rows: Vec<Vec<Field>> = file
        .get_row_iter(None)
        .unwrap()
        .map(|row| row.unwrap().get_column_iter().map(|(_, field)| field.clone()).collect())
        .collect();
    assert_eq!(rows.len(), 6);
    let text = |text: &str| Field::Str(text.to_owned());
    assert_eq!(
        rows[4],
        [
            Field::ULong(4),
            Field::TimestampMillis(NOON.0.cast_signed()),
            Field::UInt(310_101),
            Field::UInt(7),
            Field::UInt(2),
            text("sealed"),
            Field::UInt(40),
            text("phone"),
            text("green"),
            text("admit"),
            text("clear"),
            Field::ULong(3),
            Field::Null,
            Field::Null,
            Field::Null,
            Field::Null,
        ]
    );
    assert_eq!(rows[5][12..], [4, 2, 1, 1].map(Field::UInt));
}

/// Every field that a record has. A new one does not compile here: look first whether it says whose code it was.
#[expect(dead_code, reason = "it only has to compile")]
fn no_field_of_a_record_is_a_person(row: Row) {
    let Row { site: _, device: _, lane: _, channel: _, latency_us: _, slip: _, answer } = row;
    match answer {
        Answer::Verdict(Verdict {
            number: _,
            server_time: _,
            as_of: _,
            age: _,
            clock_offset: _,
            decision: _,
            reason: _,
            colour: _,
            kind: _,
        })
        | Answer::Roster(RosterReply {
            server_time: _,
            age: _,
            reason: _,
            members: _,
            admitted: _,
            referred: _,
            refused: _,
        }) => {}
    }
}

/// Neither the command line nor what it prints has room for a person; `find` is given the phone's own file.
#[test]
fn r44_no_command_of_records_asks_for_a_person() {
    let filled = Filled::new();
    let help = filled.run("records --help");
    let commands = help.split("Commands:").nth(1).unwrap().split("\n\n").next().unwrap();
    let commands: Vec<_> = commands
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        .filter(|name| !name.is_empty() && !["help", "find"].contains(name))
        .collect();
    for wanted in ["list", "count", "export", "trail", "archive", "verify"] {
        assert!(commands.contains(&wanted), "{commands:?}");
    }
    for command in commands {
        let help = filled.run(&format!("records {command} --help"));
        let arguments = help.split_whitespace().filter_map(|word| word.strip_prefix("--"));
        for argument in arguments {
            let persons = ["holder", "person", "name", "credential", "code", "phone", "slip", "tag", "seed"];
            assert!(
                !persons.iter().any(|person| argument.contains(person)),
                "records {command} --{argument}"
            );
        }
    }
}
