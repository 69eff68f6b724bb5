//! Issuers in the store.

use async_trait::async_trait;
use hufu_wire::IssuerId;

use crate::fault::Fault;
use crate::issuer::Issuer;
use crate::trail::Entry;

/// Whose chains there are.
#[async_trait]
pub trait Issuers {
    /// Every issuer, by rising id.
    async fn issuers(&self) -> Result<Vec<Issuer>, Fault>;

    /// One of them.
    async fn issuer(&self, issuer: IssuerId) -> Result<Option<Issuer>, Fault>;

    /// Adds an issuer with an empty chain and no holders, or changes the name, the publisher, the brake and the second-phone setting of one
    /// that is here.
    ///
    /// # Errors
    /// [`Fault::Conflict`] when it is here with another national platform.
    async fn put_issuer(&self, issuer: &Issuer, entry: &Entry) -> Result<(), Fault>;
}
