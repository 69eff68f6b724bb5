//! The engine, served as `hufu serve` serves it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hufu_check::{ClusterKeys, Engine, EngineParts, Rate};
use hufu_fixtures::{World, sites};
use hufu_policy::Sites;
use hufu_table::{Limits, Table};
use hufu_transport::{QuicOptions, ServeOptions, UdpOptions};
use hufu_wire::{HolderIndex, Sequence};

use super::certificates::Authority;
use super::ready::{Ready, tell, wait_for_end};
use super::rules;

const LOOPBACK: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// What an engine of a province would remember; 64 MiB.
const SEEN_ENTRIES: usize = 1 << 22;

pub(super) fn serve(world: &World) -> anyhow::Result<()> {
    let engine = engine(world, SEEN_ENTRIES)?;
    let authority = Authority::new()?;
    let gates = world.grants().into_iter().filter(|grant| grant.site == sites::MARKET.id);
    let devices = gates.map(|grant| authority.device(grant, world.now())).collect::<Result<_, _>>()?;
    let options = ServeOptions {
        udp: UdpOptions::new(LOOPBACK),
        quic: QuicOptions::new(LOOPBACK),
        tls: authority.engine()?,
        metrics: None,
        stop_within: Duration::from_secs(1),
    };
    let running = hufu_transport::serve(options, engine)?;
    let addr = running.udp_addr;
    tell(&Ready { addr, quic: Some(running.quic_addr), devices, helpers: Vec::new() })?;
    let ended = wait_for_end();
    running.stop();
    ended
}

/// An engine of this world that remembers `seen_entries` credentials.
///
/// # Errors
/// When the system gives it no memory or no random bytes.
pub fn engine(world: &World, seen_entries: usize) -> anyhow::Result<Arc<Engine>> {
    let table = Table::new(Limits::for_holders(world.issuers().len(), world.holders().into()))?;
    fill(&table, world)?;
    Ok(Engine::new(EngineParts {
        table: table.reader(),
        keyring: rules::keyring(world)?,
        sites: Sites::parse(world.sites_toml(), "sites.toml")?,
        cluster: ClusterKeys::from_seed(&world.cluster_seed(), world.now().millis())?,
        devices_max: 256,
        // No device is held back: what is measured is how fast the engine is.
        device_rate: Rate { per_s: u32::MAX, burst: u32::MAX },
        cookie_s: 3600,
        suites: hufu_wire::Suites::AES,
        seen_entries,
        pass_back_entries: 1 << 16,
    })?)
}

/// Every holder's status.
fn fill(table: &Table, world: &World) -> anyhow::Result<()> {
    for issuer in world.issuers() {
        let mut writer = table.writer(issuer.id)?;
        for holder in (0..issuer.people.holders()).map(HolderIndex) {
            writer.set(holder, issuer.people.status(holder))?;
        }
        writer.advance(Sequence(1), issuer.heard)?;
    }
    Ok(())
}
