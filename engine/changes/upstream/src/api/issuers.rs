//! The registry itself, and its issuers.

use hufu_contract::{Health, Issuer, IssuerEdit, Issuers};
use hufu_wire::IssuerId;

use crate::api::Api;
use crate::fault::ApiFault;

impl Api {
    /// Whether the registry and its store answer. Needs no token.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn health(&self) -> Result<Health, ApiFault> {
        self.json(self.get(&[&"health"])).await
    }

    /// The issuers that the token may see.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn issuers(&self) -> Result<Issuers, ApiFault> {
        self.json(self.get(&[&"issuers"])).await
    }

    /// Adds an issuer or changes it.
    ///
    /// # Errors
    /// [`ApiFault`].
    pub async fn put_issuer(&self, issuer: IssuerId, edit: &IssuerEdit) -> Result<Issuer, ApiFault> {
        self.json(self.put(&[&"issuers", &issuer]).with_json(edit)).await
    }
}
