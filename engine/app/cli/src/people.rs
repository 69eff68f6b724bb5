//! Name lists as schools keep them, and who of them is whom in a registry.
//!
//! Id numbers come out of files and go to the registry. What is written and shown is index and masked name (R10).

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use clap::Args;
use hufu_authority::Remote;
use hufu_contract::{FoundHolder, LookUpHolders, SoughtHolder};
use hufu_files::{self as files, Readable};
use hufu_registry::{Document, Person};
use hufu_texts::{Language, say};
use hufu_wire::text::is_hidden;
use hufu_wire::{HolderIndex, IssuerId};

use crate::table::{Column, GROUP, ID_NUMBER, NAME, Table, TableArgs, optional, required};
use crate::term::note;

/// A name list, and what becomes of it.
#[derive(Debug, Args)]
pub(crate) struct PeopleArgs {
    /// A name list (.xlsx or CSV): columns id_number (身份证号), name (姓名) and, if any, group (班级)
    #[arg(long, value_name = "FILE")]
    pub(crate) people: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) table: TableArgs,
    /// Write index and masked name of each line of the list, as CSV
    #[arg(long, value_name = "FILE", requires = "people")]
    pub(crate) names: Option<PathBuf>,
}

/// One line of a name list.
pub(crate) struct Listed {
    line: u64,
    person: Person,
    group: String,
}

/// One line of a name list, without what is personal in it: what a list for a door says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    /// Where it stands in the name list.
    pub(crate) line: u64,
    /// A class, a shift; may be empty.
    pub(crate) group: String,
    /// Masked.
    pub(crate) display: String,
    /// The holder; or why there is none, which a person must look into.
    pub(crate) holder: Result<(IssuerId, HolderIndex), Unfound>,
}

/// Why a line of a name list is no holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unfound {
    /// The registry does not know the id number.
    Unregistered,
    /// The registry knows the id number with another name.
    OtherName,
}

/// People asked for at once.
const BATCH: usize = 4096;
/// Lines told on standard error.
const SHOWN_MAX: usize = 20;

impl Unfound {
    /// For a program.
    pub(crate) const fn slug(self) -> &'static str {
        match self {
            Unfound::Unregistered => "unregistered",
            Unfound::OtherName => "other-name",
        }
    }

    /// For the person who looks into it.
    pub(crate) fn says(self, language: Language) -> String {
        match self {
            Unfound::Unregistered => say(language, "person-unregistered", &[]),
            Unfound::OtherName => say(language, "person-other-name", &[]),
        }
    }
}

/// Reads a name list.
///
/// # Errors
/// Every line that cannot be read, and every person who is in it twice.
pub(crate) fn read(path: &Path, args: &TableArgs) -> anyhow::Result<Vec<Listed>> {
    const COLUMNS: [Column; 3] =
        [required("id_number", ID_NUMBER), required("name", NAME), optional("group", GROUP)];
    let mut lines = HashMap::new();
    let listed = Table::open(path, args)?.collect(&COLUMNS, |line, [id_number, name, group]| {
        let document = id_number_in_table(id_number)?;
        let id_number = document.number.clone();
        if group.contains(is_hidden) {
            return Err("group has control characters, or others that are not seen".to_owned());
        }
        if let Some(first) = lines.insert(id_number.as_str().to_owned(), line) {
            return Err(format!("the same id number as in line {first}"));
        }
        let person = Person::new(document.called(name.to_owned()), id_number, None)
            .map_err(|fault| fault.to_string())?;
        Ok(Listed { line, person, group: group.to_owned() })
    })?;
    ensure!(!listed.is_empty(), "{} names no person", path.display());
    Ok(listed)
}

/// Reads the id number of a table's row, which a spreadsheet may have spoilt.
///
/// # Errors
/// The cause, which repeats nothing of the number.
pub(crate) fn id_number_in_table(text: &str) -> Result<Document, String> {
    let document = Document::read(text).map_err(|fault| format!("id_number: {fault}"))?;
    if document.number.may_be_rounded() {
        return Err(
            "id_number ends in 000, as after a spreadsheet took it for a number; when it is right, register \
                    this person with `hufu holder add`"
                .to_owned(),
        );
    }
    Ok(document)
}

/// Asks a registry who they are.
///
/// # Errors
/// The registry does not answer, or not for all of them.
pub(crate) fn look_up(remote: &Remote, issuer: IssuerId, listed: Vec<Listed>) -> anyhow::Result<Vec<Named>> {
    let mut named = Vec::with_capacity(listed.len());
    let mut listed = listed.into_iter().peekable();
    while listed.peek().is_some() {
        let batch: Vec<_> = listed.by_ref().take(BATCH).collect();
        let people = LookUpHolders { people: batch.iter().map(Listed::sought).collect() };
        let found = remote.ask(|api| api.look_up_holders(issuer, &people))?.found;
        ensure!(
            found.len() == batch.len(),
            "the registry answered for {} of {} people",
            found.len(),
            batch.len()
        );
        named
            .extend(batch.into_iter().zip(found).map(|(listed, found)| listed.named(issuer, found.as_ref())));
    }
    Ok(named)
}

