//! Certificates from abroad: what is verified, what is refused, and what an engine makes of it (R63).

#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod engine;
mod hostile;
mod issued;
mod lists;
#[path = "../made/mod.rs"]
mod made;
mod openssl;
mod published;
mod verify;
