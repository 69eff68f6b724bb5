//! Chains in the store.

use async_trait::async_trait;
use hufu_codes::chain::Tip;
use hufu_contract::StoredSet;
use hufu_wire::chain::{ChainDigest, Proposed};
use hufu_wire::{HolderIndex, IssuerId, Sequence, StatusWord};
use tokio::sync::broadcast;

use super::row::{Columns, FromColumns};
use crate::chain::{Append, Appended, StoredRow, checked_tip};
use crate::fault::Fault;

/// A page of an issuer's statuses, and the chain's last set that is in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statuses {
    /// Where the chain ended when the page was read. When it differs from page to page, whoever applies the sets
    /// since the first page's has the words of the last: a change says what a word becomes.
    pub tip: Tip,
    /// Words that are not all zero, by rising index.
    pub words: Vec<(HolderIndex, StatusWord)>,
}

/// The sets of every issuer, and the words they made.
#[async_trait]
pub trait Chain {
    /// Appends a change set or says why not, in one transaction under the lock of the issuer's row, as
    /// [`crate::chain`] tells: place, proposal, words, brake; then words, set, tip, the proposal `confirmed`, open
    /// proposals that are not later `overtaken`, the line of the trail, commit, wake.
    ///
    /// A proposal is open to it when it is pending, braked or expired: whether the confirmation was in time is in
    /// the set's own signed times. The brake writes nothing but the proposal's state and a line of the trail.
    ///
    /// # Errors
    /// [`Fault::NotFound`] without such an issuer.
    async fn append(&self, append: &Append<'_>) -> Result<Appended, Fault>;

    /// Where a chain ends; [`Tip::START`] before its first set, `None` without such an issuer.
    async fn tip(&self, issuer: IssuerId) -> Result<Option<Tip>, Fault>;

    /// One set.
    async fn set(&self, issuer: IssuerId, sequence: Sequence) -> Result<Option<StoredSet>, Fault>;

    /// Sets after `after`, in order and without a gap, at least one if there is one, and no more than fit
    /// `bytes_max` beyond it.
    ///
    /// # Errors
    /// [`Fault::Damaged`] when one is missing.
    async fn sets(
        &self,
        issuer: IssuerId,
        after: Sequence,
        bytes_max: usize,
    ) -> Result<Vec<StoredSet>, Fault>;

    /// Words of holders from `from` on, at most `limit`; `None` without such an issuer.
    async fn statuses(
        &self,
        issuer: IssuerId,
        from: HolderIndex,
        limit: u32,
    ) -> Result<Option<Statuses>, Fault>;

    /// Says whose chain has grown, also by another process on the same database. Wakes may be lost.
    fn grown(&self) -> broadcast::Receiver<IssuerId>;
}

impl FromColumns for Tip {
    fn read(row: &impl Columns) -> Result<Tip, Fault> {
        Ok(Tip {
            sequence: Sequence(row.number("tip_sequence")?),
            digest: ChainDigest(row.array("tip_digest")?),
            proposed: Proposed::from_bits(row.number("tip_proposed")?),
            confirmed: row.time("tip_confirmed")?,
        })
    }
}

impl FromColumns for StoredRow {
    fn read(row: &impl Columns) -> Result<StoredRow, Fault> {
        Ok(StoredRow {
            sequence: Sequence(row.number("sequence")?),
            digest: ChainDigest(row.array("digest")?),
            bytes: row.bytes("bytes")?,
        })
    }
}

/// Where a chain ends, from a row of the issuer with the digest of the chain's last set as `last_digest`.
///
/// # Errors
/// [`Fault::Damaged`], also when the two differ.
pub fn read_tip(issuer: IssuerId, row: &impl Columns) -> Result<Tip, Fault> {
    checked_tip(issuer, Tip::read(row)?, row.array_or_none("last_digest")?.map(ChainDigest))
}
