//! Faults of the world around a program, told from faults of what it was given.

use std::fmt;

/// Marks an error as nobody's mistake: the engine does not answer, a socket cannot be had.
#[derive(Debug)]
pub struct Unavailable(pub String);

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unavailable {}

/// The error for something that is not there now and may be later.
pub fn unavailable(what: impl fmt::Display) -> anyhow::Error {
    anyhow::Error::new(Unavailable(what.to_string()))
}