impl Listed {
    fn sought(&self) -> SoughtHolder {
        let (id_number, name) = (self.person.id_number().as_str().to_owned(), self.person.name().to_owned());
        SoughtHolder { id_number, name: Some(name) }
    }

    fn named(self, issuer: IssuerId, found: Option<&FoundHolder>) -> Named {
        let holder = match found {
            None => Err(Unfound::Unregistered),
            Some(FoundHolder { same_name: false, .. }) => Err(Unfound::OtherName),
            Some(FoundHolder { index, .. }) => Ok((issuer, HolderIndex(*index))),
        };
        Named { line: self.line, group: self.group, display: self.person.display(), holder }
    }
}

/// Tells the lines that are no holders; how many they are.
pub(crate) fn tell_unfound(named: &[Named]) -> usize {
    let unfound: Vec<_> = named.iter().filter_map(|named| Some((named, named.holder.err()?))).collect();
    for (named, unfound) in unfound.iter().take(SHOWN_MAX) {
        note!("line {}, {}: {}", named.line, named.display, unfound.says(Language::En));
    }
    if let Some(more @ 1..) = unfound.len().checked_sub(SHOWN_MAX) {
        note!("and {more} more");
    }
    unfound.len()
}

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
pub(crate) struct NamesWriter(csv::Writer<Vec<u8>>);

impl NamesWriter {
    /// Nothing is written yet.
    pub(crate) fn new() -> anyhow::Result<NamesWriter> {
        // With a mark: spreadsheets take a file without for one in the encoding of their machine.
        let mut file = csv::Writer::from_writer("\u{feff}".as_bytes().to_vec());
        file.write_record(COLUMNS.map(Column::name))?;
        Ok(NamesWriter(file))
    }

    /// Adds one line.
    pub(crate) fn push(&mut self, named: &Named) -> anyhow::Result<()> {
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
    pub(crate) fn finish(self, path: &Path) -> anyhow::Result<()> {
        let bytes = self.0.into_inner().ok().context("the names do not fit in memory")?;
        files::replace(path, &bytes, Readable::All)
    }
}

/// Writes all names.
pub(crate) fn write_names(path: &Path, named: &[Named]) -> anyhow::Result<()> {
    let mut file = NamesWriter::new()?;
    named.iter().try_for_each(|named| file.push(named))?;
    file.finish(path)
}

/// Reads a file of names.
///
/// # Errors
/// Its columns are others, or a line of it was altered.
pub(crate) fn read_names(path: &Path) -> anyhow::Result<Vec<Named>> {
    let table = Table::open(path, &TableArgs::default())?;
    table.collect(&COLUMNS, |_, [line, group, display, issuer, holder, found]| {
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

/// A text as a spreadsheet takes it for text: what begins a formula stands behind an apostrophe.
pub(crate) fn no_formula(text: &str) -> std::borrow::Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\'']) { format!("'{text}").into() } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(text: &str) -> Result<Vec<Listed>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list.csv");
        std::fs::write(&path, text).unwrap();
        read(&path, &TableArgs::default()).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn r47_a_name_list_is_read_whole_or_every_bad_line_is_told() {
        let good = listed("班级,姓名,身份证号\n3b,陈一,320101198802140017\n,刘二,passport:E123\n").unwrap();
        let found = FoundHolder { index: 7, display: String::new(), same_name: true };
        let other = FoundHolder { same_name: false, ..found.clone() };
        let mut good = good.into_iter();
        let named = good.next().unwrap().named(IssuerId(1), Some(&found));
        let wanted = Named {
            line: 2,
            group: "3b".to_owned(),
            display: "陈*0017".to_owned(),
            holder: Ok((IssuerId(1), HolderIndex(7))),
        };
        assert_eq!(named, wanted);
        assert_eq!(good.next().unwrap().named(IssuerId(1), Some(&other)).holder, Err(Unfound::OtherName));

        let bad = "id_number,name\n320101198802140018,陈一\npassport:E123,刘二\npassport:e-123,刘二\npassport:E124,\n320101198007013000,李四\n";
        let said = listed(bad).err().unwrap();
        for wanted in [
            "line 2: id_number: the check",
            "line 4: the same id number as in line 3",
            "line 5: name",
            "line 6: id_number ends in 000",
        ] {
            assert!(said.contains(wanted), "{said}");
        }
        assert!(!said.contains("E123") && !said.contains("刘"), "{said}");
    }

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
