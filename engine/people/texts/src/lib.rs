//! Every sentence that a gate, a page or a person is shown, in sixteen languages (R62).
//!
//! The sentences stand in `texts/<tag>/<area>.ftl`, in the syntax of Project Fluent; `GLOSSARY.md` has the terms. Dates and
//! numbers are written as CLDR says. What only programs read (slugs, log lines, JSON names) is not here.
//!
//! Firmware takes reasons alone, in English or with the feature `languages` in all languages, and nothing that it costs much
//! to carry; everybody else has the feature `pages`.

mod language;
mod reason;

#[cfg(feature = "pages")]
mod areas;
#[cfg(feature = "pages")]
mod format;
#[cfg(feature = "pages")]
mod parts;
#[cfg(feature = "pages")]
mod say;
#[cfg(feature = "pages")]
mod script;

pub use language::{Direction, Language};
pub use reason::{CELLS, has_reasons, reason, reason_short};

#[cfg(feature = "pages")]
pub use areas::Area;
#[cfg(feature = "pages")]
pub use format::{clock, date, decimal, moment, number};
#[cfg(feature = "pages")]
pub use say::{Arg, has, say};
#[cfg(feature = "pages")]
pub use script::{SAY_MJS, script};
