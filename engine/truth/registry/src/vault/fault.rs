//! What is wrong with a key file of the vault.

/// The vault's key file cannot be used. The operator can fix it. Nothing of the file is shown: it is secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultFault {
    /// Not a key file.
    #[error(
        "line {line}: not a vault key file: {what}; correct the line, or take the file from its backup: a new one reads no name"
    )]
    Form {
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A key that must be there is not.
    #[error("the file has no {0} key: restore it from a backup")]
    Missing(&'static str),
    /// The same key twice.
    #[error("line {line}: the same key is on an earlier line: remove one of them")]
    Twice {
        /// The line, counted from 1.
        line: usize,
    },
    /// The cryptographic library makes no key.
    #[error("the cryptographic library makes no key: start the registry again")]
    Library,
    /// The operating system has no random bytes.
    #[error("the operating system gives no random bytes")]
    NoRandomness,
}
