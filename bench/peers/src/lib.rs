//! The same checks as people serve them today, measured beside ours in one run.
//!
//! | system | how a check comes | signature | status |
//! | --- | --- | --- | --- |
//! | [`System::Ours`] | sealed UDP | the engine's, for known keys | the engine's table |
//! | [`System::AxumRedis`] | JSON over HTTP/1.1, no TLS | dalek's `verify_strict` | redis-server |
//! | [`System::AxumDashmap`] | the same | the same | `DashMap` |
//! | [`System::Echo`] | UDP | none | none |
//!
//! All make the same world from the same seed, take the same codes and must give the same answers. Every
//! server is a process of its own, so its CPU time is the kernel's account of that process and its helpers.

mod child;
mod compare;
mod cores;
mod enrol;
pub mod load;
mod moment;
mod ramp;
mod report;
mod serve;

pub use child::Child;
pub use compare::{CHECKING, Found, Load, Options, QUEUE, SHOWS, compare, queues};
pub use cores::{Core, mine, on};
pub use enrol::enrol;
pub use serve::{DevicePem, Ready, Scene, System, engine, keyring, run as serve};
