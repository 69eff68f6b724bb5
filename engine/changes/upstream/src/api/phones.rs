//! Phones of holders, as clerks invite, list and end them.

use hufu_contract::{Invitation, NewInvitation, Phone, Phones};
use hufu_wire::{HolderIndex, IssuerId};

use crate::api::Api;
use crate::fault::ApiFault;

impl Api {
    /// Invites a holder's phone. It is not sent twice: the first number would end unseen.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn invite_phone(
        &self,
        issuer: IssuerId,
        holder: HolderIndex,
        wanted: &NewInvitation,
    ) -> Result<Invitation, ApiFault> {
        let call = self.post(&[&"issuers", &issuer, &"holders", &holder, &"invitations"]);
        self.json(call.with_json(wanted)).await
    }

    /// Every phone of a holder, those that were ended too.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn phones(&self, issuer: IssuerId, holder: HolderIndex) -> Result<Phones, ApiFault> {
        self.json(self.get(&[&"issuers", &issuer, &"holders", &holder, &"phones"])).await
    }

    /// Ends a phone. One that was ended stays as it is.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn end_phone(
        &self,
        issuer: IssuerId,
        holder: HolderIndex,
        phone: u32,
    ) -> Result<Phone, ApiFault> {
        self.json(self.delete(&[&"issuers", &issuer, &"holders", &holder, &"phones", &phone])).await
    }
}
