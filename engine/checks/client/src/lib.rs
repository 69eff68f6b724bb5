//! The gate kit: everything a gate, a turnstile or a batch terminal needs to ask an engine.
//!
//! | type | what it is | I/O |
//! | --- | --- | --- |
//! | [`Identity`] | the device's certificate and key, and the operator's roots | reads PEM files |
//! | [`EngineAddress`] | where an engine is: an address or a host name | DNS |
//! | [`Control`] | one QUIC connection: enrolment, time, rosters, batches | tokio |
//! | [`Session`] | seals requests and opens replies under one cookie | none |
//! | [`Scanner`], [`Scans`] | what a scanner gave, and the text to ask about in it | reads what it is given |
//! | [`Core`] | what a gate does: one code in, one verdict out, with retry, failover and renewal | none |
//! | [`Gate`] | a core with a socket and a thread | blocking UDP |
//! | [`AsyncGate`] | a core in an event loop | tokio |
//!
//! Gate firmware uses [`Gate`]. A program with sockets of its own takes a [`Core`] and moves its bytes; one that
//! only seals and opens (a load generator) takes a [`Session`] for each device.
//!
//! Errors tell who can correct them through their `actor` method.

mod address;
mod clock;
mod control;
mod core;
mod fault;
mod gate;
mod identity;
mod kept;
mod renewal;
mod revocations;
mod scanner;
mod server;
mod session;

pub use crate::core::{Core, Input, NoVerdict, Output, Pace, Renewed};
pub use address::{AddressFault, EngineAddress};
pub use control::{Control, endpoint};
pub use fault::ControlFault;
pub use gate::{AsyncGate, CheckFault, Gate, GateFault, GateOptions};
pub use identity::{Identity, IdentityFault};
pub use scanner::{SCAN_BYTES_MAX, Scanner, ScannerFault, Scans};
pub use server::Server;
pub use session::{OpenFault, SealFault, Session};

/// The ALPN protocol id of the QUIC side (RFC 7301).
pub const ALPN: &[u8] = b"hufu/1";
