//! Whether a signature is genuine, for keys that are few and known. Imports nothing of ours.
//!
//! The one scheme is strict Ed25519. `docs/decisions/0002-known-key-verification.md` tells why it is not a library's.

mod ed25519;

pub use ed25519::{BATCH_MAX, Backend, Job, KeyFault, MESSAGE_PARTS, PreparedKey, backend, backends};
