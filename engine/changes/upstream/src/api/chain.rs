//! An issuer's chain, read piece by piece, and what both authorities say of it. What an engine follows is
//! [`HttpFeed`](crate::HttpFeed).

use std::path::Path;
use std::str::FromStr;

use bytes::Bytes;
use hufu_contract::{FrameKind, Frames};
use hufu_contract::{Hex, Tip};
use hufu_table::SnapshotDigest;
use hufu_wire::{HolderIndex, IssuerId, Sequence, StatusWord};
use reqwest::header::HeaderMap;

use crate::api::Api;
use crate::fault::ApiFault;

/// Bytes of a holder with a status word, little-endian both.
const STATUS_BYTES: usize = 12;

impl Api {
    /// Where the chain ends.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn tip(&self, issuer: IssuerId) -> Result<Tip, ApiFault> {
        self.json(self.get(&[&"issuers", &issuer, &"tip"])).await
    }

    /// A head of this moment, its bytes.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn head(&self, issuer: IssuerId) -> Result<Bytes, ApiFault> {
        self.octets(self.get(&[&"issuers", &issuer, &"head"])).await
    }

    /// One change set, its bytes.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn set(&self, issuer: IssuerId, sequence: Sequence) -> Result<Bytes, ApiFault> {
        self.octets(self.get(&[&"issuers", &issuer, &"sets", &sequence])).await
    }

    /// The change sets after `after`, in order: as many as fit `bytes_max`, but one if there is any.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn sets(
        &self,
        issuer: IssuerId,
        after: Sequence,
        bytes_max: u32,
    ) -> Result<Vec<Bytes>, ApiFault> {
        let call = self.get(&[&"issuers", &issuer, &"sets"]);
        let answer = self.octets(call.query("after", after).query("bytes_max", bytes_max)).await?;
        let mut frames = Frames::default();
        frames.push(&answer);
        let mut sets = Vec::new();
        while let Some(frame) = frames.next().map_err(|fault| self.garbled(fault.to_string()))? {
            if frame.kind != FrameKind::ChangeSet {
                return Err(self.garbled(format!("a frame of kind {} among sets", frame.kind as u8)));
            }
            sets.push(frame.payload);
        }
        if frames.is_partial() {
            return Err(self.garbled("the last set is cut off".to_owned()));
        }
        Ok(sets)
    }

    /// The newest checkpoint, its bytes, if there is any.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn checkpoint(&self, issuer: IssuerId) -> Result<Option<Bytes>, ApiFault> {
        match self.octets(self.get(&[&"issuers", &issuer, &"checkpoint"])).await {
            Ok(checkpoint) => Ok(Some(checkpoint)),
            Err(fault) if fault.problem().is_some_and(|problem| problem.status == 404) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Hands in a checkpoint, its bytes.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn put_checkpoint(
        &self,
        issuer: IssuerId,
        checkpoint: impl Into<Bytes>,
    ) -> Result<(), ApiFault> {
        self.done(self.put(&[&"issuers", &issuer, &"checkpoint"]).with_octets(checkpoint)).await
    }

    /// Hands in the snapshot file at `path` that a checkpoint will name.
    ///
    /// # Errors
    /// [`ApiFault`]; [`Misconfigured`](ApiFault::Misconfigured) when the file cannot be read.
    pub async fn put_snapshot(
        &self,
        issuer: IssuerId,
        snapshot: SnapshotDigest,
        path: &Path,
    ) -> Result<(), ApiFault> {
        let call = self.put(&[&"issuers", &issuer, &"snapshots", &snapshot]);
        self.done(call.with_file(path.to_path_buf())?).await
    }

    /// At most `limit` of the registry's own words, 65,536 at most, by rising holder, from `from` on. For audits: an
    /// engine believes none of them.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn statuses(
        &self,
        issuer: IssuerId,
        from: HolderIndex,
        limit: u32,
    ) -> Result<Statuses, ApiFault> {
        let call = self.get(&[&"issuers", &issuer, &"statuses"]);
        let (headers, answer) = self.answer(call.query("from", from).query("limit", limit)).await?;
        let (words, rest) = answer.as_chunks::<STATUS_BYTES>();
        if !rest.is_empty() {
            return Err(self.garbled("the last status is cut off".to_owned()));
        }
        let sequence = self.header(&headers, "hufu-tip-sequence").map(Sequence)?;
        let digest = self.header(&headers, "hufu-tip-digest")?;
        Ok(Statuses { sequence, digest, words: words.iter().map(status).collect() })
    }

    fn header<T: FromStr>(&self, headers: &HeaderMap, name: &str) -> Result<T, ApiFault> {
        let value = headers.get(name).and_then(|value| value.to_str().ok()?.parse().ok());
        value.ok_or_else(|| self.garbled(format!("no {name} that can be read")))
    }
}

/// A page of the registry's own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statuses {
    /// The set up to which they take changes into account. Pages of one audit should all have the same.
    pub sequence: Sequence,
    /// Its chain digest.
    pub digest: Hex<32>,
    /// Holders of whom something is known, rising. The next page begins after the last one; an empty page is the
    /// last.
    pub words: Vec<(HolderIndex, StatusWord)>,
}

fn status(&[a, b, c, d, ref word @ ..]: &[u8; STATUS_BYTES]) -> (HolderIndex, StatusWord) {
    (HolderIndex(u32::from_le_bytes([a, b, c, d])), StatusWord::from_bits(u64::from_le_bytes(*word)))
}
