//! What is kept of an application, sealed: what showed that it was meant, and the relative's consent.

use hufu_contract::{Base64Url, Consent, Hex};
use serde::{Deserialize, Serialize};

/// What showed that an application was meant, as it is kept.
#[derive(Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum KeptAssurance {
    /// A face check, by its verified statement.
    Face {
        /// The statement as it was signed.
        statement: Base64Url,
        /// The key that signed it.
        key: Hex<8>,
        /// Its level.
        level: u8,
        /// When the face was compared, milliseconds since 1970.
        at_ms: u64,
    },
    /// A commitment that the user signed.
    Commitment {
        /// The version of its text.
        version: String,
        /// SHA-256 of its text.
        text_digest: Hex<32>,
        /// The name as the user wrote it.
        signed_name: String,
        /// What there is of the signature beside the name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signature: Option<Base64Url>,
        /// When it was signed, milliseconds since 1970.
        signed_ms: u64,
    },
}

/// All of it.
#[derive(Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// The date of birth that the request named, of a document that does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub born: Option<String>,
    /// What showed that the application was meant.
    pub assurance: KeptAssurance,
    /// The relative's consent.
    pub consent: Consent,
}
