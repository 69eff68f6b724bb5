//! The columns of a table: which of the file's is which.

use anyhow::{bail, ensure};

use super::{Cells, TableArgs, printable};
use crate::fault::{CellFault, FileFault};

/// A column that is read.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    name: &'static str,
    /// What the lists of schools and hospitals call it.
    aliases: &'static [&'static str],
    needed: bool,
}

/// What lists of people call their names and id numbers.
pub const NAME: &[&str] = &["姓名"];
/// The same of id numbers.
pub const ID_NUMBER: &[&str] = &["身份证号", "身份证号码", "证件号", "证件号码"];

/// The same of classes.
pub const GROUP: &[&str] = &["班级", "class"];

/// A column that the file must have.
pub const fn required(name: &'static str, aliases: &'static [&'static str]) -> Column {
    Column { name, aliases, needed: true }
}

/// A column that may be missing.
pub const fn optional(name: &'static str, aliases: &'static [&'static str]) -> Column {
    Column { name, aliases, needed: false }
}

impl Column {
    /// What the file calls it.
    pub const fn name(self) -> &'static str {
        self.name
    }
}

/// Which of the file's columns is which.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header<const N: usize>(Vec<Place>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Read(usize),
    Ignored,
    /// A column without a name, which must have no content.
    Unnamed,
}

impl<const N: usize> Header<N> {
    /// Reads the names of the file's columns.
    ///
    /// # Errors
    /// One is unknown and not ignored, appears twice, or a needed one is missing.
    pub(super) fn read(
        columns: &[Column; N],
        names: Cells<'_>,
        args: &TableArgs,
    ) -> anyhow::Result<Header<N>> {
        let mut places = Vec::new();
        let mut unknown = Vec::new();
        for name in names {
            let name = name.unwrap_or("?").trim();
            let known =
                columns.iter().position(|column| column.name == name || column.aliases.contains(&name));
            places.push(match known {
                _ if args.ignore.iter().any(|ignored| ignored == name) => Place::Ignored,
                Some(at) => {
                    let place = Place::Read(at);
                    ensure!(!places.contains(&place), FileFault::ColumnTwice(columns[at].name));
                    place
                }
                None if name.is_empty() => Place::Unnamed,
                None if args.ignore_others => Place::Ignored,
                None => {
                    unknown.push(printable(name));
                    Place::Ignored
                }
            });
        }
        if !unknown.is_empty() {
            let known = columns.iter().map(|column| column.name).collect();
            bail!(FileFault::UnknownColumns { names: unknown, known });
        }
        for (at, column) in columns.iter().enumerate() {
            ensure!(
                !column.needed || places.contains(&Place::Read(at)),
                FileFault::ColumnMissing(column.name)
            );
        }
        Ok(Header(places))
    }

    /// Sorts a row's cells into their columns; what is missing is empty.
    ///
    /// # Errors
    /// The cause, for the person who corrects the file. It repeats nothing of the row.
    pub(super) fn sort<'c>(&self, cells: Cells<'c>) -> Result<[&'c str; N], CellFault> {
        if cells.len() < self.0.len() {
            return Err(CellFault::Fields { found: cells.len(), names: self.0.len() });
        }
        let mut sorted = [""; N];
        for (at, cell) in cells.iter().enumerate() {
            match (self.0.get(at), *cell) {
                (Some(Place::Read(column)), cell) => sorted[*column] = cell.map(str::trim)?,
                (Some(Place::Ignored), _) => {}
                (_, Ok(cell)) if cell.trim().is_empty() => {}
                (Some(Place::Unnamed), _) => {
                    return Err(CellFault::Unnamed(at + 1));
                }
                (None, _) => {
                    return Err(CellFault::Fields { found: cells.len(), names: self.0.len() });
                }
            }
        }
        Ok(sorted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 3] =
        [required("name", &["姓名"]), required("id_number", &[]), optional("phone", &[])];

    fn cells(text: &str) -> Vec<Result<&str, CellFault>> {
        text.split(',').map(Ok).collect()
    }

    #[test]
    fn a_header_names_every_column_once() {
        let read = |names: &str, ignored: &[&str]| {
            let ignore = ignored.iter().map(ToString::to_string).collect();
            let args = TableArgs { ignore, ..TableArgs::default() };
            Header::read(&COLUMNS, &cells(names), &args).map_err(|error| error.to_string())
        };
        let header = read("note, phone,id_number,姓名,,", &["note"]).unwrap();
        assert_eq!(header.sort(&cells("x,139, P:1 ,Li,,")), Ok(["Li", "P:1", "139"]));
        assert_eq!(header.sort(&cells("x,139,P:1,Li,, ,")), Ok(["Li", "P:1", "139"]));
        assert!(header.sort(&cells("x,139,P:1,Li,,y")).unwrap_err() == CellFault::Unnamed(6));
        assert!(
            header.sort(&cells("x,139,P:1,Li,,,z")).unwrap_err()
                == (CellFault::Fields { found: 7, names: 6 })
        );
        assert!(header.sort(&cells("x,139")).unwrap_err() == (CellFault::Fields { found: 2, names: 6 }));
        assert!(read("name,id_number,phone,phone", &[]).unwrap_err().contains("appears twice"));
        assert!(read("name,id_number,姓名", &[]).unwrap_err().contains("column `name` appears twice"));
        assert!(read("name,phone", &[]).unwrap_err().contains("column `id_number` is missing"));
        let unknown = read("name,id_number,fone", &[]).unwrap_err();
        assert!(unknown.contains("unknown column `fone`; expected one of name"), "{unknown}");
    }
}
