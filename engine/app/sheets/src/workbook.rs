//! Sheets of an `.xlsx` file (ECMA-376), as spreadsheets show them.

use std::fs::File;
use std::io::{self, BufReader, Read as _, Seek as _};

use anyhow::{Context as _, bail, ensure};
use calamine::{DataRef, ExcelDateTime, Reader as _, SheetVisible, Xlsx, XlsxError};
use zip::ZipArchive;

use super::{Cells, Limits, printable};
use crate::fault::{CellFault, FileFault};

/// Most columns that are read.
const COLUMNS_MAX: usize = 256;
/// Digits of a number that a spreadsheet keeps; it puts zeroes for the others.
const DIGITS_MAX: usize = 15;

/// Shows every row of the sheet with the number that the spreadsheet shows.
pub(super) fn each(
    file: File,
    sheet: Option<&str>,
    limits: &Limits,
    row: &mut impl FnMut(u64, Cells<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut file = BufReader::new(file);
    ensure_small(&mut file, limits.unzipped_mib)?;
    file.rewind().context("cannot read it")?;
    let mut book: Xlsx<_> = Xlsx::new(file).map_err(|error| damaged(&error))?;
    let sheet = chosen(&mut book, sheet)?;
    let mut cells = book.worksheet_cells_reader(&sheet).map_err(|error| damaged(&error))?;
    let mut line = Row::default();
    let mut width = None;
    // A merged cell or an empty row is no more than cells with places of their own.
    while let Some(cell) = cells.next_cell().map_err(|error| damaged(&error))? {
        let (number, column) = cell.get_position();
        if number != line.number {
            ensure!(
                number > line.number,
                FileFault::RowOrder(u64::from(number) + 1, u64::from(line.number) + 1)
            );
            line.show(&mut width, row)?;
            line.number = number;
        }
        let text = text(cell.get_value());
        if text.as_ref().is_ok_and(String::is_empty) {
            continue;
        }
        ensure!((column as usize) < COLUMNS_MAX, FileFault::Wide(u64::from(number) + 1, COLUMNS_MAX));
        line.put(column as usize, text);
    }
    line.show(&mut width, row)
}

/// The row whose cells are being read.
#[derive(Default)]
struct Row {
    /// From 0.
    number: u32,
    cells: Vec<Result<String, CellFault>>,
}

impl Row {
    fn put(&mut self, column: usize, text: Result<String, CellFault>) {
        if self.cells.len() <= column {
            self.cells.resize(column + 1, Ok(String::new()));
        }
        self.cells[column] = text;
    }

    /// Shows the row if it has content, at least as wide as the first: cells without content are not in the file.
    fn show(
        &mut self,
        width: &mut Option<usize>,
        row: &mut impl FnMut(u64, Cells<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        if self.cells.is_empty() {
            return Ok(());
        }
        let width = *width.get_or_insert(self.cells.len());
        if self.cells.len() < width {
            self.cells.resize(width, Ok(String::new()));
        }
        let borrowed: Vec<_> =
            self.cells.iter().map(|cell| cell.as_deref().map_err(|cause| *cause)).collect();
        row(u64::from(self.number) + 1, &borrowed)?;
        self.cells.clear();
        Ok(())
    }
}

/// Unzips everything once into nothing: what the file says of its sizes may be wrong.
fn ensure_small(file: &mut BufReader<File>, mib: u64) -> anyhow::Result<()> {
    let mut archive = ZipArchive::new(file).map_err(|_| FileFault::NotWorkbook)?;
    let mut left = mib << 20;
    for entry in 0..archive.len() {
        let entry = archive.by_index(entry).map_err(|_| FileFault::NotWorkbook)?;
        let bytes =
            io::copy(&mut entry.take(left + 1), &mut io::sink()).map_err(|_| FileFault::NotWorkbook)?;
        left = left.checked_sub(bytes).ok_or(FileFault::Bomb(mib))?;
    }
    Ok(())
}

/// The name of the sheet to read: the one named, else the only visible one that has content.
fn chosen(book: &mut Xlsx<BufReader<File>>, named: Option<&str>) -> anyhow::Result<String> {
    let names = book.sheet_names();
    if let Some(named) = named {
        let found = names.iter().find(|name| *name == named);
        return Ok(found.cloned().ok_or_else(|| FileFault::NoSuchSheet(list(&names)))?);
    }
    let visible = book.sheets_metadata().iter().filter(|sheet| sheet.visible == SheetVisible::Visible);
    let visible: Vec<_> = visible.map(|sheet| sheet.name.clone()).collect();
    let mut filled = Vec::new();
    for name in visible {
        // A diagram has no cells.
        let Ok(mut cells) = book.worksheet_cells_reader(&name) else { continue };
        while let Some(cell) = cells.next_cell().map_err(|error| damaged(&error))? {
            if text(cell.get_value()).is_ok_and(|text| text.is_empty()) {
                continue;
            }
            filled.push(name.clone());
            break;
        }
    }
    match &*filled {
        [] => bail!(FileFault::NoContent),
        [only] => Ok(only.clone()),
        several => bail!(FileFault::SeveralSheets(list(several))),
    }
}

fn list(names: &[String]) -> Vec<String> {
    names.iter().map(|name| printable(name)).collect()
}

fn damaged(error: &XlsxError) -> anyhow::Error {
    match error {
        XlsxError::Password => FileFault::Password.into(),
        error => FileFault::Damaged(error.to_string()).into(),
    }
}

/// A cell as the spreadsheet shows it, dates the way times are read everywhere.
fn text(cell: &DataRef<'_>) -> Result<String, CellFault> {
    Ok(match cell {
        DataRef::Empty => String::new(),
        DataRef::String(text) | DataRef::DateTimeIso(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Int(number) => return number_text(number),
        DataRef::Float(number) => return number_text(number),
        DataRef::Bool(bool) => bool.to_string(),
        DataRef::DateTime(time) if time.is_duration() => {
            return Err(CellFault::Duration);
        }
        DataRef::DateTime(time) => date_text(*time),
        DataRef::DurationIso(_) => return Err(CellFault::Duration),
        DataRef::Error(_) => return Err(CellFault::Formula),
    })
}

fn number_text(number: &impl ToString) -> Result<String, CellFault> {
    let text = number.to_string();
    let digits = text.bytes().take_while(|byte| *byte != b'.').filter(u8::is_ascii_digit).count();
    if (1..=DIGITS_MAX).contains(&digits) { Ok(text) } else { Err(CellFault::Rounded) }
}

fn date_text(time: ExcelDateTime) -> String {
    let (year, month, day, hour, minute, second, _) = time.to_ymd_hms_milli();
    if (hour, minute, second) == (0, 0, 0) {
        return format!("{year:04}-{month:02}-{day:02}");
    }
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
}
