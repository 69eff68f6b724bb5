//! The chain of an issuer's changes: who signs what, and what is believed of it (R21, R22).
//!
//! The layouts are `hufu_wire::chain`; `docs/SYNC.md` has every byte and every rule. A local authority
//! [`instruct`](AuthoritySigner::instruct)s, the national platform
//! [`confirm`](AuthoritySigner::confirm)s, and whoever follows the chain turns bytes into proof:
//!
//! * [`Unconfirmed`] change sets become [`Confirmed`] with both keys, each of its own authority;
//! * [`open_checkpoint`] does the same for the word on a whole table;
//! * [`open_head`] needs the publisher's key alone, and makes a [`Verified`](crate::Verified) head, which can
//!   change nothing.
//!
//! Where a proven change set belongs is told by a [`Tip`]. Nothing here allocates but the signing side.

mod authorities;
mod checkpoint;
mod digest;
mod fault;
mod head;
mod instruction;
mod release;
mod role;
mod set;
mod sign;
mod tip;
mod unsignable;
mod unsigned;

pub use authorities::{Authorities, SameAuthority};
pub use checkpoint::open_checkpoint;
pub use digest::{chain_digest, content_digest};
pub use fault::{ChainFault, ChainFaultKind};
pub use head::open_head;
pub use instruction::open_instruction;
pub use release::open_release;
pub use role::Role;
pub use set::{Confirmed, Unconfirmed};
pub use sign::AuthoritySigner;
pub use tip::{Place, Tip};
pub use unsignable::Unsignable;
pub use unsigned::{AuthorityKey, Unsigned};

/// What a local authority signs begins with this.
const INSTRUCTION: &[u8] = b"hufu/1 instruction";
/// What the national platform signs begins with this.
const CONFIRMATION: &[u8] = b"hufu/1 confirmation";
/// What a publisher signs begins with this.
const HEAD: &[u8] = b"hufu/1 head";
/// A local authority's word for a checkpoint begins with this.
const CHECKPOINT_INSTRUCTION: &[u8] = b"hufu/1 checkpoint instruction";
/// The national platform's word for a checkpoint begins with this.
const CHECKPOINT_CONFIRMATION: &[u8] = b"hufu/1 checkpoint confirmation";
/// The national platform's second word for a change that sets very many holders back begins with this.
const RELEASE: &[u8] = b"hufu/1 bulk release";
