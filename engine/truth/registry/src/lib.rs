//! The source of truth: holders, credentials, sites, devices, rosters, proposals and the chain.
//!
//! [`Registry`] is the entry point: every method takes the [`Caller`] who asks and the time, checks what they may, applies
//! the rules of the domain and writes through a [`Store`](store::Store), which keeps and decides nothing. Personal
//! fields reach the store only sealed by the [`Vault`](vault::Vault). No authority's key is ever here: change sets
//! come with both signatures. `docs/REGISTRY.md` tells the whole of it.

mod brake;
mod caller;
pub mod chain;
mod credential;
mod device;
mod fault;
mod history;
mod holder;
mod id_number;
mod issuer;
mod moment;
mod name;
mod person;
mod proposal;
mod registry;
mod roster;
mod site;
mod state;
pub mod store;
mod ticket;
mod token;
mod trail;
pub mod vault;

pub use brake::{Alarm, Brake};
pub use caller::Caller;
pub use credential::{
    CredentialRequest, Issuance, IssuedCredential, ListedCredential, OtherPhones, RENEWAL_S, TERMS_S_MAX,
    Terms,
};
pub use device::Device;
pub use fault::Fault;
pub use history::{CurrentStatus, HistoryEntry};
pub use holder::{FoundHolder, HolderView, Lookup, Registered, StoredHolder, Subject};
pub use hufu_contract::{
    ChainSource, ProposalId, ProposalPhase, Scope, Scopes, SecondPhone, SourceFault, StoredSet, TicketPhase,
    TokenId, TripOutcome,
};
pub use id_number::{Document, IdFault, IdNumber, Seen};
pub use issuer::{Issuer, NAME_BYTES_MAX, check_name};
pub use moment::UnixMicros;
pub use person::{Person, display};
pub use proposal::{Proposal, ProposalFacts, ProposalState};
pub use registry::{Correction, Meant, Registry, Signers};
pub use roster::{Groups, Roster, RosterSummary};
pub use site::{POLICY_BYTES_MAX, Site, render};
pub use ticket::{
    EndedTrip, Reference, StoredTicket, TICKETS_MAX, TicketKey, TicketOrder, Traveller, TripIssuance,
    check_office, check_ticket,
};
pub use token::{NewToken, Token, TokenHash, TokenText};
pub use trail::{
    Action, Entry, TrailBreak, TrailCheck, TrailDigest, TrailEnd, TrailKey, TrailLine, TrailSeal,
};
