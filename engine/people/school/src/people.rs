//! Name lists as schools keep them, and who they are in a registry.
//!
//! Id numbers come out of files and go to the registry. What is written and shown is index and masked name (R10).

use std::collections::HashMap;

use hufu_contract::{FoundHolder, LookUpHolders, SoughtHolder};
use hufu_registry::{Document, IdFault, Person};
use hufu_sheets::{CellFault, Column, GROUP, ID_NUMBER, NAME, Table, Watch, optional, required};
use hufu_texts::{Language, say};
use hufu_upstream::{Api, ApiFault};
use hufu_wire::text::is_hidden;
use hufu_wire::{HolderIndex, IssuerId};

/// A name list as it was read.
#[derive(Default)]
pub struct NameList {
    /// The lines that can be read.
    pub people: Vec<Listed>,
    /// Those that cannot.
    pub refused: Vec<Refused>,
}

/// One line of a name list.
pub struct Listed {
    line: u64,
    person: Person,
    group: String,
}

/// A line of a name list that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Where it stands in the name list.
    pub line: u64,
    /// Why.
    pub why: RowFault,
}

/// Why a line of a name list cannot be read. It repeats nothing of the line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowFault {
    /// The table has no text there.
    #[error("{0}")]
    Cell(CellFault),
    /// It is no id number.
    #[error("id_number: {0}")]
    IdNumber(IdFault),
    /// It may be a number that a spreadsheet has rounded.
    #[error(
        "id_number ends in 000, as after a spreadsheet took it for a number; when it is right, register this person \
         with `hufu holder add`"
    )]
    Zeroes,
    /// The class has characters that are not seen.
    #[error("group has control characters, or others that are not seen")]
    Group,
    /// The class has more than [`GROUP_CHARS_MAX`] characters.
    #[error("group has more than {GROUP_CHARS_MAX} characters")]
    LongGroup,
    /// The same person in an earlier line.
    #[error("the same id number as in line {0}")]
    Twice(u64),
    /// It is no name.
    #[error("{0}")]
    Name(String),
}

/// Longest name of a class, characters.
pub const GROUP_CHARS_MAX: usize = 100;

/// One line of a name list, without what is personal in it: what a list for a door says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Where it stands in the name list.
    pub line: u64,
    /// A class, a shift; may be empty.
    pub group: String,
    /// Masked.
    pub display: String,
    /// The holder; or why there is none, which a person must look into.
    pub holder: Result<(IssuerId, HolderIndex), Unfound>,
}

/// Why a line of a name list is no holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfound {
    /// The registry does not know the id number.
    Unregistered,
    /// The registry knows the id number with another name.
    OtherName,
}

/// People asked for at once.
const BATCH: usize = 4096;
impl Unfound {
    /// For a program.
    pub const fn slug(self) -> &'static str {
        match self {
            Unfound::Unregistered => "unregistered",
            Unfound::OtherName => "other-name",
        }
    }

    /// For the person who looks into it.
    pub fn says(self, language: Language) -> String {
        match self {
            Unfound::Unregistered => say(language, "person-unregistered", &[]),
            Unfound::OtherName => say(language, "person-other-name", &[]),
        }
    }
}

/// Reads a name list. A line that cannot be read does not keep the others from being read.
///
/// # Errors
/// The table as a whole cannot be read, with its [`FileFault`](hufu_sheets::FileFault).
pub fn read(table: &Table, watch: Watch<'_>) -> anyhow::Result<NameList> {
    const COLUMNS: [Column; 3] =
        [required("id_number", ID_NUMBER), required("name", NAME), optional("group", GROUP)];
    let (mut lines, mut list) = (HashMap::new(), NameList::default());
    table.each(&COLUMNS, watch, |(line, fields)| {
        let listed = fields.map_err(RowFault::Cell).and_then(|[id_number, name, group]| {
            let document = id_number_in_table(id_number)?;
            let id_number = document.number.clone();
            if group.contains(is_hidden) {
                return Err(RowFault::Group);
            }
            if group.chars().count() > GROUP_CHARS_MAX {
                return Err(RowFault::LongGroup);
            }
            if let Some(first) = lines.insert(id_number.as_str().to_owned(), line) {
                return Err(RowFault::Twice(first));
            }
            let person = Person::new(document.called(name.to_owned()), id_number, None)
                .map_err(|fault| RowFault::Name(fault.to_string()))?;
            Ok(Listed { line, person, group: group.to_owned() })
        });
        match listed {
            Ok(listed) => list.people.push(listed),
            Err(why) => list.refused.push(Refused { line, why }),
        }
        Ok(())
    })?;
    Ok(list)
}

/// Reads the id number of a table's row, which a spreadsheet may have spoilt.
///
/// # Errors
/// The cause, which repeats nothing of the number.
pub fn id_number_in_table(text: &str) -> Result<Document, RowFault> {
    let document = Document::read(text).map_err(RowFault::IdNumber)?;
    if document.number.may_be_rounded() { Err(RowFault::Zeroes) } else { Ok(document) }
}

/// Asks a registry who the next of `people` are, in the order of the list, as many as one request takes.
///
/// # Errors
/// The registry does not answer, or not for all of them.
pub async fn look_up(api: &Api, issuer: IssuerId, people: &[Listed]) -> Result<Vec<Named>, ApiFault> {
    let batch = &people[..people.len().min(BATCH)];
    let sought = LookUpHolders { people: batch.iter().map(Listed::sought).collect() };
    let found = api.look_up_holders(issuer, &sought).await?.found;
    if found.len() != batch.len() {
        let what = format!("it answered for {} of {} people", found.len(), batch.len());
        return Err(ApiFault::Garbled { registry: "the registry".to_owned(), what });
    }
    Ok(batch.iter().zip(found).map(|(listed, found)| listed.named(issuer, found.as_ref())).collect())
}

impl Listed {
    fn sought(&self) -> SoughtHolder {
        let (id_number, name) = (self.person.id_number().as_str().to_owned(), self.person.name().to_owned());
        SoughtHolder { id_number, name: Some(name) }
    }

    fn named(&self, issuer: IssuerId, found: Option<&FoundHolder>) -> Named {
        let holder = match found {
            None => Err(Unfound::Unregistered),
            Some(FoundHolder { same_name: false, .. }) => Err(Unfound::OtherName),
            Some(FoundHolder { index, .. }) => Ok((issuer, HolderIndex(*index))),
        };
        Named { line: self.line, group: self.group.clone(), display: self.person.display(), holder }
    }
}

#[cfg(test)]
mod tests {
    use hufu_sheets::TableArgs;

    use super::*;

    fn listed(text: &str) -> Result<Vec<Listed>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list.csv");
        std::fs::write(&path, text).unwrap();
        let list = read(&Table::open(&path, &TableArgs::default()).unwrap(), &mut |_| ()).unwrap();
        let refused: Vec<_> =
            list.refused.iter().map(|row| format!("line {}: {}", row.line, row.why)).collect();
        if refused.is_empty() { Ok(list.people) } else { Err(refused.join("\n")) }
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
}
