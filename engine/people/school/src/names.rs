//! The file of names that goes with a roster: where each line of a name list stands, masked.

use std::path::Path;

use anyhow::Context as _;
use hufu_files::{self as files, Readable};
use hufu_sheets::{Column, Table, TableArgs, required};
use hufu_wire::{HolderIndex, IssuerId};

use crate::people::{Named, Unfound};

/// The columns of a file of names, as it is written and read.
const COLUMNS: [Column; 6] = [
    required("line", &[]),
    required("group", &[]),
    required("display", &[]),
    required("issuer", &[]),
    required("holder", &[]),
    required("found", &[]),
];

/// Writes names for [`read_names`] and for spreadsheets, one at a time.
pub struct NamesWriter(csv::Writer<Vec<u8>>);

impl NamesWriter {
    /// Nothing is written yet.
    ///
    /// # Errors
    /// It does not fit in memory.
    pub fn new() -> anyhow::Result<NamesWriter> {
        // With a mark: spreadsheets take a file without for one in the encoding of their machine.
        let mut file = csv::Writer::from_writer("\u{feff}".as_bytes().to_vec());
        file.write_record(COLUMNS.map(Column::name))?;
        Ok(NamesWriter(file))
    }

    /// Adds one line.
    ///
    /// # Errors
    /// It does not fit in memory.
    pub fn push(&mut self, named: &Named) -> anyhow::Result<()> {
        let (issuer, holder) = match named.holder {
            Ok((issuer, holder)) => (issuer.to_string(), holder.to_string()),
            Err(_) => Default::default(),
        };
        let found = named.holder.map_or_else(Unfound::slug, |_| "yes");
        let line = named.line.to_string();
        let [group, display] = [&named.group, &named.display].map(|text| no_formula(text));
        Ok(self.0.write_record([&*line, &*group, &*display, &*issuer, &*holder, found])?)
    }

    /// Writes the file, which everyone may read who may read the folder: it has masked names only.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn finish(self, path: &Path) -> anyhow::Result<()> {
        let bytes = self.0.into_inner().ok().context("the names do not fit in memory")?;
        files::replace(path, &bytes, Readable::All)
    }
}

/// Writes all names.
///
/// # Errors
/// The file cannot be written.
pub fn write_names(path: &Path, named: &[Named]) -> anyhow::Result<()> {
    let mut file = NamesWriter::new()?;
    named.iter().try_for_each(|named| file.push(named))?;
    file.finish(path)
}

/// Reads a file of names.
///
/// # Errors
/// Its columns are others, or a line of it was altered.
pub fn read_names(path: &Path) -> anyhow::Result<Vec<Named>> {
    let table = Table::open(path, &TableArgs::default())?;
    table.collect(&COLUMNS, &mut |_| (), |_, [line, group, display, issuer, holder, found]| {
        let number = |name: &str, text: &str| text.parse().map_err(|_| format!("{name} must be a number"));
        let holder = match found {
            "yes" => Ok((IssuerId(number("issuer", issuer)?), HolderIndex(number("holder", holder)?))),
            "unregistered" => Err(Unfound::Unregistered),
            "other-name" => Err(Unfound::OtherName),
            _ => return Err("found must be yes, unregistered or other-name".to_owned()),
        };
        let line = line.parse().map_err(|_| "line must be a number".to_owned())?;
        let [group, display] =
            [group, display].map(|text| text.strip_prefix('\'').unwrap_or(text).to_owned());
        Ok(Named { line, group, display, holder })
    })
}

/// A text as a spreadsheet takes it for text: what begins a formula, also in its wide form, stands behind an apostrophe.
pub fn no_formula(text: &str) -> std::borrow::Cow<'_, str> {
    const BEGINNINGS: [char; 11] = ['=', '+', '-', '@', '\'', '\t', '\r', '＝', '＋', '－', '＠'];
    if text.starts_with(BEGINNINGS) { format!("'{text}").into() } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("names.csv");
        let of = |line, group: &str, holder| Named {
            line,
            group: group.to_owned(),
            display: "=*0017".to_owned(),
            holder,
        };
        let names = [
            of(2, "=1+1, \"b\"", Ok((IssuerId(1), HolderIndex(7)))),
            of(3, "'3b", Err(Unfound::Unregistered)),
            of(9, "", Err(Unfound::OtherName)),
        ];
        write_names(&path, &names).unwrap();
        assert_eq!(read_names(&path).unwrap(), names);
        assert!(std::fs::read_to_string(&path).unwrap().contains("'=*0017"), "no formula for a spreadsheet");
    }
}
