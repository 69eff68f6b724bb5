//! Signature schemes by their numbers and names.

use std::fmt;

/// How a key signs. Files and messages name it beside each public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Pure Ed25519 (RFC 8032), verified strictly.
    Ed25519,
    /// SM2 with SM3 (GB/T 32918.2), under the one distinguishing id [`sm2::DISTINGUISHING_ID`](crate::sm2::DISTINGUISHING_ID).
    Sm2,
}

impl Scheme {
    /// Every scheme.
    pub const ALL: [Scheme; 2] = [Scheme::Ed25519, Scheme::Sm2];

    /// Its number among the COSE algorithms: in headers of signed messages and in trust lists.
    pub const fn cose(self) -> i64 {
        match self {
            // RFC 9053 section 2.2.
            Scheme::Ed25519 => -8,
            // None is registered. Numbers below -65536 are for private use (RFC 9053 section 8).
            Scheme::Sm2 => -65_793,
        }
    }

    /// The scheme with this number.
    pub fn of_cose(algorithm: i64) -> Option<Scheme> {
        Scheme::ALL.into_iter().find(|scheme| scheme.cose() == algorithm)
    }

    /// Its name in text files; for EdDSA the one among the COSE and JOSE algorithms.
    pub const fn name(self) -> &'static str {
        match self {
            Scheme::Ed25519 => "EdDSA",
            Scheme::Sm2 => "SM2",
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
            Scheme::Sm2 => 65,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
