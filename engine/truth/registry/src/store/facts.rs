//! Facts of holders and papers in the store.

use async_trait::async_trait;
use hufu_contract::PaperKind;
use hufu_wire::{HolderIndex, IssuerId, StatusWord, UnixMillis};

use super::row::{Columns, FromColumns};
use crate::fact::{FactRoom, NewFact, Standing, StoredFact, StoredPaper};
use crate::fault::Fault;
use crate::holder::Subject;
use crate::trail::Entry;

/// What is recorded of holders, sealed.
#[async_trait]
pub trait Facts {
    /// Keeps facts with the next numbers of the issuer, of each holder as many as have room beside what is kept;
    /// answers for each whether it was there already, and nothing for one that has no room ([`NewFact::sort`]). Nothing is
    /// written when no fact is new.
    ///
    /// # Errors
    /// [`Fault::NotFound`] without such an issuer.
    async fn add_facts(
        &self,
        issuer: IssuerId,
        facts: &[NewFact],
        entry: &Entry,
    ) -> Result<Vec<Option<bool>>, Fault>;

    /// Which of these digests are kept already, in their order.
    async fn known_facts(&self, issuer: IssuerId, digests: &[Subject]) -> Result<Vec<bool>, Fault>;

    /// Facts of these holders and of records that were joined into theirs, up to the number `until`, by rising number,
    /// without those that are forgotten by `now`.
    async fn facts_of(
        &self,
        issuer: IssuerId,
        holders: &[HolderIndex],
        until: u64,
        now: UnixMillis,
    ) -> Result<Vec<StoredFact>, Fault>;

    /// Facts with a number above `after`, by rising number, at most `limit`.
    async fn facts_after(&self, issuer: IssuerId, after: u64, limit: u32) -> Result<Vec<StoredFact>, Fault>;

    /// What the chain makes of these holders, by rising index; not of those it has not named.
    async fn standings(&self, issuer: IssuerId, holders: &[HolderIndex]) -> Result<Vec<Standing>, Fault>;

    /// Deletes what is forgotten by `now`; answers how many facts that were. Without any, nothing is written.
    async fn forget_facts(&self, issuer: IssuerId, now: UnixMillis, entry: &Entry) -> Result<u64, Fault>;

    /// Keeps a paper; answers with the one of its kind and name that is kept then. Nothing is written when there was one.
    ///
    /// # Errors
    /// [`Fault::NotFound`] without such an issuer.
    async fn put_paper(
        &self,
        issuer: IssuerId,
        paper: &StoredPaper,
        entry: &Entry,
    ) -> Result<StoredPaper, Fault>;

    /// One paper.
    async fn paper(
        &self,
        issuer: IssuerId,
        kind: PaperKind,
        name: &[u8; 32],
    ) -> Result<Option<StoredPaper>, Fault>;

    /// Names of papers with the time they came in, the newest first, at most `limit`.
    async fn papers(
        &self,
        issuer: IssuerId,
        kind: PaperKind,
        limit: u32,
    ) -> Result<Vec<([u8; 32], UnixMillis)>, Fault>;
}

impl FromColumns for StoredFact {
    fn read(row: &impl Columns) -> Result<StoredFact, Fault> {
        Ok(StoredFact {
            number: row.number("number")?,
            holder: HolderIndex::read(row)?,
            place: HolderIndex(row.number("place")?),
            digest: Subject(row.array("digest")?),
            sealed: row.bytes("sealed")?,
        })
    }
}

/// A holder with how much is kept of them.
impl FromColumns for (HolderIndex, FactRoom) {
    fn read(row: &impl Columns) -> Result<(HolderIndex, FactRoom), Fault> {
        let taken = FactRoom { facts: row.number("facts")?, bytes: row.number("bytes")? };
        Ok((HolderIndex::read(row)?, taken))
    }
}

impl FromColumns for Standing {
    fn read(row: &impl Columns) -> Result<Standing, Fault> {
        Ok(Standing {
            holder: HolderIndex::read(row)?,
            word: StatusWord::read(row)?,
            since: row.time("since")?,
        })
    }
}

impl FromColumns for StoredPaper {
    fn read(row: &impl Columns) -> Result<StoredPaper, Fault> {
        Ok(StoredPaper {
            kind: row.word("kind", PaperKind::from_slug)?,
            name: row.array("name")?,
            added: row.time("added")?,
            bytes: row.bytes("bytes")?,
        })
    }
}
