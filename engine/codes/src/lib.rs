//! Signed codes: what a QR text carries, who may sign it, and whether it is genuine.

pub mod ed25519;
