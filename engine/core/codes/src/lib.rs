//! Signed codes: what a QR text carries, who may sign it, and whether it is genuine.
//!
//! A check walks down these rooms, and each hands the next something stronger:
//!
//! 1. [`text`]: the characters of a QR code become bytes;
//! 2. [`code`]: the bytes become a [`Code`](code::Code), structure only, believed in nothing;
//! 3. [`keyring`]: its key is known, in force and may sign this kind: [`Admitted`];
//! 4. [`seen`] or [`hufu_signature`]: its signature is genuine: [`Verified`], which nothing else can make;
//! 5. [`presentation`]: whoever shows it holds the phone it was made for.
//!
//! Nothing on that walk allocates. Every refusal is a [`Reason`](hufu_wire::Reason).
//! Beside it, [`chain`] believes or refuses what authorities sign about statuses (`docs/SYNC.md`).
//! `docs/CODES.md` has every byte of the formats for people who write the other end.

pub mod cbor;
pub mod chain;
pub mod code;
pub mod cose;
pub mod credential;
pub mod ended;
pub mod issue;
pub mod keyring;
mod operator;
pub mod presentation;
pub mod roster;
mod secret;
pub mod seen;
mod sha256;
pub mod text;
mod verified;

pub use credential::{Credential, Detail, SignedCredential};
pub use operator::open_signed;
pub use verified::{Admitted, Claims, Signed, Verified};
