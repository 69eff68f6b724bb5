//! What every gate does, whatever moves its bytes.
//!
//! | type | what it is |
//! | --- | --- |
//! | [`Core`] | a gate without sockets, threads or a clock: one code in, one verdict out, with retry, failover and renewal |
//! | [`Session`] | seals requests and opens replies under one cookie |
//! | [`Scanner`], [`Scans`] | what a scanner gave, and the text to ask about in it |
//!
//! `hufu-client` puts sockets and enrolment to it; firmware brings its own.

mod core;
mod scanner;
mod session;

pub use crate::core::{Core, Input, NoVerdict, Output, Pace, Renewed};
pub use scanner::{SCAN_BYTES_MAX, Scanner, ScannerFault, Scans};
pub use session::{OpenFault, SealFault, Session};
