//! The folder of an engine that answers the golden bytes, for people who write clients.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context as _, ensure};
use hufu_check::ClusterKeys;
use hufu_files::keys::{Owner, PublicKey};
use hufu_files::{self as files, Readable};
use hufu_fixtures::sites::{MARKET, SCHOOL};
use hufu_fixtures::{World, golden};
use hufu_node::cluster;
use hufu_wire::{Grant, Scope};

use super::place::{Addresses, CERTIFICATES_S, CONFIG, free_addresses};
use crate::authority::{Authority, CRL, ROOT};
use crate::gate;
use crate::outcome::Exit;
use crate::term::tell;

/// When the golden bytes are of, as `--clock-stands-at` takes it. A test holds it to [`golden::NOW`].
const NOW: &str = "2026-06-21T12:00:00Z";

/// Writes the folder and says how to start its engine.
pub(super) fn furnish(folder: &Path) -> anyhow::Result<Exit> {
    files::folder(folder)?;
    ensure!(
        !folder.join(CONFIG).exists(),
        "{} already has an engine; choose another folder or remove this one",
        folder.display()
    );
    let world = golden::world();
    world.write(folder, &|_, _| {})?;
    let operator = PublicKey { owner: Owner::Operator, issuer: None, public: *world.operator().public() };
    files::create(&folder.join("operator.pub"), operator.to_text()?.as_bytes(), Readable::All)?;
    // Named and numbered as the golden cookie's key is.
    let keys = ClusterKeys::first(golden::NOW_MS, [0; 8], &world.cluster_seed());
    cluster::create(&folder.join("state"), &keys)?;
    let Addresses { udp, quic, .. } = free_addresses()?;
    write_certificates(folder, &world, quic)?;
    let config = folder.join(CONFIG);
    files::create(&config, engine_toml(&world, udp, quic).as_bytes(), Readable::All)?;
    let next = format!("hufu serve --config {} --clock-stands-at {NOW}", config.display());
    tell!(
        { "folder": folder, "next": next },
        "the golden engine's folder: {}; start it with\n  {next}",
        folder.display()
    );
    Ok(Exit::Yes)
}

/// The engine's certificate, and terminals at the site of the golden codes and at that of the golden rosters.
fn write_certificates(folder: &Path, world: &World, quic: SocketAddr) -> anyhow::Result<()> {
    let mut authority = Authority::init(&folder.join("ca"), Some("Hufu golden"))?;
    let engine = authority.server(&[], CERTIFICATES_S)?;
    files::create(&folder.join("engine.pem"), engine.chain.as_bytes(), Readable::All)?;
    files::create(&folder.join("engine.key"), engine.key.as_bytes(), Readable::Owner)?;
    for (name, site) in [("market", &MARKET), ("school", &SCHOOL)] {
        let is_terminal =
            |grant: &Grant| grant.site == site.id && grant.scope.allows(Scope::CHECKS_AND_ROSTERS);
        let grant = world.grants().into_iter().find(is_terminal).context("the world has no such terminal")?;
        let issued = authority.device(grant, CERTIFICATES_S)?;
        gate::write(&folder.join(name), &issued, authority.root_pem(), &[quic.into()])?;
    }
    Ok(())
}

fn engine_toml(world: &World, udp: SocketAddr, quic: SocketAddr) -> String {
    let snapshots: Vec<_> =
        world.issuers().iter().map(|issuer| format!("\"{}.snapshot\"", issuer.id)).collect();
    format!(
        "# The engine of `hufu demo --golden`, which answers the golden bytes. It is for tests of clients alone:\n\
         #   hufu serve --config engine.toml --clock-stands-at {NOW}\n\
         [listen]\nudp = \"{udp}\"\nquic = \"{quic}\"\nmetrics = \"127.0.0.1:0\"\n\n\
         [workers]\nthreads = 1\n\n\
         [memory]\nholders_max = 1_000_000\nseen_entries = 4096\npass_back_entries = 4096\n\n\
         [devices]\ndevices_max = 1024\nrate_per_s = 1_000_000\nburst = 1_000_000\n\n\
         [files]\noperator_key = \"operator.pub\"\ntrust_list = \"trust.list\"\nsites = \"sites.toml\"\n\
         snapshots = [{}]\nca = \"ca/{ROOT}\"\ncertificate = \"engine.pem\"\nkey = \"engine.key\"\n\
         crl = \"ca/{CRL}\"\nstate = \"state\"\n",
        snapshots.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_files::moment::Clock;

    #[test]
    fn the_clock_that_is_told_is_that_of_the_golden_bytes() {
        assert_eq!(Clock::here().any(NOW.parse().unwrap()).unwrap(), golden::NOW);
    }
}
