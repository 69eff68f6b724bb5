//! What the registry needs of a database, noun by noun.
//!
//! A store keeps and is atomic; rules are the domain's. Every method is one transaction: all of it happens, durably,
//! or nothing. Methods that write take the [`Entry`](crate::trail::Entry) of the trail that goes with it in the
//! same transaction. Lists come in rising order of their key and are paged by the last key seen.
//!
//! Every method fails with [`Fault::Unavailable`] when the database does not answer and with [`Fault::Damaged`] when
//! what it answers cannot have been written by a store; other faults are named where they occur.

mod appeals;
mod chain;
mod checkpoints;
mod credentials;
mod devices;
mod facts;
mod families;
mod holders;
mod issuers;
mod phones;
mod proposals;
mod rosters;
mod row;
mod sealed;
mod sites;
mod tickets;
mod tokens;
mod trail;

use async_trait::async_trait;

use crate::fault::Fault;

pub use appeals::{AppealEdit, AppealFilter, AppealRecords, Appeals, DecideAppeal, SoughtAppeals};
pub use chain::{Chain, Statuses, read_tip};
pub use checkpoints::{Checkpoints, StoredCheckpoint};
pub use credentials::{
    CredentialEdit, CredentialRecords, Credentials, HeldPhone, Kept, NewCredential, Receiver,
    SoughtCredentials,
};
pub use devices::{DeviceChange, Devices};
pub use facts::Facts;
pub use families::{DecideFamily, FamilyBindings, FamilyEdit, FamilyRecords, FamilySought};
pub use holders::{Decide, Holders, RecordEdit, Records, Sought};
pub use issuers::{IssuerRow, Issuers};
pub use phones::{DecidePhones, PhoneEdit, PhoneRecords, Phones};
pub use proposals::{ProposalFilter, Proposals, read_instruction};
pub use rosters::Rosters;
pub use row::{Columns, FromColumns, at_most, big, damaged};
pub use sealed::{Resealed, SealedRows, SealedTable};
pub use sites::{Removed, Sites};
pub use tickets::{DecideTickets, SoughtTickets, TicketEdit, TicketRecords, Tickets};
pub use tokens::Tokens;
pub use trail::Trail;

/// A database of a registry.
#[async_trait]
pub trait Store:
    Issuers
    + Holders
    + SealedRows
    + Facts
    + Credentials
    + FamilyBindings
    + Sites
    + Devices
    + Rosters
    + Tickets
    + Phones
    + Proposals
    + Appeals
    + Chain
    + Checkpoints
    + Tokens
    + Trail
    + core::fmt::Debug
    + Send
    + Sync
    + 'static
{
    /// What it is and where, for logs: no secret in it.
    fn name(&self) -> &str;

    /// Whether it answers now.
    ///
    /// # Errors
    /// [`Fault::Unavailable`].
    async fn ready(&self) -> Result<(), Fault>;

    /// Ends it: what was committed is on the disk, and nothing may be asked afterwards.
    async fn close(&self);
}
