//! Token Status Lists of the IETF OAuth working group: an issuer's colours written for others, and those of others
//! read (R64).
//!
//! | module | what it is |
//! | --- | --- |
//! | [`StatusList`] | values of 1, 2, 4 or 8 bits, packed, deflated and inflated within bounds |
//! | [`Token`] | a list with its claims, signed, as JWT or CWT: [`write()`], [`read`], and [`look`] for people |
//! | [`Signer`], [`Keys`] | who signs it, and whose signatures count |
//! | [`colours`] | from status words to values and back, through [`hufu_table::Writer`] |
//! | [`Follower`] | a foreign issuer's lists, verified, never older than before, written into the table |
//! | [`Publisher`] | which of an issuer's lists must be written again, and when |
//!
//! `docs/STATUS-LISTS.md` says how they are published and followed, `docs/decisions/0044-status-lists.md` why so.

pub mod colours;
mod cwt;
mod fault;
mod follower;
mod json;
mod jwt;
mod keys;
mod list;
mod publisher;
mod shards;
mod signer;
mod token;

pub use fault::Fault;
pub use follower::{Follower, Taken};
pub use keys::{Keys, PublicKey};
pub use list::{Bits, INFLATED_BYTES_MAX, StatusList};
pub use publisher::{Published, Publisher, Terms};
pub use shards::Shards;
pub use signer::Signer;
pub use token::{Claims, Expected, Format, TOKEN_BYTES_MAX, TTL_S_MAX, Token, look, read, write};

/// The text that this crate follows, and the only place that names its revision. What comes after it may move the
/// numbers of claims 65533 and 65534, which are requested and not assigned in it.
pub const DRAFT: &str = "draft-ietf-oauth-status-list-20";
