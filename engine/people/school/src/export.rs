//! The checked list for a spreadsheet, as `.xlsx` and CSV. No cell of it is a formula for any spreadsheet.

use std::sync::Arc;

use anyhow::Context as _;
use hufu_texts::Language;
use rust_xlsxwriter::{Format, Workbook};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::spawn_blocking;

use crate::names::no_formula;
use crate::rows::{Entry, Outcome};
use crate::school::School;
use crate::texts::{answer, say, why};

/// The columns, in the reader's language.
const COLUMNS: [&str; 5] = ["school-line", "school-class", "school-pupil", "school-answer", "school-why"];

/// Widths of the columns in a workbook, characters.
const WIDTHS: [f64; 5] = [8.0, 14.0, 18.0, 22.0, 60.0];

/// How a list is written.
pub(crate) type Write = fn(Language, &Outcome) -> anyhow::Result<Vec<u8>>;

/// The list, written on a thread of its own: tens of thousands of cells take a while. The school's place comes with it, until
/// it is sent. None when others take too long.
pub(crate) async fn written(
    school: &School,
    outcome: Arc<Outcome>,
    language: Language,
    write: Write,
) -> Option<anyhow::Result<(Vec<u8>, OwnedSemaphorePermit)>> {
    let place = school.exports.take().await?;
    // The place is with it, also where the browser is gone by then.
    let written = spawn_blocking(move || Ok((write(language, &outcome)?, place.own())));
    Some(written.await.unwrap_or_else(|fault| Err(fault.into())))
}

fn cells(language: Language, outcome: &Outcome, entry: &Entry) -> [String; 4] {
    let class = outcome.classes[entry.class].clone();
    [class, entry.display.clone(), answer(language, entry.answer), why(language, entry.why)]
}

/// As CSV, with the mark that tells spreadsheets its encoding.
///
/// # Errors
/// It does not fit in memory.
pub(crate) fn csv(language: Language, outcome: &Outcome) -> anyhow::Result<Vec<u8>> {
    let begun = "\u{feff}".as_bytes().to_vec();
    let mut file = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(begun);
    file.write_record(COLUMNS.map(|id| say(language, id)))?;
    for entry in &outcome.entries {
        let [class, display, answer, why] = cells(language, outcome, entry);
        let line = entry.line.to_string();
        file.write_record([&*line, &no_formula(&class), &no_formula(&display), &no_formula(&answer), &why])?;
    }
    file.into_inner().ok().context("the list does not fit in memory")
}

/// As a workbook. Every text is a text there, and stays one when a person edits the cell.
///
/// # Errors
/// The workbook takes no more rows.
pub(crate) fn xlsx(language: Language, outcome: &Outcome) -> anyhow::Result<Vec<u8>> {
    let mut book = Workbook::new();
    let text = Format::new().set_quote_prefix().set_num_format("@");
    let bold = Format::new().set_bold();
    let sheet = book.add_worksheet();
    sheet.set_right_to_left(language.direction() == hufu_texts::Direction::Rtl);
    sheet.set_freeze_panes(1, 0)?;
    for (column, (id, width)) in (0..).zip(COLUMNS.iter().zip(WIDTHS)) {
        sheet.write_string_with_format(0, column, say(language, id), &bold)?;
        sheet.set_column_width(column, width)?;
    }
    for (row, entry) in (1..).zip(&outcome.entries) {
        #[expect(clippy::cast_precision_loss, reason = "lines stay far below 2^53")]
        sheet.write_number(row, 0, entry.line as f64)?;
        for (column, cell) in (1..).zip(cells(language, outcome, entry)) {
            sheet.write_string_with_format(row, column, cell, &text)?;
        }
    }
    Ok(book.save_to_buffer()?)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hufu_sheets::{Table, TableArgs, required};
    use hufu_wire::{Reason, SiteId, UnixSeconds};

    use super::*;
    use crate::config::SchoolConfig;
    use crate::report::Why;
    use crate::rows::Answer;
    use crate::school::{Schools, Shared};

    fn outcome() -> Outcome {
        let classes = ["=1+1", "+A1", "-2", "@SUM(A1)", "＝1+1", "3b", "'4"].map(str::to_owned).to_vec();
        let entry = |class| Entry {
            line: class as u64 + 2,
            class,
            display: "=*002X".to_owned(),
            answer: Answer::Not,
            why: Why::Checked(Reason::StatusRed),
        };
        Outcome {
            checked: UnixSeconds(0),
            entries: (0..classes.len()).map(entry).collect(),
            classes,
            refused: Vec::new(),
        }
    }

    /// What a spreadsheet reads, by the reader that takes lists.
    fn read(name: &str, bytes: &[u8], language: Language) -> Vec<[String; 5]> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let columns = COLUMNS.map(|id| required(Box::leak(say(language, id).into_boxed_str()), &[]));
        let table = Table::open(&path, &TableArgs::default()).unwrap();
        table.collect(&columns, &mut |_| (), |_, cells| Ok(cells.map(str::to_owned))).unwrap()
    }

    #[test]
    fn r61_no_cell_of_an_export_is_a_formula() {
        let outcome = outcome();
        let from_csv = read("list.csv", &csv(Language::En, &outcome).unwrap(), Language::En);
        assert_eq!(from_csv.len(), outcome.classes.len());
        for row in &from_csv {
            for cell in row {
                assert!(!cell.starts_with(['=', '+', '-', '@', '＝']), "{cell}");
            }
        }
        assert_eq!(from_csv[5][1], "3b");
        let book = xlsx(Language::Ar, &outcome).unwrap();
        let from_xlsx = read("list.xlsx", &book, Language::Ar);
        let classes: Vec<_> = from_xlsx.iter().map(|row| row[1].clone()).collect();
        assert_eq!(classes, outcome.classes, "texts, as they were in the list");
        // The reader gives a formula's result: none here has one.
        assert!(from_xlsx.iter().all(|row| row[2] == "=*002X" && !row[4].is_empty()));
    }

    #[tokio::test]
    async fn r61_one_list_of_a_school_is_written_at_a_time_and_two_of_all() {
        let folder = tempfile::tempdir().unwrap();
        let config = |site| SchoolConfig::of_a_test(site, "http://127.0.0.1:1", folder.path());
        let configs = [1, 2, 3].map(config);
        let schools = Schools::sharing(&configs, &Shared::waiting(Duration::ZERO)).unwrap();
        let outcome = Arc::new(outcome());
        let school = |site| schools.of(SiteId(site)).unwrap();
        let written = async |site| written(school(site), Arc::clone(&outcome), Language::En, csv).await;
        let one = school(1).exports.take().await.unwrap();
        assert!(written(1).await.is_none());
        assert!(written(2).await.unwrap().is_ok(), "another school does not notice");
        let _other = school(2).exports.take().await.unwrap();
        assert!(written(3).await.is_none());
        drop(one);
        assert!(written(1).await.unwrap().is_ok(), "each gives its place back");
    }
}
