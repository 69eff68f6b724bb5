//! What travels over the HTTP API as JSON, for the server here and for whoever calls it.
//!
//! Ids are numbers, digests and keys are lower-case hex, instants are milliseconds since 1970 (`*_ms`). Requests
//! refuse members they do not know; answers may gain members, and a client passes over those it does not know.

mod chain;
mod credentials;
mod devices;
mod health;
mod hex;
mod holders;
mod issuers;
mod problem;
mod proposals;
mod rosters;
mod sites;
mod tokens;
mod trail;

pub use chain::Tip;
pub use credentials::{Credential, CredentialKind, Credentials, IssueCredential, Issued, Terms};
pub use devices::{Device, Devices, NewDevice};
pub use health::Health;
pub use hex::{Base64Url, Hex, NotHex};
pub use holders::{
    Colour, FindHolder, Holder, NewHolder, NewHolders, Registered, RegisteredHolder, Status, TestResult,
};
pub use issuers::{Brake, Issuer, IssuerEdit, Issuers, SecondPhone};
pub use problem::{PROBLEM_TYPE_PREFIX, Problem};
pub use proposals::{BrakeReport, Confirmed, Proposal, ProposalState, Proposals};
pub use rosters::{Roster, RosterEdit, RosterGroup, RosterSummary, Rosters, SignRoster};
pub use sites::{Site, SiteEdit, Sites};
pub use tokens::{NewToken, Scope, Token, TokenMade, Tokens};
pub use trail::{Trail, TrailEnd, TrailEntry};
