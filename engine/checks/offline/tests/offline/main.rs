//! A gate without a network: its list, its clock, its verdicts, its records.

#![allow(clippy::unwrap_used, reason = "tests")]

mod book;
mod clock;
mod gate;
mod golden;
mod hour;
mod keeper;
mod list;
mod world;
