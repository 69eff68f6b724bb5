//! What becomes of a confirmed change set: the rules that every store applies inside its transaction.
//!
//! The store locks the issuer's row, asks [`place`], reads the words the set names, asks [`SetEffect::of`] and
//! [`BrakeInput::judge`], and writes what they say. It decides nothing itself. What it reads back goes through
//! [`checked_set`] and its siblings: a row that somebody altered is found where it is read.

mod append;
mod effect;
mod judge;
mod stored;

pub use append::{Append, Appended};
pub use effect::{SetEffect, coloured};
pub use judge::{BrakeInput, place};
pub use stored::{StoredRow, checked_instruction, checked_set, checked_sets, checked_tip, named};
