//! What reasons say fits where it is shown.

use std::collections::BTreeSet;

use hufu_texts::{CELLS, Language, reason, reason_short, say};
use hufu_wire::Reason;
use unicode_width::UnicodeWidthStr;

/// Cells of a sentence on a gate's screen: two lines of a small tablet.
const LONG: usize = 90;

#[test]
fn r62_every_reason_fits_a_display_of_two_lines_and_a_screen() {
    for language in Language::ALL {
        let mut said = BTreeSet::new();
        for of in Reason::ALL {
            let long = reason(language, of);
            // The reader of lines and the reader of messages read alike.
            assert_eq!(long, say(language, &format!("reason-{of}"), &[]));
            assert!(!long.is_empty() && !long.starts_with("reason-"), "{language} {of}: {long}");
            assert!(long.width() <= LONG, "{language} {of}: {} cells: {long}", long.width());
            assert!(said.insert(long), "{language} {of} says what another reason says: {long}");
            let [first, second] = reason_short(language, of);
            assert!(!first.is_empty(), "{language} {of} has no short form");
            assert!(!second.is_empty() || of == Reason::Clear, "{language} {of} does not say what to do");
            assert_eq!(first, say(language, &format!("reason-{of}.first"), &[]));
            for line in [first, second] {
                assert!(line.width() <= CELLS, "{language} {of}: {} cells: {line}", line.width());
                assert!(!line.contains(['\u{2068}', '\n']), "{language} {of}: {line:?}");
            }
        }
    }
}

/// The table of docs/PROTOCOL.md is what implementers read.
#[test]
fn r62_the_table_of_the_protocol_says_what_english_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/PROTOCOL.md");
    let protocol = std::fs::read_to_string(path).expect("docs/PROTOCOL.md");
    for of in Reason::ALL {
        let row = format!("| {} | `{of}` | ", of.code());
        let row =
            protocol.lines().find(|line| line.starts_with(&row)).unwrap_or_else(|| panic!("no row {row}"));
        assert!(row.ends_with(&format!(" | {} |", reason(Language::En, of))), "{row}");
    }
}

#[test]
fn r62_a_reason_is_said_in_the_language_that_is_named() {
    assert_eq!(reason(Language::En, Reason::Clear), "Please pass.");
    assert_eq!(reason(Language::Zh, Reason::Clear), "请通行。");
    assert_eq!(reason(Language::Ar, Reason::PassBack), "استُخدم رمز لحامل هذا الرمز عند بوابة أخرى قبل قليل.");
    assert_eq!(reason_short(Language::De, Reason::StatusRed), ["Status rot", "Kein Zutritt"]);
    assert_eq!(
        reason(Language::Ja, Reason::Unrecognised),
        "確認サービスから、このゲートが知らない理由が届きました。"
    );
}
