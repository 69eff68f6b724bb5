//! A school's name list, from the spreadsheet to the list at the door (R12, R61).
//!
//! [`read`] takes the list, [`look_up`] asks a registry who its people are, [`check`] asks an engine about their roster, and
//! [`Report`] puts the answers beside the lines. Commands and the school's page are made of the same parts.
//!
//! An id number is in memory from the reading of a list to the registry's answer and nowhere else. What is kept, shown and
//! printed is the number of the line, the class and the masked name (R10).

mod check;
mod names;
mod people;
mod report;
pub mod terminal;

pub use check::check;
pub use names::{NamesWriter, no_formula, read_names, write_names};
pub use people::{
    GROUP_CHARS_MAX, Listed, NameList, Named, Refused, RowFault, Unfound, id_number_in_table, look_up, read,
};
pub use report::{Member, Report, Row, Why};
