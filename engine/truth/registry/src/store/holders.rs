//! Holders in the store.

use async_trait::async_trait;
use hufu_wire::{HolderIndex, IssuerId, StatusWord, UnixMillis};

use super::row::{Columns, FromColumns, damaged};
use crate::fault::Fault;
use crate::holder::{Registered, StoredHolder, Subject};
use crate::trail::Entry;

/// Seals the fields of the `nth` person of a list for the index that the store gave: the seal names its place.
pub type Seal<'s> = dyn Fn(usize, HolderIndex) -> Result<Vec<u8>, Fault> + Send + Sync + 's;

/// A holder whose fields were sealed with another key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resealed {
    /// Whose.
    pub index: HolderIndex,
    /// The sealed bytes as they were read.
    pub was: Vec<u8>,
    /// The sealed bytes as they are to be.
    pub sealed: Vec<u8>,
}

/// Who is registered.
#[async_trait]
pub trait Holders {
    /// Registers the subjects that are not here yet, in their order, with the next indices of the issuer, from 0
    /// and without gaps; answers for each subject. A subject that is twice among them is registered once.
    ///
    /// # Errors
    /// [`Fault::NotFound`] without such an issuer, [`Fault::Full`] after the last index, and those of `seal`.
    async fn add_holders(
        &self,
        issuer: IssuerId,
        subjects: &[Subject],
        seal: &Seal<'_>,
        now: UnixMillis,
        entry: &Entry,
    ) -> Result<Vec<Registered>, Fault>;

    /// One holder.
    async fn holder(&self, issuer: IssuerId, index: HolderIndex) -> Result<Option<StoredHolder>, Fault>;

    /// The index of a subject.
    async fn find_holder(&self, issuer: IssuerId, subject: Subject) -> Result<Option<HolderIndex>, Fault>;

    /// Holders after `after`, by rising index, at most `limit`.
    async fn holders(
        &self,
        issuer: IssuerId,
        after: Option<HolderIndex>,
        limit: u32,
    ) -> Result<Vec<StoredHolder>, Fault>;

    /// Replaces sealed fields that are still as they were read; answers how many it replaced.
    async fn reseal(&self, issuer: IssuerId, holders: &[Resealed], entry: &Entry) -> Result<u64, Fault>;

    /// The status word that the chain gives a holder, registered or not; [`StatusWord::UNKNOWN`] when it names
    /// them nowhere.
    async fn status(&self, issuer: IssuerId, index: HolderIndex) -> Result<StatusWord, Fault>;
}

impl FromColumns for StoredHolder {
    fn read(row: &impl Columns) -> Result<StoredHolder, Fault> {
        Ok(StoredHolder {
            index: HolderIndex::read(row)?,
            subject: Subject(row.array("subject")?),
            sealed: row.bytes("sealed")?,
            registered: row.time("registered")?,
        })
    }
}

impl FromColumns for HolderIndex {
    fn read(row: &impl Columns) -> Result<HolderIndex, Fault> {
        row.number("holder").map(HolderIndex)
    }
}

/// A word has all 64 bits; its column is the integer with the same ones.
impl FromColumns for StatusWord {
    fn read(row: &impl Columns) -> Result<StatusWord, Fault> {
        let bits = row.integer("word")?.ok_or_else(|| damaged("word", "nothing"))?;
        Ok(StatusWord::from_bits(bits.cast_unsigned()))
    }
}
