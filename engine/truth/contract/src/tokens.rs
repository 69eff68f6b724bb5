use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::scope::Scope;

/// Every token that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tokens {
    /// By rising id.
    pub tokens: Vec<Token>,
}

/// A token to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"label": "engine at north station", "scopes": ["feed"], "issuer": 310_000,
    "expires_ms": 1_830_000_000_000_u64}))]
pub struct NewToken {
    /// Who has it, as the trail will name them. No two tokens ever have the same.
    #[schema(min_length = 1, max_length = 128)]
    pub label: String,
    /// What it may do.
    #[schema(min_items = 1)]
    pub scopes: Vec<Scope>,
    /// The only issuer it may do it for; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<u32>,
    /// From when it is refused.
    pub expires_ms: u64,
}

/// A token that was just made.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenMade {
    /// The secret, `hufu_` and 43 characters. It is shown this once and not kept.
    #[schema(example = "hufu_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    pub secret: String,
    /// What is kept of it.
    pub token: Token,
}

/// What is kept of a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Token {
    /// Its id; no secret.
    pub id: u64,
    /// Who has it.
    pub label: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// The only issuer it may do it for; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<u32>,
    /// When it was made.
    pub made_ms: u64,
    /// From when it is refused.
    pub expires_ms: u64,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_ms: Option<u64>,
}

/// A token's number; no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId(pub u64);

impl core::fmt::Debug for TokenMade {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "TokenMade({:?})", self.token)
    }
}
