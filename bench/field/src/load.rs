//! A generator for a deployment in a world.

use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use hufu_fixtures::sites::MARKET;
use hufu_loadgen::{CodeStock, Generator};

use crate::deployment::Deployment;

/// Enrols the gates of the load at the engine behind `control` and signs codes of so many phones.
///
/// # Errors
/// The deployment is in no world, or the engine does not enrol.
pub fn generator(deployment: &Deployment, control: SocketAddr, phones: usize) -> Result<Generator> {
    let world = deployment.world().context("a load needs a world")?.clone();
    let enrolled = hufu_loadgen::enrol(control, "engine.hufu", &deployment.load_gates()?)?;
    let port = enrolled.first().context("no gate")?.udp_port;
    let stock = CodeStock::with_phones(world, MARKET, phones, &|_, _| {});
    Ok(Generator::new(stock, enrolled, (control.ip(), port).into(), 1)?)
}
