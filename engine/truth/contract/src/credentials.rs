use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Base64Url, Hex};

/// A credential to issue, told apart by `kind`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[schema(example = json!({"kind": "paper"}))]
pub enum IssueCredential {
    /// For a phone (R02), which asked for [terms](Terms) and made its step tree for exactly them.
    Phone {
        /// The root of the phone's step tree, 32 hex digits.
        #[schema(value_type = String, pattern = "^[0-9a-f]{32}$", example = "000102030405060708090a0b0c0d0e0f")]
        step_root: Hex<16>,
        /// The step whose presentation has index 0: Unix seconds divided by 30.
        origin_step: u32,
        /// The terms that the tree was made for, as they came; good for two minutes.
        terms: Terms,
        /// For how long, seconds; at most, and when absent, 24 hours.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        valid_s: Option<u32>,
    },
    /// To print (R03).
    Paper {
        /// For how long, seconds; at most, and when absent, seven days.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        valid_s: Option<u32>,
    },
    /// For a ticket: one hub, one window (R04).
    Trip {
        /// The hub.
        hub: u32,
        /// The window's first second, in milliseconds.
        from_ms: u64,
        /// The window's last second, in milliseconds.
        until_ms: u64,
    },
}

/// What a phone needs before it can make its step tree: the salt of every step names all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// The key that will sign.
    #[schema(value_type = String, pattern = "^[0-9a-f]{16}$", example = "0123456789abcdef")]
    pub key: Hex<8>,
    /// The generation that the credential will have.
    pub generation: u8,
    /// When it will have been issued, a whole second in milliseconds.
    pub issued_ms: u64,
}

/// A kind of credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialKind {
    /// On a phone.
    Phone,
    /// Printed.
    Paper,
    /// For a ticket.
    Trip,
    /// Printed for a relative who is bound to a user.
    Family,
}

/// A credential that was just issued. It is not kept: who loses it has another issued.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Issued {
    /// The signed credential, base64url.
    #[schema(value_type = String, pattern = "^[A-Za-z0-9_-]+$")]
    pub credential: Base64Url,
    /// The code text to print, for paper and trips; a phone makes its own with each presentation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Its generation.
    pub generation: u8,
    /// When it was issued.
    pub issued_ms: u64,
    /// From when it is refused.
    pub expires_ms: u64,
    /// The key that signed it.
    #[schema(value_type = String, pattern = "^[0-9a-f]{16}$")]
    pub key: Hex<8>,
    /// Other phone credentials of this holder and generation that go on for more than an hour: tell the holder, or raise
    /// the generation if a phone was lost.
    #[serde(default)]
    pub other_phones: u32,
    /// When the last of them ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_phones_until_ms: Option<u64>,
}

/// A page of the credentials that were issued to a holder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Credentials {
    /// By rising number. The next page begins after the last one's; an empty page is the last.
    pub credentials: Vec<Credential>,
}

/// What is kept of a credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Credential {
    /// Its number.
    pub number: u64,
    /// Its kind.
    pub kind: CredentialKind,
    /// Its generation.
    pub generation: u8,
    /// From when it is valid.
    pub issued_ms: u64,
    /// From when it is refused.
    pub expires_ms: u64,
    /// The key that signed it.
    #[schema(value_type = String, pattern = "^[0-9a-f]{16}$")]
    pub key: Hex<8>,
    /// SHA-256 of its bytes.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    pub digest: Hex<32>,
}
