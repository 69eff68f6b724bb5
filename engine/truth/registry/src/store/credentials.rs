//! Issued credentials in the store.

use async_trait::async_trait;
use hufu_wire::{HolderIndex, IssuerId};

use crate::credential::{IssuedCredential, ListedCredential, Phones};
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
    ) -> Result<Phones, Fault>;

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
