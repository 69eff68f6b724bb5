use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Hex;

/// A page of the trail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Trail {
    /// By rising number. The next page begins after the last one's; an empty page is the last.
    pub entries: Vec<TrailEntry>,
}

/// Who did what to what, and when (R44).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TrailEntry {
    /// Its number; there may be gaps.
    pub number: u64,
    /// When.
    pub at_ms: u64,
    /// The label of the token.
    pub actor: String,
    /// What was done.
    #[schema(example = "holder.read")]
    pub action: String,
    /// For which issuer, where that makes sense.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<u32>,
    /// To what; never a person's name or number.
    #[schema(example = "holder 4711")]
    pub target: String,
    /// Covers this line and every one before it (docs/REGISTRY.md); none in a store that was altered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, pattern = "^[0-9a-f]{64}$")]
    pub digest: Option<Hex<32>>,
}

/// Where the trail ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TrailEnd {
    /// The number of the last line; 0 before the first.
    pub number: u64,
    /// Its digest.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    pub digest: Hex<32>,
}
