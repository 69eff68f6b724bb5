//! Issued credentials in the store.

use async_trait::async_trait;
use hufu_wire::{CodeKind, HolderIndex, IssuerId, KeyId, UnixSeconds};

use super::row::{Columns, FromColumns, damaged};
use crate::credential::{IssuedCredential, ListedCredential, OtherPhones};
use crate::fault::Fault;
use crate::trail::Entry;

/// What was issued.
#[async_trait]
pub trait Credentials {
    /// Writes down a credential; one of the same digest is written down once. Answers which other phone credentials go on
    /// beside it ([`IssuedCredential::others_from`]); with `only_phone` nothing is written when there are any.
    ///
    /// # Errors
    /// [`Fault::NotFound`] without such a holder.
    async fn add_credential(
        &self,
        credential: &IssuedCredential,
        only_phone: bool,
        entry: &Entry,
    ) -> Result<OtherPhones, Fault>;

    /// A holder's credentials whose number is above `after`, in the order in which they were issued, at most
    /// `limit`.
    async fn credentials(
        &self,
        issuer: IssuerId,
        holder: HolderIndex,
        after: u64,
        limit: u32,
    ) -> Result<Vec<ListedCredential>, Fault>;
}

impl FromColumns for ListedCredential {
    fn read(row: &impl Columns) -> Result<ListedCredential, Fault> {
        let kind: u8 = row.number("kind")?;
        let credential = IssuedCredential {
            issuer: IssuerId(row.number("issuer")?),
            holder: HolderIndex::read(row)?,
            kind: CodeKind::from_byte(kind).ok_or_else(|| damaged("kind", kind))?,
            generation: row.number("generation")?,
            issued: UnixSeconds(row.number("issued_s")?),
            expires: UnixSeconds(row.number("expires_s")?),
            key: KeyId(row.array("key")?),
            digest: row.array("digest")?,
        };
        Ok(ListedCredential { number: row.number("number")?, credential })
    }
}

impl FromColumns for OtherPhones {
    fn read(row: &impl Columns) -> Result<OtherPhones, Fault> {
        Ok(OtherPhones {
            others: row.number("others")?,
            until: row.number_or_none("until")?.map(UnixSeconds),
        })
    }
}
