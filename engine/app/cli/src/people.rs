//! Name lists on the command line.

use std::path::{Path, PathBuf};

use anyhow::ensure;
use clap::Args;
use hufu_authority::Remote;
use hufu_school::{Listed, RowFault};
pub(crate) use hufu_school::{Named, NamesWriter, no_formula, read_names, write_names};
use hufu_sheets::{Table, TableArgs, refused_rows};
use hufu_texts::Language;
use hufu_wire::IssuerId;

use crate::progress::watch;
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

/// Lines told on standard error.
const SHOWN_MAX: usize = 20;

/// Reads a name list.
///
/// # Errors
/// Every line that cannot be read, and every person who is in it twice.
pub(crate) fn read(path: &Path, args: &TableArgs) -> anyhow::Result<Vec<Listed>> {
    let list = hufu_school::read(&Table::open(path, args)?, &mut watch("reading"))?;
    let refused: Vec<_> = list.refused.iter().map(|row| (row.line, row.why.to_string())).collect();
    if !refused.is_empty() {
        return Err(refused_rows(&path.display(), &refused));
    }
    ensure!(!list.people.is_empty(), "{} names no person", path.display());
    Ok(list.people)
}

/// Reads the id number of a table's row, which a spreadsheet may have spoilt.
///
/// # Errors
/// The cause, which repeats nothing of the number.
pub(crate) fn id_number_in_table(text: &str) -> Result<hufu_registry::Document, String> {
    hufu_school::id_number_in_table(text).map_err(|fault: RowFault| fault.to_string())
}

/// Asks a registry who they are.
///
/// # Errors
/// The registry does not answer, or not for all of them.
pub(crate) fn look_up(remote: &Remote, issuer: IssuerId, listed: &[Listed]) -> anyhow::Result<Vec<Named>> {
    let mut named = Vec::with_capacity(listed.len());
    while named.len() < listed.len() {
        named.extend(remote.ask(|api| hufu_school::look_up(api, issuer, &listed[named.len()..]))?);
    }
    Ok(named)
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
