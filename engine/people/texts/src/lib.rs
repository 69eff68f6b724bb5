//! Every sentence that a gate, a page or a person is shown, in sixteen languages (R62).
//!
//! The sentences stand in `texts/<tag>/<area>.ftl`, in the syntax of Project Fluent; `GLOSSARY.md` has the terms. Dates and
//! numbers are written as CLDR says. What only programs read (slugs, log lines, JSON names) is not here.

mod areas;
mod format;
mod language;
mod parts;
mod reason;
mod say;
mod script;

pub use areas::Area;
pub use format::{clock, date, decimal, moment, number};
pub use language::{Direction, Language};
pub use reason::{CELLS, reason, reason_short};
pub use say::{Arg, has, say};
pub use script::{SAY_MJS, script};
