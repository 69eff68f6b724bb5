//! How a group of colours was computed: kept beside the proposal, so that others compute the same.

use anyhow::Context as _;
use hufu_contract::Hex;
use hufu_rules::Moment;
use serde::{Deserialize, Serialize};

/// What all rulings of one instruction have in common. The registry keeps it as a paper that is called by the inputs' digest of
/// the instruction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workings {
    /// SHA-256 of the rule file.
    pub rules: Hex<32>,
    /// SHA-256 of the file of places of risk; absent without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub places: Option<Hex<32>>,
    /// The newest fact that counts, by its number.
    pub until: u64,
    /// When the colours were computed.
    pub at: Moment,
    /// Random digits in each holder's facts.
    pub salt: Hex<16>,
}

impl Workings {
    /// As the registry keeps them: JSON.
    ///
    /// # Errors
    /// Never: they are numbers and digits.
    pub fn to_bytes(&self) -> anyhow::Result<Vec<u8>> {
        Ok(serde_json::to_vec(self)?)
    }

    /// Reads them.
    ///
    /// # Errors
    /// These are no workings.
    pub fn read(bytes: &[u8]) -> anyhow::Result<Workings> {
        serde_json::from_slice(bytes).context("these are no workings of a ruling")
    }
}
