//! What is wrong with a key file of the vault.

/// The vault's key file cannot be used. The operator can mend it. Nothing of the file is shown: it is secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultFault {
    /// Not a key file.
    #[error("line {line}: not a vault key file: {what}; `hufu registry init` makes one")]
    Form {
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A key that must be there is not.
    #[error("there is no {0} key in it; take the file from its backup")]
    Missing(&'static str),
    /// The same key twice.
    #[error("line {line}: the same key stands above; remove one of the two")]
    Twice {
        /// The line, counted from 1.
        line: usize,
    },
    /// The operating system has no random bytes.
    #[error("the operating system gives no random bytes")]
    NoRandomness,
}
