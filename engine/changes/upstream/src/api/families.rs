//! Relatives bound to users, and codes printed for them.

use hufu_contract::{
    BindRelative, Binding, BindingId, Bindings, Commitments, EndBinding, IssueFamilyCode, Issued, Side,
};
use hufu_wire::{HolderIndex, IssuerId};

use crate::api::Api;
use crate::fault::ApiFault;

impl Api {
    /// Binds a relative to a user. The same application again is the same binding.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn bind_relative(&self, issuer: IssuerId, wanted: &BindRelative) -> Result<Binding, ApiFault> {
        self.json(self.post(&[&"issuers", &issuer, &"families"]).with_json(wanted).repeatable()).await
    }

    /// At most `limit` of the bindings of which a holder is this side, after the binding `after`.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn bindings(
        &self,
        issuer: IssuerId,
        (side, holder): (Side, HolderIndex),
        after: u64,
        limit: u32,
    ) -> Result<Bindings, ApiFault> {
        let call = self.get(&[&"issuers", &issuer, &"families"]).query(side.slug(), holder);
        self.json(call.query("after", after).query("limit", limit)).await
    }

    /// One binding.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn binding(&self, issuer: IssuerId, id: BindingId) -> Result<Binding, ApiFault> {
        self.json(self.get(&[&"issuers", &issuer, &"families", &id])).await
    }

    /// Ends a binding from one of its sides.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn end_binding(&self, issuer: IssuerId, id: BindingId, by: Side) -> Result<Binding, ApiFault> {
        let call = self.post(&[&"issuers", &issuer, &"families", &id, &"end"]);
        self.json(call.with_json(&EndBinding { by }).repeatable()).await
    }

    /// Issues a family code. It is shown this once, so the call is not repeated when its answer is lost: another one is
    /// issued then.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn issue_family_code(
        &self,
        issuer: IssuerId,
        id: BindingId,
        wanted: IssueFamilyCode,
    ) -> Result<Issued, ApiFault> {
        self.json(self.post(&[&"issuers", &issuer, &"families", &id, &"codes"]).with_json(&wanted)).await
    }

    /// The texts of the commitment that a user signs for a child up to 6 years.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn commitments(&self, issuer: IssuerId) -> Result<Commitments, ApiFault> {
        self.json(self.get(&[&"issuers", &issuer, &"commitments"])).await
    }
}
