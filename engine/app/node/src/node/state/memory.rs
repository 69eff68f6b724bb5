//! What fits a small file, and whether that file is whole: `memory.json`.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};
use aws_lc_rs::digest;
use hufu_wire::{IssuerId, Sequence};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What an engine remembers beside its keyring.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Memory {
    /// The last sequence applied of each issuer.
    pub(super) sequences: BTreeMap<u32, u64>,
    /// What the statuses at that sequence were: a digest, hexadecimal.
    #[serde(default)]
    pub(super) contents: BTreeMap<u32, String>,
    /// The highest revoked generation of each device.
    pub(super) revoked: BTreeMap<u32, u32>,
    /// The highest number of each authority's revocation lists.
    #[serde(default)]
    pub(super) lists: BTreeMap<String, u64>,
    /// The operator's public key under which the keyring was kept: its scheme, a colon and hexadecimal digits.
    #[serde(default)]
    pub(super) operator: Option<String>,
}

/// The key beside those of [`Memory`]: SHA-256 over all of them, as JSON without spaces.
const DIGEST: &str = "digest";

impl Memory {
    /// The last sequence applied of an issuer, 0 for none.
    pub(super) fn sequence(&self, issuer: IssuerId) -> Sequence {
        Sequence(self.sequences.get(&issuer.0).copied().unwrap_or(0))
    }

    /// What [`to_bytes`](Self::to_bytes) wrote. A file from before there were digests has none.
    ///
    /// # Errors
    /// The file is not what was written.
    pub(super) fn from_bytes(bytes: &[u8]) -> anyhow::Result<Memory> {
        let mut value: Value = serde_json::from_slice(bytes)?;
        let object = value.as_object_mut().context("it is no object")?;
        if let Some(stored) = object.remove(DIGEST) {
            ensure!(stored == digest_of(&value)?, "its digest differs");
        }
        Ok(serde_json::from_value(value)?)
    }

    /// The file.
    pub(super) fn to_bytes(&self) -> anyhow::Result<Vec<u8>> {
        let mut value = serde_json::to_value(self)?;
        value[DIGEST] = digest_of(&value)?.into();
        Ok(serde_json::to_vec_pretty(&value)?)
    }
}

fn digest_of(value: &Value) -> anyhow::Result<String> {
    Ok(hex::encode(digest::digest(&digest::SHA256, &serde_json::to_vec(value)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_memory_comes_back_whole_or_not_at_all() {
        let memory = Memory {
            sequences: BTreeMap::from([(310_000, 9), (7, 1)]),
            contents: BTreeMap::from([(7, "00ff".to_owned())]),
            revoked: BTreeMap::from([(7, 2)]),
            lists: BTreeMap::from([("CN=Root".to_owned(), 3)]),
            operator: Some("aa".to_owned()),
        };
        let text = String::from_utf8(memory.to_bytes().unwrap()).unwrap();
        assert_eq!(Memory::from_bytes(text.as_bytes()).unwrap(), memory);
        for (from, to) in [("\"7\": 2", "\"7\": 1"), ("\"310000\": 9", "\"310000\": 8"), ("00ff", "00fe")] {
            assert!(text.contains(from), "{text}");
            let error = Memory::from_bytes(text.replace(from, to).as_bytes()).unwrap_err();
            assert!(error.to_string().contains("digest"), "{error}");
        }
        assert!(Memory::from_bytes(&text.as_bytes()[..text.len() / 2]).is_err());
    }

    #[test]
    fn a_memory_from_before_digests_is_read() {
        let memory = Memory::from_bytes(br#"{"sequences":{"7":9},"revoked":{}}"#).unwrap();
        assert_eq!(memory, Memory { sequences: BTreeMap::from([(7, 9)]), ..Memory::default() });
    }
}
