//! Certificates from abroad in the format of the EU Digital COVID Certificate (HC1): read, verified and issued (R63).
//!
//! What a site asks of one is `hufu-policy`'s; [`Verifier`] gives it the facts, behind [`hufu_check::Foreign`]. The walk
//! of a text that was not seen before:
//!
//! 1. [`text`]: base45, then a bounded inflation;
//! 2. [`cose`]: the envelope, its algorithm and its key id, believed in nothing;
//! 3. [`signers`]: every key with that id is tried, and only as the algorithm that the key is of;
//! 4. [`claims`]: what the verified payload says;
//! 5. [`revoked`]: whether it was revoked.
//!
//! A text that was verified is remembered with what it says. Keys and revocations come from lists that the operator
//! signs. `docs/FOREIGN.md` is the operator's view.

mod cbor;
pub mod claims;
pub mod cose;
pub mod date;
pub mod dsc;
pub mod issue;
pub mod lists;
pub mod revoked;
mod seen;
pub mod signers;
pub mod text;
mod verifier;

pub use cbor::Unreadable;
pub use verifier::{Verified, Verifier};
