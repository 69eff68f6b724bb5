//! What a server and the process that started it tell each other.

use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::certificates::DevicePem;

/// What a server says once it serves, one line of JSON on standard output.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ready {
    /// Where it serves checks.
    pub addr: SocketAddr,
    /// Where it enrols devices, if it does.
    pub quic: Option<SocketAddr>,
    /// What devices connect with there.
    pub devices: Vec<DevicePem>,
    /// Other processes that work for it.
    pub helpers: Vec<u32>,
}

pub(super) fn tell(ready: &Ready) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, ready)?;
    writeln!(out)?;
    Ok(out.flush()?)
}

/// Standard input ends with the process that started this one, however that ends.
pub(super) fn wait_for_end() -> anyhow::Result<()> {
    io::stdin().read_to_end(&mut Vec::new()).context("standard input")?;
    Ok(())
}
