//! Phones and invitations in the store.

use async_trait::async_trait;
use hufu_contract::{PhoneName, ProofLevel};
use hufu_wire::{HolderIndex, IssuerId, UnixMillis};

use super::row::{Columns, FromColumns};
use crate::fault::Fault;
use crate::holder::StoredHolder;
use crate::phone::{InvitationDigest, PhoneKey, StoredInvitation, StoredPhone};
use crate::trail::Entry;

/// What was read of one holder, under the lock of the holder's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhoneRecords {
    /// The holder.
    pub holder: StoredHolder,
    /// The holder's invitations, by rising digest.
    pub invitations: Vec<StoredInvitation>,
    /// The holder's phones, by rising number.
    pub phones: Vec<StoredPhone>,
}

/// What is to be written. Without a line of the trail nothing is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PhoneEdit {
    /// Invitations as they are to be, new ones and others.
    pub invitations: Vec<StoredInvitation>,
    /// Phones as they are to be, new ones and others.
    pub phones: Vec<StoredPhone>,
    /// Invitations of the holder that expired before this are forgotten.
    pub forget: Option<UnixMillis>,
    /// The line of the trail.
    pub line: Option<Entry>,
}

/// Says what is to be written, knowing what there is. It may be asked more than once; the last edit counts.
pub type DecidePhones<'d> = dyn Fn(&PhoneRecords) -> Result<PhoneEdit, Fault> + Send + Sync + 'd;

/// Phones of holders, and invitations.
#[async_trait]
pub trait Phones {
    /// Reads a holder's invitations and phones, asks `decide`, and writes what it says with its line of the trail.
    ///
    /// # Errors
    /// [`Fault::NotFound`] without such a holder, and those of `decide`: then nothing is written.
    async fn edit_phones(
        &self,
        issuer: IssuerId,
        holder: HolderIndex,
        decide: &DecidePhones<'_>,
    ) -> Result<(), Fault>;

    /// The invitation with this number, of any holder.
    async fn invitation(&self, number: InvitationDigest) -> Result<Option<StoredInvitation>, Fault>;

    /// The phones with these names, as far as there are any, in any order.
    async fn phones_named(&self, names: &[PhoneName]) -> Result<Vec<StoredPhone>, Fault>;

    /// Every phone of a holder, by rising number.
    async fn phones_of(&self, issuer: IssuerId, holder: HolderIndex) -> Result<Vec<StoredPhone>, Fault>;

    /// Writes down when phones got credentials, unless a later time stands there. The trail has a line for each
    /// credential already.
    async fn note_renewals(&self, renewed: &[(PhoneName, UnixMillis)]) -> Result<(), Fault>;
}

impl FromColumns for StoredInvitation {
    fn read(row: &impl Columns) -> Result<StoredInvitation, Fault> {
        let used = row.number_or_none("used")?.map(UnixMillis);
        Ok(StoredInvitation {
            number: InvitationDigest(row.array("number")?),
            issuer: IssuerId(row.number("issuer")?),
            holder: HolderIndex::read(row)?,
            level: row.word("level", ProofLevel::from_slug)?,
            made: row.time("made")?,
            expires: row.time("expires")?,
            ended: row.number_or_none("ended")?.map(UnixMillis),
            used: used.map(|at| Ok::<_, Fault>((at, row.number("phone")?))).transpose()?,
        })
    }
}

impl FromColumns for StoredPhone {
    fn read(row: &impl Columns) -> Result<StoredPhone, Fault> {
        Ok(StoredPhone {
            issuer: IssuerId(row.number("issuer")?),
            holder: HolderIndex::read(row)?,
            phone: row.number("phone")?,
            key: PhoneKey(row.array("key")?),
            level: row.word("level", ProofLevel::from_slug)?,
            made: row.time("made")?,
            renewed: row.number_or_none("renewed")?.map(UnixMillis),
            ended: row.number_or_none("ended")?.map(UnixMillis),
        })
    }
}
