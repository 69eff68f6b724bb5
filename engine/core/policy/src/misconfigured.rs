//! What an operator is told about a policy file that cannot be used.

use core::fmt;

/// A policy file is wrong. The operator can mend it: the text names the file, the line and the key, says what
/// is wrong and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Misconfigured {
    /// The file, as named to [`Sites::parse`](crate::Sites::parse).
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The key, `None` where the fault is not at a key.
    pub key: Option<String>,
    /// What is wrong.
    pub what: String,
    /// How to mend it.
    pub mend: String,
}

impl fmt::Display for Misconfigured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file, self.line)?;
        if let Some(key) = &self.key {
            write!(f, "{key}: ")?;
        }
        write!(f, "{}; {}", self.what, self.mend)
    }
}
