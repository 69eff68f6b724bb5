//! Issuers in the store.

use async_trait::async_trait;
use hufu_codes::chain::Tip;
use hufu_contract::SecondPhone;
use hufu_wire::IssuerId;

use super::row::{Columns, FromColumns};
use crate::brake::Brake;
use crate::fault::Fault;
use crate::issuer::Issuer;
use crate::trail::Entry;

/// What the issuer's row says beside the issuer, read under the lock that everything of an issuer is written under.
#[derive(Clone, Copy, Debug)]
pub struct IssuerRow {
    /// The brake.
    pub brake: Brake,
    /// The index of the holder to be registered next: as many are registered.
    pub next_holder: u64,
    /// The number of the next proposal.
    pub next_proposal: u64,
    /// Holders whose colour is known.
    pub known: u64,
    /// Where the chain ends.
    pub tip: Tip,
}

/// Whose chains there are.
#[async_trait]
pub trait Issuers {
    /// Every issuer, by rising id.
    async fn issuers(&self) -> Result<Vec<Issuer>, Fault>;

    /// One of them.
    async fn issuer(&self, issuer: IssuerId) -> Result<Option<Issuer>, Fault>;

    /// Adds an issuer with an empty chain and no holders, or changes the name, the publisher, the brake and the
    /// second-phone setting of one that is here.
    ///
    /// # Errors
    /// [`Fault::Conflict`] when it is here with another national platform.
    async fn put_issuer(&self, issuer: &Issuer, entry: &Entry) -> Result<(), Fault>;
}

impl FromColumns for Issuer {
    fn read(row: &impl Columns) -> Result<Issuer, Fault> {
        Ok(Issuer {
            id: IssuerId(row.number("id")?),
            name: row.text("name")?,
            national: IssuerId(row.number("national")?),
            publisher: IssuerId(row.number("publisher")?),
            brake: Brake::read(row)?,
            second_phone: SecondPhone::read(row)?,
        })
    }
}

impl FromColumns for IssuerRow {
    fn read(row: &impl Columns) -> Result<IssuerRow, Fault> {
        Ok(IssuerRow {
            brake: Brake::read(row)?,
            next_holder: row.number("next_holder")?,
            next_proposal: row.number("next_proposal")?,
            known: row.number("known")?,
            tip: Tip::read(row)?,
        })
    }
}

impl FromColumns for Brake {
    fn read(row: &impl Columns) -> Result<Brake, Fault> {
        Ok(Brake {
            share_permille: row.number("share_permille")?,
            window_s: row.number("window_s")?,
            free: row.number("free")?,
        })
    }
}
