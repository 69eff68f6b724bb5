use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Hex;

/// Where a chain ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tip {
    /// The last set's sequence, 0 when there is none.
    pub sequence: u64,
    /// Its chain digest; all zero when there is no set.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    pub digest: Hex<32>,
    /// When its instruction was proposed; the next one's must be later, or of the next era.
    pub proposed_ms: u64,
    /// How often the time of the chain was reset (docs/SYNC.md, Eras).
    #[serde(default)]
    pub era: u8,
    /// When it was confirmed.
    pub confirmed_ms: u64,
    /// The registry's clock when it answered; absent within a problem. A signer compares its own clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now_ms: Option<u64>,
}
