//! Load over sealed UDP: many devices, each with a session and a source port of its own.
//!
//! One thread sends and receives for its share of the devices. It sleeps until the next check is due or an
//! answer comes, so that it leaves the cores to the server.

mod garbage;
mod inbox;
mod line;
mod port;
mod replay;
mod worker;

pub(crate) use worker::{Work, Worker};
