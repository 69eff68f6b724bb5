//! What a line of a population says: its columns, and what is made of them.

use anyhow::{bail, ensure};
use hufu_wire::StatusWord;

use crate::written::WrittenStatus;

/// A column that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(super) enum Column {
    Name,
    IdNumber,
    Phone,
    Colour,
    ValidUntil,
    TestAt,
    TestResult,
    Doses,
}

/// How many there are.
pub(super) const COLUMNS: usize = 8;

/// Their names, in the order of [`Column`].
pub(super) const NAMES: [&str; COLUMNS] =
    ["name", "id_number", "phone", "colour", "valid_until", "test_at", "test_result", "doses"];

/// The text of a line's columns, by [`Column`]; what is missing is empty.
pub(super) type Fields<'f> = [&'f str; COLUMNS];

/// Which of the file's columns is which; those that are ignored are none.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header(Vec<Option<usize>>);

/// A person as the registry takes one, with the status that the file gives, if it gives any.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Person<'f> {
    pub(super) name: &'f str,
    pub(super) id_number: &'f str,
    pub(super) phone: Option<&'f str>,
    pub(super) status: Option<StatusWord>,
}

impl Header {
    /// Reads the names of the file's columns.
    ///
    /// # Errors
    /// One is unknown and not ignored, appears twice, or a needed one is missing.
    pub(super) fn read<'n>(
        names: impl Iterator<Item = &'n str>,
        ignored: &[String],
    ) -> anyhow::Result<Header> {
        let mut columns = Vec::new();
        let mut unknown = Vec::new();
        for name in names.map(str::trim) {
            let known = NAMES.iter().position(|known| *known == name);
            if known.is_none() && !ignored.iter().any(|ignored| ignored == name) {
                unknown.push(format!("`{}`", crate::term::printable(name)));
            }
            ensure!(known.is_none() || !columns.contains(&known), "column `{name}` appears twice");
            columns.push(known);
        }
        if !unknown.is_empty() {
            bail!(
                "unknown column {}; expected one of {}; --ignore NAME skips a column",
                unknown.join(", "),
                NAMES.join(", ")
            );
        }
        for needed in [Column::Name, Column::IdNumber] {
            let (at, name) = (needed as usize, NAMES[needed as usize]);
            ensure!(
                columns.contains(&Some(at)),
                "column `{name}` is missing; the first line must name the columns"
            );
        }
        Ok(Header(columns))
    }

    /// How many columns the file has.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Sorts a line's fields into their columns.
    pub(super) fn sort<'f>(&self, fields: impl Iterator<Item = &'f str>) -> Fields<'f> {
        let mut sorted = [""; COLUMNS];
        for (column, field) in self.0.iter().zip(fields) {
            if let Some(column) = column {
                sorted[*column] = field.trim();
            }
        }
        sorted
    }
}

impl<'f> Person<'f> {
    /// Makes sense of a line.
    ///
    /// # Errors
    /// The cause, for the person who corrects the file. It repeats nothing of the line: names and numbers stay there.
    pub(super) fn read(fields: &Fields<'f>) -> Result<Person<'f>, String> {
        let of = |column: Column| fields[column as usize];
        let (name, id_number, phone) = (of(Column::Name), of(Column::IdNumber), of(Column::Phone));
        for (what, text) in [("name", name), ("id_number", id_number)] {
            if text.is_empty() {
                return Err(format!("{what} is empty"));
            }
        }
        for (what, text) in [("name", name), ("id_number", id_number), ("phone", phone)] {
            if text.chars().any(char::is_control) {
                return Err(format!("{what} has control characters"));
            }
        }
        let phone = (!phone.is_empty()).then_some(phone);
        let status = WrittenStatus {
            colour: of(Column::Colour),
            valid_until: of(Column::ValidUntil),
            test_at: of(Column::TestAt),
            test_result: of(Column::TestResult),
            doses: of(Column::Doses),
        };
        Ok(Person { name, id_number, phone, status: status.read()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_taken_whole_or_refused_with_its_cause() {
        let red = Some(StatusWord::new(hufu_wire::Colour::Red, 0));
        let check = |line: [&str; COLUMNS], wanted: Result<Option<StatusWord>, &str>| {
            let found = Person::read(&line).map(|person| person.status);
            assert_eq!(found, wanted.map_err(str::to_owned), "{line:?}");
        };
        check(["Li", "P:1", "", "", "", "", "", ""], Ok(None));
        check(["Li", "P:1", "139", "red", "", "", "", ""], Ok(red));
        check(["", "P:1", "", "red", "", "", "", ""], Err("name is empty"));
        check(["Li", "", "", "red", "", "", "", ""], Err("id_number is empty"));
        check(["L\u{7}i", "P:1", "", "red", "", "", "", ""], Err("name has control characters"));
        check(["Li", "P:1", "", "", "", "", "", "2"], Err("doses needs a colour"));
    }

    #[test]
    fn a_header_names_every_column_once() {
        let read = |names: &str, ignored: &[&str]| {
            let ignored: Vec<_> = ignored.iter().map(ToString::to_string).collect();
            Header::read(names.split(','), &ignored).map_err(|error| error.to_string())
        };
        let header = read("note, colour,id_number,name", &["note"]).unwrap();
        let sorted = header.sort(["x", "red", " P:1 ", "Li"].into_iter());
        assert_eq!(sorted, ["Li", "P:1", "", "red", "", "", "", ""]);
        assert!(read("name,id_number,colour,colour", &[]).unwrap_err().contains("appears twice"));
        assert!(read("name,colour", &[]).unwrap_err().contains("column `id_number` is missing"));
        assert!(
            read("name,id_number,color", &[])
                .unwrap_err()
                .contains("unknown column `color`; expected one of name")
        );
    }
}
