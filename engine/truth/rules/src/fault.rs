//! What is wrong with a rule file or with facts.

use crate::moment::Moment;

/// Why a rule file is not accepted. Its author corrects it.
#[derive(Debug, thiserror::Error)]
pub enum RulesFault {
    /// It is no such file: syntax, an unknown key, a wrong type, with line and column.
    #[error("{file}: {error}")]
    Unreadable {
        /// The file.
        file: String,
        /// What is wrong, and where.
        error: Box<toml::de::Error>,
    },
    /// What it says contradicts itself.
    #[error("{file}: {what}: {to_do}")]
    Contradicts {
        /// The file.
        file: String,
        /// What is wrong.
        what: String,
        /// What to write instead.
        to_do: &'static str,
    },
    /// One of its own tests does not come out as it says.
    #[error("{file}: the test {name:?} says {wanted}, and the rules give {given}")]
    TestFails {
        /// The file.
        file: String,
        /// The test.
        name: String,
        /// What it says.
        wanted: String,
        /// What the rules give.
        given: String,
    },
}

/// Why facts are not taken. Who recorded them corrects them.
#[derive(Debug, thiserror::Error)]
pub enum FactsFault {
    /// They are no such object: an unknown key, a wrong type.
    #[error("these are no facts: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// A span of time ends before it begins.
    #[error("{list}: {from} to {to} ends before it begins")]
    Backwards {
        /// The list.
        list: &'static str,
        /// The beginning.
        from: Moment,
        /// The end.
        to: Moment,
    },
    /// A list is too long.
    #[error("{list} has more than {max} entries")]
    TooMany {
        /// The list.
        list: &'static str,
        /// How many there may be.
        max: usize,
    },
}
