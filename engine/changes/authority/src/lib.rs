//! What the authorities of a chain do (R21), as a library.
//!
//! * [`Remote`]: the registry, asked one request after the other;
//! * [`Signer`]: an authority's key, in this process or with an [`Agent`];
//! * [`Proposer`]: the local authority signs instructions and hands them in;
//! * [`Confirmer`]: the national platform gives them their places in the chain, and releases what the brake holds;
//! * [`Chain`] and [`Ledger`]: a chain followed set by set to its end, believing signatures and nobody else;
//! * [`RuledProposer`] and [`RuledConfirmer`]: both halves by themselves, for colours that follow from recorded facts (R28);
//! * [`undone`]: what a set did, so that another one undoes it;
//! * [`Checkpoint`]: both authorities vouch for a whole table;
//! * [`audit`]: a chain recomputed from its first set, and everybody who claims to follow it compared.
//!
//! Nothing here prints or asks. What a person must see before a signature is a value that the caller holds between
//! two calls: a [`Content`](hufu_wire::chain::Content), a [`BrakeReport`](hufu_contract::BrakeReport), a checkpoint.

pub mod audit;
mod chain;
mod checkpoint;
mod clocks;
mod confirm;
pub mod figures;
mod ledger;
mod propose;
mod remote;
mod ruled;
mod signer;
mod undo;

pub use chain::{Chain, Dated};
pub use checkpoint::Checkpoint;
pub use clocks::{Clocks, span};
pub use confirm::{Confirmer, Outcome, SignedSet, place};
pub use ledger::{Ledger, LedgerFolder, Words};
pub use propose::{Justification, Proposer, chain_end, digest_of};
pub use remote::{Remote, marked};
pub use ruled::{
    Archive, Computed, Handled, Limit, Limiter, Limits, NotInForce, Rulebook, RuledConfirmer, RuledProposer,
    Tick, Workings, opened,
};
pub use signer::{Agent, Signer, read_key};
pub use undo::{Undone, undone};
