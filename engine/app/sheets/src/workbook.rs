//! Sheets of an `.xlsx` file (ECMA-376), as spreadsheets show them.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _};

use anyhow::{Context as _, bail, ensure};
use calamine::{DataRef, ExcelDateTime, Reader as _, SheetVisible, Xlsx, XlsxError};
use quick_xml::events::Event;
use zip::ZipArchive;

use super::{Cells, Limits, printable};
use crate::fault::{CellFault, FileFault};

/// Most columns that are read.
const COLUMNS_MAX: usize = 256;
/// Digits of a number that a spreadsheet keeps; it puts zeroes for the others.
const DIGITS_MAX: usize = 15;
/// Longest text of a cell, bytes: 32,767 characters of UTF-16. A shared one is copied for each cell of a row.
const CELL_TEXT_BYTES_MAX: usize = 3 * 32_767;
/// Fewest bytes of a cell, `<c/>`.
const CELL_BYTES_MIN: u64 = 4;
/// Fewest bytes of a shared text, `<si/>`.
const TEXT_BYTES_MIN: u64 = 5;
/// Most bytes of the part with styles: a border of 9 bytes becomes a hundred.
const STYLES_BYTES_MAX: u64 = 8 << 20;
/// Most styles, a little more than spreadsheets write. Each gets copies of a font's name and of a number's format.
const STYLES_MAX: u32 = 65_536;
/// Longest tag among styles, bytes: with two copies for each style at most 256 MiB.
const STYLE_TAG_BYTES_MAX: usize = 2 << 10;
/// Most sheets, also hidden ones. Each gets copies of two paths.
const SHEETS_MAX: u32 = 1024;
/// Longest tag among relations, bytes: with two paths for each sheet at most 32 MiB. Links of sheets stand there too.
const RELATION_TAG_BYTES_MAX: usize = 16 << 10;
/// Most visible sheets that are looked at for content: several may be one large part.
const VISIBLE_MAX: usize = 64;
/// How many of them are named when they are more.
const NAMED_MAX: usize = 8;

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
    let sheet = chosen(&mut book, sheet, limits.unzipped_mib)?;
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
        ensure!(
            text_bytes(cell.get_value()) <= CELL_TEXT_BYTES_MAX,
            FileFault::Damaged(format!(
                "row {} has a text of more than 32,767 characters",
                u64::from(number) + 1
            ))
        );
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
        let name = entry.name().map_err(|_| FileFault::NotWorkbook)?.to_ascii_lowercase();
        let mut part = entry.take(left + 1);
        let texts = look_through(&name, &mut part)?;
        io::copy(&mut part, &mut io::sink()).map_err(|_| FileFault::NotWorkbook)?;
        let bytes = left + 1 - part.limit();
        left = left.checked_sub(bytes).ok_or(FileFault::Bomb(mib))?;
        // calamine reserves memory for so many.
        ensure!(
            texts <= bytes / TEXT_BYTES_MIN,
            FileFault::Damaged(format!("it says that it has {texts} texts in {bytes} bytes"))
        );
        ensure!(
            bytes <= STYLES_BYTES_MAX || !is_styles(&name),
            FileFault::Damaged(format!("its styles have more than {} MiB", STYLES_BYTES_MAX >> 20))
        );
    }
    Ok(())
}

/// Whether calamine may read the part of this name, in small letters, as styles.
fn is_styles(name: &str) -> bool {
    name.ends_with("styles.xml")
}

/// How many shared texts a part says it has. Refuses what takes far more memory in calamine than bytes here.
fn look_through(name: &str, part: impl Read) -> anyhow::Result<u64> {
    let tag_bytes_max = match name {
        name if is_styles(name) => STYLE_TAG_BYTES_MAX,
        name if name.ends_with("rels") => RELATION_TAG_BYTES_MAX,
        _ => usize::MAX,
    };
    let mut xml = quick_xml::Reader::from_reader(BufReader::new(part));
    // As calamine reads.
    xml.config_mut().check_end_names = false;
    let (mut buffer, mut styles, mut sheets, mut texts) = (Vec::new(), 0_u32, 0_u32, 0_u64);
    loop {
        buffer.clear();
        let tag = match xml.read_event_into(&mut buffer) {
            Ok(Event::Start(tag) | Event::Empty(tag)) => tag,
            // calamine comes no further either; a picture is no XML.
            Ok(Event::Eof) | Err(_) => return Ok(texts),
            Ok(_) => continue,
        };
        ensure!(
            tag.len() <= tag_bytes_max,
            FileFault::Damaged(format!("a tag in it is longer than {tag_bytes_max} bytes"))
        );
        match tag.local_name().as_ref() {
            "sst" => texts = texts.max(unique_count(tag.attributes_raw())),
            "xf" => styles += 1,
            "sheet" => sheets += 1,
            _ => {}
        }
        ensure!(styles <= STYLES_MAX, FileFault::Damaged(format!("it has more than {STYLES_MAX} styles")));
        ensure!(sheets <= SHEETS_MAX, FileFault::Damaged(format!("it has more than {SHEETS_MAX} sheets")));
    }
}

/// The highest number that stands after `uniqueCount`, in whatever way another reader finds the attribute.
fn unique_count(attributes: &str) -> u64 {
    let number = |rest: &str| {
        let digits = rest.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit);
        let digits: String = digits.collect();
        if digits.is_empty() { 0 } else { digits.parse().unwrap_or(u64::MAX) }
    };
    attributes.split("uniqueCount").skip(1).map(number).max().unwrap_or(0)
}

/// The name of the sheet to read: the one named, else the only visible one that has content.
fn chosen(book: &mut Xlsx<BufReader<File>>, named: Option<&str>, mib: u64) -> anyhow::Result<String> {
    let names = book.sheet_names();
    if let Some(named) = named {
        let found = names.iter().find(|name| *name == named);
        return Ok(found.cloned().ok_or_else(|| FileFault::NoSuchSheet(list(&names)))?);
    }
    let visible = book.sheets_metadata().iter().filter(|sheet| sheet.visible == SheetVisible::Visible);
    let visible: Vec<_> = visible.map(|sheet| sheet.name.clone()).collect();
    ensure!(visible.len() <= VISIBLE_MAX, FileFault::SeveralSheets(list(&visible[..NAMED_MAX])));
    // Several sheets may be one part: so many cells fit the file if they are not.
    let mut left = (mib << 20) / CELL_BYTES_MIN;
    let mut filled = Vec::new();
    for name in visible {
        // A diagram has no cells.
        let Ok(mut cells) = book.worksheet_cells_reader(&name) else { continue };
        while let Some(cell) = cells.next_cell().map_err(|error| damaged(&error))? {
            left = left.checked_sub(1).ok_or(FileFault::Bomb(mib))?;
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

/// Bytes of a cell's text, before it is copied.
fn text_bytes(cell: &DataRef<'_>) -> usize {
    match cell {
        DataRef::String(text) | DataRef::DateTimeIso(text) => text.len(),
        DataRef::SharedString(text) => text.len(),
        _ => 0,
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
