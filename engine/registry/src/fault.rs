//! Why the registry does not do something, and who can mend it.

/// A request that was not carried out; nothing of it was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The store does not answer. Try again; the operator sees to the database.
    #[error("the store does not answer: {0}")]
    Unavailable(String),
    /// What the store holds contradicts itself. Only the operator can see to that.
    #[error("the store is damaged: {0}")]
    Damaged(String),
}
