//! Whether a signature is genuine, for keys that are few and known. Imports nothing of ours.
//!
//! There are two schemes: strict Ed25519 (`docs/decisions/0002-known-key-verification.md` tells why it is not a
//! library's) and SM2 (`docs/decisions/0040-sm2.md`). Another scheme is a variant of [`Scheme`], [`PublicKey`] and
//! [`PreparedKey`] and a module of its own; the compiler then names every `match` that has to know it, here and elsewhere.
//!
//! Keys, messages and signatures are public, so nothing here is constant time; never use it with secrets.

// The package `hufu-signature-emulated` builds these files over plain Rust: see `ed25519/lanes/mod.rs`.
#![cfg_attr(
    emulated_lanes,
    expect(clippy::used_underscore_items, reason = "the intrinsics have such names"),
    expect(
        clippy::redundant_closure,
        clippy::redundant_closure_for_method_calls,
        reason = "a function with target features is no closure, so the lanes need one"
    )
)]

#[cfg(emulated_lanes)]
#[path = "../emulated/src/arch.rs"]
mod arch;
pub mod ed25519;
mod key;
mod scheme;
pub mod sm2;
mod verify;

pub use ed25519::{backend, backends};
pub use key::{KeyFault, PreparedKey, PublicKey};
pub use scheme::Scheme;
pub use verify::{BATCH_MAX, Backend, Job, MESSAGE_PARTS};
