//! What a reason of a verdict says to a person.

use std::sync::OnceLock;

use hufu_wire::Reason;

use crate::Language;
use crate::say::{has, say};

/// Cells of one line of a small display; a Chinese, Japanese or Korean character takes two.
pub const CELLS: usize = 20;

struct Said {
    long: String,
    short: [String; 2],
}

/// One sentence, for a screen, a page or a terminal.
pub fn reason(language: Language, reason: Reason) -> &'static str {
    &said(language, reason).long
}

/// Two lines of at most [`CELLS`] cells, for a small display. The second may be empty.
pub fn reason_short(language: Language, reason: Reason) -> [&'static str; 2] {
    said(language, reason).short.each_ref().map(String::as_str)
}

fn said(language: Language, reason: Reason) -> &'static Said {
    static TABLES: [OnceLock<Vec<Said>>; Language::ALL.len()] =
        [const { OnceLock::new() }; Language::ALL.len()];
    let table = TABLES[language as usize].get_or_init(|| {
        let said = |reason: Reason| {
            let id = format!("reason-{}", reason.slug());
            let line = |name: &str| {
                let id = format!("{id}.{name}");
                if has(language, &id) { say(language, &id, &[]) } else { String::new() }
            };
            Said { long: say(language, &id, &[]), short: [line("first"), line("second")] }
        };
        Reason::ALL.into_iter().map(said).collect()
    });
    // `ALL` is in the order of the numbers (tested in wire) and has every reason.
    let at = Reason::ALL.partition_point(|&other| other.code() < reason.code());
    &table[at]
}
