//! What a registry and its callers have in common: the JSON of its HTTP API, the frames of a feed, and the trait of
//! what hands chains out.
//!
//! Ids are numbers, digests and keys are lower-case hex, instants are milliseconds since 1970 (`*_ms`). Requests
//! refuse members they do not know; answers may gain members, and a client passes over those it does not know.

mod abroad;
mod appeals;
mod chain;
mod credentials;
mod devices;
mod facts;
mod families;
mod frame;
mod health;
mod hex;
mod holders;
mod issuers;
mod phones;
mod problem;
mod proposals;
mod rosters;
mod scope;
mod sites;
mod source;
mod tokens;
mod trail;
mod trips;
mod views;
mod words;

pub use abroad::{CertifyAbroad, NotedAbroad, SaidAbroad};
pub use appeals::{
    Appeal, AppealChannel, AppealDecision, AppealFigures, AppealId, AppealPhase, AppealStep, AppealSubject,
    AppealTold, AppealWords, Appeals, DecideAppeal, NewAppeal,
};
pub use chain::Tip;
pub use credentials::{Credential, CredentialKind, Credentials, IssueCredential, Issued, Terms};
pub use devices::{Device, Devices, NewDevice};
pub use facts::{
    Fact, FactChange, FactChanges, FactTaken, FactsTaken, Grade, HolderFacts, NewFact, NewFacts, OpenFacts,
    OpenedFacts, Paper, PaperKind, Papers, RecordedFact, Risk, Sample,
};
pub use families::{
    Assurance, Assured, BindRelative, Binding, BindingId, BindingState, Bindings, CommitmentText,
    Commitments, Consent, ConsentWay, EndBinding, IssueFamilyCode, Side,
};
pub use frame::{FRAME_HEADER_BYTES, FRAME_PAYLOAD_BYTES_MAX, Frame, FrameKind, Frames, NotAFrame};
pub use health::Health;
pub use hex::{Base64Url, Hex, HexDigits, NotHex, read_hex};
pub use holders::{
    Colour, CorrectHolder, CurrentStatus, CurrentStatuses, FindHolder, FoundHolder, FoundHolders, History,
    HistoryEntry, Holder, JoinHolder, LookAtHolders, LookUpHolders, NewHolder, NewHolders, PartHolder,
    Registered, RegisteredHolder, Rule, Rules, SoughtHolder, Status, TestResult,
};
pub use issuers::{Brake, Issuer, IssuerEdit, Issuers, SecondPhone};
pub use phones::{
    ActivatePhone, AskFamilyCode, AskStatus, Invitation, NewInvitation, NextTerms, NotAPhone,
    PHONE_CLOCK_MS_MAX, PHONE_HEADER, PHONE_KEY_BYTES, PHONE_SIGNATURE_HEADER, PHONE_TIME_HEADER, Phone,
    PhoneAbout, PhoneActivated, PhoneFamilyCode, PhoneIssuer, PhoneName, PhoneRelative, PhoneRenewed,
    PhoneRequest, PhoneStatus, PhoneTest, PhoneTrip, Phones, ProofLevel, RenewPhone,
};
pub use problem::{PROBLEM_TYPE_PREFIX, Problem};
pub use proposals::{BrakeReport, Confirmed, Proposal, ProposalId, ProposalPhase, Proposals};
pub use rosters::{Roster, RosterEdit, RosterGroup, RosterSummary, Rosters, SignRoster};
pub use scope::{Scope, Scopes};
pub use sites::{Site, SiteEdit, Sites};
pub use source::{ChainSource, SourceFault, StoredSet};
pub use tokens::{NewToken, Token, TokenId, TokenMade, Tokens};
pub use trail::{Trail, TrailEnd, TrailEntry};
pub use trips::{
    EndedTrip, EndedTrips, IssuedTrip, ListedTrip, PutTrip, PutTrips, PutTripsAnswer, TicketPhase, Trip,
    TripLine, TripOutcome,
};
pub use views::{ViewDay, ViewDays, ViewPlace, ViewPlaces, ViewTicket, WantSlips, WantTicket};
