//! Bindings in the store.

use async_trait::async_trait;
use hufu_contract::{BindingId, Side};
use hufu_wire::{HolderIndex, IssuerId, UnixMillis};

use super::row::{Columns, FromColumns, damaged};
use crate::family::StoredBinding;
use crate::fault::Fault;
use crate::holder::StoredHolder;
use crate::trail::Entry;

/// Which bindings are read before one is written.
#[derive(Clone, Copy, Debug, Default)]
pub struct FamilySought<'s> {
    /// Those of these holders, on either side, with the records of these holders.
    pub holders: &'s [HolderIndex],
    /// This one.
    pub binding: Option<BindingId>,
}

/// What was read, under the lock that everything of an issuer is written under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FamilyRecords {
    /// The next number of the issuer.
    pub next: BindingId,
    /// The records of the holders.
    pub holders: Vec<StoredHolder>,
    /// The bindings, each once, by rising number.
    pub bindings: Vec<StoredBinding>,
}

/// What is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FamilyEdit {
    /// The binding that the request is about, new or not.
    pub id: BindingId,
    /// A new binding; its number is the next one.
    pub new: Option<StoredBinding>,
    /// That the binding ends now.
    pub ended: Option<(UnixMillis, Side)>,
    /// What is added to the line of the trail.
    pub note: String,
}

/// Says what is to be written, knowing what there is. It may be asked more than once.
pub type DecideFamily<'d> = dyn Fn(&FamilyRecords) -> Result<FamilyEdit, Fault> + Send + Sync + 'd;

/// Who is bound to which user.
#[async_trait]
pub trait FamilyBindings {
    /// Reads bindings, asks `decide`, and writes what it says, with the line of the trail; answers with the number that
    /// `decide` gave.
    ///
    /// # Errors
    /// [`Fault::NotFound`] without such an issuer, and those of `decide`: then nothing is written.
    async fn edit_families(
        &self,
        issuer: IssuerId,
        sought: &FamilySought<'_>,
        decide: &DecideFamily<'_>,
        entry: &Entry,
    ) -> Result<BindingId, Fault>;

    /// One binding.
    async fn binding(&self, issuer: IssuerId, id: BindingId) -> Result<Option<StoredBinding>, Fault>;

    /// Bindings of which a holder, or a record that was joined into it, is this side, after `after`, by rising number, at
    /// most `limit`.
    async fn bindings_of(
        &self,
        issuer: IssuerId,
        (side, holder): (Side, HolderIndex),
        after: BindingId,
        limit: u32,
    ) -> Result<Vec<StoredBinding>, Fault>;

    /// All bindings after `after`, by rising number, at most `limit`.
    async fn bindings(
        &self,
        issuer: IssuerId,
        after: BindingId,
        limit: u32,
    ) -> Result<Vec<StoredBinding>, Fault>;
}

impl FamilyEdit {
    /// The line of the trail with the note.
    pub fn line(&self, entry: &Entry) -> Entry {
        Entry { what: format!("{}{}", entry.what, self.note), ..entry.clone() }
    }
}

impl FromColumns for StoredBinding {
    fn read(row: &impl Columns) -> Result<StoredBinding, Fault> {
        let holder = |column| row.number(column).map(HolderIndex);
        let ended = match row.number_or_none("ended")? {
            Some(at) => Some((UnixMillis(at), row.word("ended_by", Side::from_slug)?)),
            None => None,
        };
        Ok(StoredBinding {
            id: BindingId::read(row)?,
            user: holder("applicant")?,
            relative: holder("relative")?,
            user_place: holder("applicant_place")?,
            relative_place: holder("relative_place")?,
            made: row.time("made")?,
            until: row.number_or_none("until_ms")?.map(UnixMillis),
            ended,
            sealed: row.bytes("sealed")?,
        })
    }
}

impl FromColumns for BindingId {
    fn read(row: &impl Columns) -> Result<BindingId, Fault> {
        let id = row.number("id")?;
        if id == 0 { Err(damaged("id", id)) } else { Ok(BindingId(id)) }
    }
}
