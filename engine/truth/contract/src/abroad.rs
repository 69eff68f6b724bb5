use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Hex;

/// What a certificate for abroad is going to say of a holder (R63): compared with what is known, and noted.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"surname": "Wang", "given": "Xiaoming", "born": "1949-12-31",
    "says": {"kind": "vaccination", "dose": 2, "day": "2021-09-01"}, "certificate": "000102030405060708090a0b0c0d0e0f"}))]
pub struct CertifyAbroad {
    /// The surname; with the given names it must be the name that the holder is registered with.
    pub surname: String,
    /// The given names; empty for a person who has none.
    pub given: String,
    /// The date of birth, `1949-12-31`; a month or a year where no more is known.
    pub born: String,
    /// What is certified.
    pub says: SaidAbroad,
    /// What revocation lists call the certificate by: the first 16 bytes of SHA-256 of its identifier.
    #[schema(value_type = String, pattern = "^[0-9a-f]{32}$")]
    pub certificate: Hex<16>,
}

/// What a certificate for abroad says, told apart by `kind`. Days are as where they were: `2021-09-01`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum SaidAbroad {
    /// A dose was given.
    Vaccination {
        /// Which, from 1.
        dose: u8,
        /// When.
        day: String,
    },
    /// A test was negative.
    Test {
        /// When its sample was taken.
        taken_ms: u64,
    },
    /// A test was positive for the first time, and the holder recovered.
    Recovery {
        /// When its sample was taken.
        day: String,
    },
}

/// The certificate is noted and may be signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NotedAbroad {
    /// What a gate may show of the holder: the clerk compares.
    pub display: String,
}

/// What is said of a person belongs in no log.
impl core::fmt::Debug for CertifyAbroad {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("CertifyAbroad")
    }
}
