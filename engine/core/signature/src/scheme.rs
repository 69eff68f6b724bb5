//! Signature schemes by their registered numbers and names.

use std::fmt;

/// How a key signs. Files and messages name it beside each public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Pure Ed25519 (RFC 8032), verified strictly.
    Ed25519,
}

impl Scheme {
    /// Every scheme.
    pub const ALL: [Scheme; 1] = [Scheme::Ed25519];

    /// Its number among the COSE algorithms: in headers of signed messages and in trust lists.
    pub const fn cose(self) -> i64 {
        match self {
            // RFC 9053 section 2.2.
            Scheme::Ed25519 => -8,
        }
    }

    /// The scheme with this number.
    pub fn of_cose(algorithm: i64) -> Option<Scheme> {
        Scheme::ALL.into_iter().find(|scheme| scheme.cose() == algorithm)
    }

    /// Its name among the COSE and JOSE algorithms: in text files.
    pub const fn name(self) -> &'static str {
        match self {
            Scheme::Ed25519 => "EdDSA",
        }
    }

    /// The scheme of this name.
    pub fn named(name: &str) -> Option<Scheme> {
        Scheme::ALL.into_iter().find(|scheme| scheme.name() == name)
    }

    /// Bytes of a public key.
    pub const fn public_bytes(self) -> usize {
        match self {
            Scheme::Ed25519 => 32,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
