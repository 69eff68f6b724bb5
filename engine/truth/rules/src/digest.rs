//! What a ruling was made of, as change sets name it.

use core::fmt;

use hufu_wire::RuleId;
use hufu_wire::chain::InputsDigest;
use sha2::{Digest as _, Sha256};

use crate::facts::Facts;

/// SHA-256 of a rule file, byte for byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RulesDigest(pub [u8; 32]);

/// SHA-256 of the facts of a holder, in their one form: JSON without blanks, keys in the order of the document, instants in
/// UTC, what is not known left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FactsDigest(pub [u8; 32]);

impl RulesDigest {
    /// Of this file.
    pub fn of(file: &str) -> RulesDigest {
        RulesDigest(Sha256::digest(file.as_bytes()).into())
    }

    /// The number by which a change set names the rules: the first four bytes, high first. The digest itself is in the
    /// change set's inputs.
    pub fn rule_id(self) -> RuleId {
        let [a, b, c, d, ..] = self.0;
        RuleId(u32::from_be_bytes([a, b, c, d]))
    }
}

impl FactsDigest {
    /// Of these facts.
    ///
    /// # Panics
    /// Never: facts are numbers, text and lists of them.
    pub fn of(facts: &Facts) -> FactsDigest {
        let json = serde_json::to_vec(facts).expect("facts can be written as JSON");
        FactsDigest(Sha256::digest(json).into())
    }
}

/// What a change set says of its inputs: SHA-256 of the rules' digest and the digests of all facts by rising holder. Who has
/// the digests finds that nothing was exchanged; who has the facts too finds every colour again.
pub fn inputs(rules: RulesDigest, facts: impl IntoIterator<Item = FactsDigest>) -> InputsDigest {
    let mut digest = Sha256::new_with_prefix(b"hufu rules 1\n").chain_update(rules.0);
    facts.into_iter().for_each(|facts| digest.update(facts.0));
    InputsDigest(digest.finalize().into())
}

impl fmt::Display for RulesDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

impl fmt::Display for FactsDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

fn hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}
