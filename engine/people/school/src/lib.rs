//! A school's name list, from the spreadsheet to the list at the door (R12, R61).
//!
//! [`read`] takes the list, [`look_up`] asks a registry who its people are, [`check`] asks an engine about their roster, and
//! [`Report`] puts the answers beside the lines. Commands and the school's page are made of the same parts.
//!
//! An id number is in memory from the reading of a list to the registry's answer and nowhere else. What is kept, shown and
//! printed is the number of the line, the class and the masked name (R10).

mod check;
mod config;
mod export;
mod job;
mod names;
mod page;
mod people;
mod places;
mod register;
mod report;
mod rows;
mod school;
pub mod terminal;
mod texts;
mod work;

pub use check::check;
pub use config::SchoolConfig;
pub use names::{NamesWriter, no_formula, read_names, write_names};
pub use page::{ASSETS, NAV, pages};
pub use people::{
    GROUP_CHARS_MAX, Listed, NameList, Named, Refused, RowFault, Unfound, id_number_in_table, look_up, read,
};
pub use report::{Member, Report, Row, Why};
pub use school::Schools;
