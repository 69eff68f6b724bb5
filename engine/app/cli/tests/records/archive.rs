//! Closed records in another place: sealed, whole when they are restored, and gone when their day is (R42).

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use hufu_wire::{Reason, UnixMillis};
use serde_json::json;

use crate::common::{eventually, said};
use crate::filled::{DAY_MS, FOLDERS, Filled, NOON, contents};
use crate::lines;

const ARCHIVE: &str = "records archive --folder records --store shelf --json";

/// A closed day of two segments and an open day of two.
fn two_days() -> Filled {
    let filled = Filled::new();
    let next = UnixMillis(NOON.0 + DAY_MS);
    for now in [NOON, NOON, next, next] {
        filled.checks(now, 3, Reason::Clear);
    }
    fs::create_dir(filled.path("shelf")).unwrap();
    filled
}

fn segment(number: u32) -> String {
    format!("segment-{number:012}.rec")
}

#[test]
fn r42_an_archive_has_what_is_closed_unchanged_and_is_whole_when_restored() {
    let filled = two_days();
    let pass = lines(&one_line(&filled.run(ARCHIVE))).remove(0);
    let expected = ["days.hufu".to_owned(), segment(1), segment(2), segment(3), "verifier.key".to_owned()];
    let there = contents(&filled.path("shelf"));
    assert_eq!(there.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), expected);
    for (name, bytes) in &there {
        assert!(*bytes == fs::read(filled.path("records").join(name)).unwrap(), "{name} was changed");
    }
    assert_eq!(pass["stored"].as_array().unwrap().len(), 5, "{pass}");
    let again = lines(&one_line(&filled.run(ARCHIVE))).remove(0);
    assert_eq!((&again["stored"], &again["deleted"]), (&json!([]), &json!([])), "{again}");

    let report = filled.run("records verify --folder shelf");
    assert!(report.contains("2026-11-02: 6 records from number 0, closed"), "{report}");
    assert!(report.contains("whole: every block follows"), "{report}");
    // Only who has the keys reads it.
    let of_shelf = FOLDERS.replace("--folder records", "--folder shelf");
    let list = filled.run(&format!("records list {of_shelf} --day 2026-11-02 --because restored"));
    assert_eq!(list.lines().count(), 6);
}

#[test]
fn an_archive_that_was_killed_midway_is_completed_by_the_next_run() {
    let filled = two_days();
    filled.run(ARCHIVE);
    let whole = contents(&filled.path("shelf"));
    // As a run leaves it that is killed after one segment, with half of another under way.
    for name in [segment(2), segment(3), "days.hufu".to_owned()] {
        fs::remove_file(filled.path("shelf").join(name)).unwrap();
    }
    let half = format!("{}.0123456789abcdef.partial", segment(2));
    fs::write(filled.path("shelf").join(half), b"half").unwrap();
    filled.run(ARCHIVE);
    assert!(contents(&filled.path("shelf")) == whole);
}

#[test]
fn a_name_that_is_taken_keeps_its_content_and_is_named() {
    let filled = two_days();
    filled.run(ARCHIVE);
    let path = filled.path("shelf").join(segment(1));
    let mut altered = fs::read(&path).unwrap();
    altered[5000] ^= 1;
    fs::write(&path, &altered).unwrap();
    fs::remove_file(filled.path("shelf").join(segment(2))).unwrap();
    let refused = filled.attempt(ARCHIVE);
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert!(said(&refused).contains(&segment(1)), "{}", said(&refused));
    assert!(fs::read(&path).unwrap() == altered);
    assert!(filled.path("shelf").join(segment(2)).exists(), "the others are stored all the same");

    // The place of another engine is refused before anything is stored there.
    let other = two_days();
    let shelf = filled.path("shelf");
    let before = contents(&shelf);
    let refused = other.attempt(&format!("records archive --folder records --store {}", shelf.display()));
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert!(said(&refused).contains("verifier.key"), "{}", said(&refused));
    assert!(contents(&shelf) == before);
}

#[test]
fn an_old_copy_of_the_records_does_not_turn_the_archive_back() {
    let filled = two_days();
    filled.run(ARCHIVE);
    let days = fs::read(filled.path("shelf/days.hufu")).unwrap();
    fs::write(filled.path("shelf/days.hufu"), [days.clone(), days].concat()).unwrap();
    let refused = filled.attempt(ARCHIVE);
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert!(said(&refused).contains("days.hufu is not an older state"), "{}", said(&refused));
}

#[test]
fn r42_segments_of_a_destroyed_day_are_deleted_from_the_archive() {
    let filled = two_days();
    filled.run(ARCHIVE);
    let later = UnixMillis(NOON.0 + 61 * DAY_MS);
    let mut engine = filled.engine();
    engine.turn(later).unwrap();
    drop(engine);
    let pass = lines(&one_line(&filled.run(ARCHIVE))).remove(0);
    assert_eq!(pass["deleted"], json!([segment(1), segment(2)]), "{pass}");
    assert_eq!(pass["stored"], json!([segment(4), "days.hufu"]), "{pass}");
    let report = filled.run("records verify --folder shelf");
    assert!(report.contains("2026-11-02: 6 records from number 0, destroyed"), "{report}");
    assert!(report.contains("2026-11-03: 6 records from number 6, closed"), "{report}");
    assert!(report.contains("whole: every block follows"), "{report}");
}

#[test]
fn a_store_that_is_down_is_tried_again_and_a_second_archive_is_refused() {
    let filled = two_days();
    let shelf = filled.path("shelf");
    fs::remove_dir(&shelf).unwrap();
    let refused = filled.attempt(ARCHIVE);
    assert_eq!(refused.status.code(), Some(2), "{}", said(&refused));
    assert!(said(&refused).contains("create or mount the folder"), "{}", said(&refused));

    let mut archive = Command::new(env!("CARGO_BIN_EXE_hufu"))
        .args(ARCHIVE.split(' ').chain(["--every", "1"]))
        .current_dir(filled.path(""))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said_there = BufReader::new(archive.stderr.take().unwrap()).lines();
    let line = said_there.next().unwrap().unwrap();
    assert!(line.contains("create or mount the folder") && line.contains("tried again in 1 s"), "{line}");
    let second = filled.attempt(ARCHIVE);
    assert_eq!(second.status.code(), Some(2), "{}", said(&second));
    assert!(said(&second).contains("another `hufu records archive`"), "{}", said(&second));
    fs::create_dir(&shelf).unwrap();
    eventually("the archive", || match contents(&shelf).len() {
        5 => Ok(()),
        files => Err(format!("{files} files")),
    });
    assert!(Command::new("kill").args(["-TERM", &archive.id().to_string()]).status().unwrap().success());
    assert!(archive.wait().unwrap().success());
}

/// One value on several lines as one line.
fn one_line(text: &str) -> String {
    serde_json::from_str::<serde_json::Value>(text).unwrap().to_string()
}
