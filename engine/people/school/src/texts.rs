//! Sentences of the page that depend on what was found.

use hufu_sheets::FileFault;
use hufu_texts::{Arg, Language, reason};
use hufu_wire::Reason;

use crate::job::JobFault;
use crate::people::Unfound;
use crate::report::Why;
use crate::rows::{Answer, RefusedRow};

pub(crate) fn say(language: Language, id: &str) -> String {
    hufu_texts::say(language, id, &[])
}

/// An answer, as the list at the door says it.
pub(crate) fn answer(language: Language, answer: Answer) -> String {
    say(language, answer.text())
}

/// Why a person has their answer; nothing where they may enter.
pub(crate) fn why(language: Language, why: Why) -> String {
    match why {
        Why::Checked(Reason::Clear) => String::new(),
        Why::Checked(why) => reason(language, why).to_owned(),
        Why::Unfound(Unfound::Unregistered) => say(language, "school-unregistered"),
        Why::Unfound(Unfound::OtherName) => say(language, "school-other-name"),
    }
}

/// Why a line was refused, and what to do.
pub(crate) fn refused(language: Language, row: &RefusedRow) -> String {
    hufu_texts::say(language, &format!("school-row-{}", row.word), &[("line", row.of.into())])
}

/// What went wrong with a job, and who does what.
pub(crate) fn fault(language: Language, fault: &JobFault) -> String {
    match fault {
        JobFault::File(fault) => file(language, fault),
        JobFault::NoLine => say(language, "school-file-lines"),
        JobFault::Registry { passing: true } => say(language, "school-registry-silent"),
        JobFault::Registry { passing: false } => say(language, "school-registry-refuses"),
        JobFault::Engine => say(language, "school-engine-silent"),
        JobFault::Roster(why) => {
            hufu_texts::say(language, "school-roster-refused", &[("why", Arg::Text(reason(language, *why)))])
        }
        JobFault::Changed => say(language, "school-roster-changed"),
        JobFault::Deleted => say(language, "school-list-deleted"),
        JobFault::Here => say(language, "school-fault"),
    }
}

fn file(language: Language, fault: &FileFault) -> String {
    let (id, args): (&str, Vec<(&str, Arg<'_>)>) = match fault {
        FileFault::OldSpreadsheet | FileFault::Password => ("school-file-old", vec![]),
        FileFault::TwoEncodings => ("school-file-encoding", vec![]),
        FileFault::Empty | FileFault::NoContent => ("school-file-empty", vec![]),
        FileFault::Large(_) | FileFault::Bomb(_) => ("school-file-large", vec![]),
        FileFault::ManyRows(rows) => ("school-file-rows", vec![("rows", (*rows).into())]),
        FileFault::ColumnMissing(_) | FileFault::UnknownColumns { .. } => {
            // As they stand in the file, in every language.
            let columns = [("number", "id_number (身份证号)"), ("name", "name (姓名)")];
            ("school-file-columns", columns.map(|(name, text)| (name, Arg::Text(text))).into())
        }
        FileFault::ColumnTwice(name) => ("school-file-twice", vec![("column", Arg::Text(name))]),
        FileFault::SeveralSheets(_) | FileFault::NoSuchSheet(_) => ("school-file-sheets", vec![]),
        FileFault::OpenQuote(line) | FileFault::LongRow(line) => {
            ("school-file-quote", vec![("line", (*line).into())])
        }
        _ => ("school-file-kind", vec![]),
    };
    hufu_texts::say(language, id, &args)
}
