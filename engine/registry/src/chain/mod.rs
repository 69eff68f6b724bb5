//! What becomes of a confirmed change set: the rules that every store applies inside its transaction.
//!
//! The store locks the issuer's row, asks [`place`], reads the words the set names, asks [`Turn::of`] and
//! [`Ground::judge`], and writes what they say. It decides nothing itself.

mod append;
mod judge;
mod turn;

pub use append::{Append, Appended};
pub use judge::{Ground, place};
pub use turn::Turn;
