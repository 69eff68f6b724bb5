//! The source of truth: holders, credentials, sites, devices, rosters, proposals and the chain.
//!
//! [`Registry`] is the entry point: every method takes the [`Caller`] who asks and the time, checks what they may, applies
//! the rules of the domain and writes through a [`Store`](store::Store), which keeps and decides nothing. Personal
//! fields reach the store only sealed by the [`Vault`](vault::Vault). No authority's key is ever here: change sets
//! come with both signatures. `docs/REGISTRY.md` tells the whole of it.

mod appeal;
mod brake;
mod caller;
pub mod chain;
mod credential;
mod device;
mod fact;
mod family;
mod fault;
mod history;
mod holder;
mod id_number;
mod issuer;
mod moment;
mod name;
mod person;
mod phone;
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

pub use appeal::{
    APPEAL_CHARS_MAX, APPEAL_DUE_S, Appeal, AppealFigures, AppealRequest, AppealRuling, AppealSaid,
    AppealStep, AppealTold, CHECK_CHARS_MAX, NamedProposal, STEP_CHARS_MAX,
};
pub use brake::{Alarm, Brake, SetBack};
pub use caller::Caller;
pub use credential::{
    CredentialRequest, Issuance, IssuedCredential, ListedCredential, OtherPhones, RENEWAL_S, TERMS_S_MAX,
    Terms,
};
pub use device::Device;
pub use fact::{FactRoom, FactTaken, HolderFacts, NewFact, Standing, StoredFact, StoredPaper, VISIT_KEPT_MS};
pub use family::{
    ADULT_YEARS, Application, BindingView, COMMITMENT_YEARS_MAX, Commitment, ELDER_YEARS, ENDABLE_AFTER_MS,
    Evidence, FACE_BYTES, FACE_S_MAX, FaceStatement, Families, FamilyFault, KeptAssurance, RELATIVES_MAX,
    StoredBinding, USERS_MAX,
};
pub use fault::Fault;
pub use history::{CurrentStatus, HistoryEntry};
pub use holder::{FoundHolder, HolderView, Lookup, Registered, StoredHolder, Subject};
pub use hufu_contract::{
    AppealChannel, AppealDecision, AppealId, AppealPhase, AppealSubject, Assurance, Base64Url, BindingId,
    BindingState, ChainSource, Consent, ConsentWay, Hex, PaperKind, PhoneName, ProofLevel, ProposalId,
    ProposalPhase, Scope, Scopes, SecondPhone, Side, SourceFault, StoredSet, TicketPhase, TokenId,
    TripOutcome,
};
pub use id_number::{Document, IdFault, IdNumber, Seen};
pub use issuer::{Issuer, NAME_BYTES_MAX, check_name};
pub use moment::UnixMicros;
pub use person::{Person, display};
pub use phone::{
    Activated, INVITATION_KEPT_MS, INVITATION_S, INVITATION_S_MAX, InvitationDigest, InvitationNumber,
    Invited, KnownPhone, OwnStatus, PhoneFault, PhoneKey, Renewal, RenewalTime, StoredInvitation,
    StoredPhone,
};
pub use proposal::{Proposal, ProposalFacts, ProposalState};
pub use registry::{
    Correction, Crowded, FACTS_MAX, IssuingRoom, Meant, Of, PAPER_BYTES_MAX, Registry, Signers,
};
pub use roster::{Groups, Roster, RosterSummary};
pub use site::{POLICY_BYTES_MAX, Site, render};
pub use ticket::{
    EndedTrip, Reference, StoredTicket, TICKETS_MAX, TicketKey, TicketOrder, Traveller, TripIssuance,
    check_office, check_ticket,
};
pub use token::{NewToken, Token, TokenHash, TokenText};
pub use trail::{
    Action, Entry, PHONES, STRANGERS, TrailBreak, TrailCheck, TrailDigest, TrailEnd, TrailKey, TrailLine,
    TrailSeal,
};
