//! Holders in the store.

use async_trait::async_trait;
use hufu_wire::{HolderIndex, IssuerId, StatusWord};

use super::row::{Columns, FromColumns, damaged};
use crate::fact::NewFact;
use crate::fault::Fault;
use crate::holder::{Lookup, Registered, StoredHolder, Subject};
use crate::trail::Entry;

/// Which records are read before some are written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sought<'s> {
    /// Those that may be found by these numbers.
    pub numbers: &'s [Lookup],
    /// Those with these indices, and those that were joined into them.
    pub holders: &'s [HolderIndex],
}

/// What was read, under the lock that everything of an issuer is written under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Records {
    /// The next index of the issuer.
    pub next: u64,
    /// The records, each once, by rising index.
    pub holders: Vec<StoredHolder>,
    /// The words of those that were sought by index, as far as the chain gives them one, by rising index.
    pub words: Vec<(HolderIndex, StatusWord)>,
}

/// What is to be written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordEdit {
    /// New records, with the next indices, without a gap.
    pub new: Vec<StoredHolder>,
    /// Records that change; their index and time stay.
    pub changed: Vec<StoredHolder>,
    /// Facts that have colours computed again, kept only where anything is recorded of one of their holders.
    pub again: Vec<NewFact>,
    /// Where the people of a request are.
    pub places: Vec<Registered>,
    /// What is added to the line of the trail.
    pub note: String,
}

/// Says what is to be written, knowing what there is. It may be asked more than once.
pub type Decide<'d> = dyn Fn(&Records) -> Result<RecordEdit, Fault> + Send + Sync + 'd;

/// Who is registered.
#[async_trait]
pub trait Holders {
    /// Reads records, asks `decide`, and writes what it says, with the line of the trail; answers with the places that
    /// `decide` gave.
    ///
    /// # Errors
    /// [`Fault::NotFound`] without such an issuer, and those of `decide`: then nothing is written.
    async fn edit_holders(
        &self,
        issuer: IssuerId,
        sought: &Sought<'_>,
        decide: &Decide<'_>,
        entry: &Entry,
    ) -> Result<Vec<Registered>, Fault>;

    /// One holder.
    async fn holder(&self, issuer: IssuerId, index: HolderIndex) -> Result<Option<StoredHolder>, Fault>;

    /// The records and the words of these holders, as far as there are any.
    async fn look(&self, issuer: IssuerId, holders: &[HolderIndex]) -> Result<Records, Fault>;

    /// Who may be found by an id number, by rising index.
    async fn find_holders(&self, issuer: IssuerId, lookup: &Lookup) -> Result<Vec<StoredHolder>, Fault>;

    /// Which of these holders were joined into others, by rising index.
    async fn joined_among(
        &self,
        issuer: IssuerId,
        holders: &[HolderIndex],
    ) -> Result<Vec<HolderIndex>, Fault>;

    /// Holders after `after`, by rising index, at most `limit`.
    async fn holders(
        &self,
        issuer: IssuerId,
        after: Option<HolderIndex>,
        limit: u32,
    ) -> Result<Vec<StoredHolder>, Fault>;

    /// The status word that the chain gives a holder, registered or not; [`StatusWord::UNKNOWN`] when it names
    /// them nowhere.
    async fn status(&self, issuer: IssuerId, index: HolderIndex) -> Result<StatusWord, Fault>;
}

impl Records {
    /// The record with this index.
    pub fn of(&self, index: HolderIndex) -> Option<&StoredHolder> {
        let at = self.holders.binary_search_by_key(&index, |holder| holder.index).ok()?;
        self.holders.get(at)
    }

    /// The word of a holder that was sought by index.
    pub fn word(&self, index: HolderIndex) -> StatusWord {
        let at = self.words.binary_search_by_key(&index, |(holder, _)| *holder);
        at.ok().and_then(|at| self.words.get(at)).map_or(StatusWord::UNKNOWN, |(_, word)| *word)
    }
}

impl RecordEdit {
    /// The line of the trail with the note.
    pub fn line(&self, entry: &Entry) -> Entry {
        Entry { what: format!("{}{}", entry.what, self.note), ..entry.clone() }
    }
}

impl FromColumns for StoredHolder {
    fn read(row: &impl Columns) -> Result<StoredHolder, Fault> {
        Ok(StoredHolder {
            index: HolderIndex::read(row)?,
            subject: Subject(row.array("subject")?),
            document: row.array_or_none("document")?.map(Subject),
            sealed: row.bytes("sealed")?,
            registered: row.time("registered")?,
            joined: row.number_or_none("joined")?.map(HolderIndex),
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
