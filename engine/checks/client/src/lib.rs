//! The gate kit: everything a gate, a turnstile or a batch terminal needs to ask an engine.
//!
//! | type | what it is | I/O |
//! | --- | --- | --- |
//! | [`Identity`] | the device's certificate and key, and the operator's roots | reads PEM files |
//! | [`EngineAddress`] | where an engine is: an address or a host name | DNS |
//! | [`Control`] | one QUIC connection: enrolment, time, rosters, batches | tokio |
//! | [`Gate`] | one code in, one verdict out, with retry, failover and renewal | blocking UDP |
//! | [`AsyncGate`] | the same in an event loop | tokio |
//!
//! What has no I/O is in `hufu-gate`: firmware with sockets of its own takes its `Core`, a load generator a [`Session`]
//! for each device.
//!
//! Errors tell who can correct them through their `actor` method.

mod address;
mod clock;
mod control;
mod fault;
mod gate;
mod identity;
mod kept;
mod renewal;
mod revocations;
mod server;

pub use address::{AddressFault, EngineAddress};
pub use control::{Control, endpoint};
pub use fault::ControlFault;
pub use gate::{AsyncGate, CheckFault, Gate, GateFault, GateOptions};
pub use hufu_gate::{OpenFault, SCAN_BYTES_MAX, Scanner, ScannerFault, Scans, SealFault, Session};
pub use identity::{Identity, IdentityFault};
pub use server::Server;

/// The ALPN protocol id of the QUIC side (RFC 7301).
pub const ALPN: &[u8] = b"hufu/1";
