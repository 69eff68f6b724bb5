//! An engine in this process: starts it, enrols a gate at it, has one code checked, and stops it.
//!
//! `hufu demo --keep DIR` leaves a folder with all that is needed: an engine's configuration and a gate's files.
//!
//!     cargo run --package hufu-node --example one_check -- DIR CODE

use std::path::PathBuf;

use anyhow::Context as _;
use hufu_client::{Gate, GateOptions, Identity, Server};
use hufu_node::{Config, Prepared};
use hufu_wire::Lane;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder: PathBuf = arguments.next().context("which folder?")?.into();
    let code = arguments.next().context("which code?")?;
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .ok()
        .context("TLS has a provider already")?;

    let node = Prepared::load(Config::load(&folder.join("engine.toml"))?)?.start()?;

    let file = |name| folder.join("gate").join(name);
    let identity = Identity::from_pem_files(&file("device.pem"), &file("device.key"), &file("ca.pem"))?;
    let control = node.running.quic_addrs[0].into();
    let engine = Server { control, name: hufu_transport::profile::ENGINE_NAME.to_owned(), udp_port: None };
    let mut gate = Gate::open(vec![engine], identity, GateOptions::default())?;

    let verdict = gate.check(code.as_bytes(), Lane(1))?;
    println!("{:?}: {}", verdict.decision, verdict.reason);
    node.stop();
    Ok(())
}
