//! The command line.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context, bail, ensure};
use clap::{Args, Parser, Subcommand, ValueEnum};
use hufu_client::Identity;
use hufu_fixtures::sites::SITES;
use hufu_fixtures::{STEADY_H, Site, World};
use hufu_loadgen::{
    Arrivals, Carriage, CodeStock, CpuMeter, Generator, Mix, PHONES, Plan, QuicTarget, Watch,
};
use hufu_wire::{Enrolled, Scope, Suites, UnixMillis};

/// Open-loop load for a Hufu engine; every answer is checked
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "Examples:
  hufu-loadgen run --world world --gates gates --server 127.0.0.1:4710 --rate 8000 --seconds 10 --svg load.svg
  hufu-loadgen run --world world --gates gates --server 127.0.0.1:4710 --mix phone-first=60,paper=5 --json load.json
  hufu-loadgen ramp --world world --gates gates --server 127.0.0.1:4710 --mix again --from 20000 --to 300000

A world is written by `hufu-fixtures world`. A gates folder holds a folder for each gate with device.pem,
device.key and ca.pem, as `hufu ca device` writes them; all gates are of one site without pass-back.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Offer one load
    Run {
        #[command(flatten)]
        load: Load,
        /// Checks a second
        #[arg(long, default_value_t = 8000)]
        rate: u32,
    },
    /// Raise the rate step by step and find the highest at which nothing is lost
    Ramp {
        #[command(flatten)]
        load: Load,
        /// Checks a second of the first step
        #[arg(long, default_value_t = 5000)]
        from: u32,
        /// Checks a second of the last step
        #[arg(long, default_value_t = 400_000)]
        to: u32,
        /// How many times the rate of the step before
        #[arg(long, default_value_t = 1.5)]
        factor: f64,
        /// Steps between the last rate without loss and the first with
        #[arg(long, default_value_t = 4)]
        refinements: u32,
    },
}

/// What all loads share.
#[derive(Debug, Args)]
pub(crate) struct Load {
    /// The world that the engine serves
    #[arg(long)]
    world: PathBuf,
    /// Folder of gates
    #[arg(long)]
    gates: PathBuf,
    /// The engine's QUIC address: gates enrol there
    #[arg(long)]
    server: SocketAddr,
    /// The name in the engine's certificate
    #[arg(long, default_value = "engine.hufu")]
    name: String,
    /// Where sealed requests go [default: the server's address and the port it names]
    #[arg(long)]
    udp: Option<SocketAddr>,
    /// How checks travel
    #[arg(long, value_enum, default_value_t = Transport::Udp)]
    transport: Transport,
    /// Checks in a batch, or members in a roster
    #[arg(long, default_value_t = 256)]
    together: u32,
    /// A named mix (first, again, paper, trip, gate, hostile) or kind=weight pairs
    #[arg(long, default_value = "gate")]
    mix: Mix,
    /// Phones that codes come from; more of them take longer to make and spread over more of the population
    #[arg(long, default_value_t = PHONES)]
    phones: usize,
    /// Seconds of the load, or of each step
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// constant or poisson
    #[arg(long, default_value = "constant")]
    arrivals: Arrivals,
    /// Milliseconds after which an answer counts as lost
    #[arg(long, default_value_t = 500)]
    timeout_ms: u64,
    /// Threads of the generator
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Most datagrams of one gate that leave together [default: 1 up to 20,000/s, 16 beyond]
    #[arg(long)]
    burst: Option<usize>,
    /// Gates take SM4 alone, where the engine offers it
    #[arg(long)]
    sm4: bool,
    /// Begin without showing seen-again codes once
    #[arg(long)]
    no_warm_up: bool,
    /// Draws mix and arrivals
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Microseconds: the generator was the limit when one check in a hundred left later than this
    #[arg(long, default_value_t = 5000)]
    behind_us_max: u64,
    /// Measure the CPU time of this process
    #[arg(long)]
    server_pid: Option<u32>,
    /// Exit with success even when checks were lost
    #[arg(long)]
    pub(crate) allow_loss: bool,
    /// Write the figures as one JSON object
    #[arg(long)]
    pub(crate) json: Option<PathBuf>,
    /// Draw the figures
    #[arg(long)]
    pub(crate) svg: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Transport {
    /// Sealed UDP
    Udp,
    /// QUIC datagrams
    Datagrams,
    /// Batches on QUIC streams
    Batches,
    /// Rosters on QUIC streams; the rate counts members
    Rosters,
}

impl Load {
    /// The plan at `rate_per_s`.
    pub(crate) fn plan(&self, rate_per_s: u32) -> anyhow::Result<Plan> {
        ensure!(rate_per_s > 0, "a load needs a rate");
        ensure!((0.01..=86_400.0).contains(&self.seconds), "a load lasts from 0.01 to 86400 seconds");
        Ok(Plan {
            arrivals: self.arrivals,
            seed: self.seed,
            timeout: Duration::from_millis(self.timeout_ms),
            warm_up: !self.no_warm_up,
            burst_max: self.burst,
            behind_max: Duration::from_micros(self.behind_us_max),
            ..Plan::new(self.mix.clone(), rate_per_s, self.seconds)
        })
    }

    /// Enrols the gates, makes the codes and opens the sockets.
    pub(crate) fn generator(&self, watch: Watch<'_>) -> anyhow::Result<Generator> {
        let world = World::read(&self.world)?;
        self.fresh(&world)?;
        let identities = identities(&self.gates, if self.sm4 { Suites::SM4 } else { Suites::AES })?;
        let (enrolled, site) = self.enrol(&identities)?;
        let stock = CodeStock::with_phones(world, site, self.phones, &|done, of| {
            watch(hufu_loadgen::Stage::Signing(done, of));
        });
        let target = || QuicTarget { server: self.server, name: self.name.clone(), identities };
        let together = self.together;
        let generator = match self.transport {
            Transport::Udp => {
                let port = enrolled.first().map_or(0, |enrolled| enrolled.udp_port);
                let server = self.udp.unwrap_or_else(|| SocketAddr::new(self.server.ip(), port));
                Generator::new(stock, enrolled, server, self.threads)?
            }
            Transport::Datagrams => Generator::over_quic(stock, target(), Carriage::Datagrams),
            Transport::Batches => {
                Generator::over_quic(stock, target(), Carriage::Batches(usize::try_from(together)?))
            }
            Transport::Rosters => {
                let may = |enrolled: &Enrolled| enrolled.grant.scope.allows(Scope::CHECKS_AND_ROSTERS);
                ensure!(enrolled.iter().all(may), "every gate of a load of rosters must be allowed rosters");
                Generator::over_quic(stock, target(), Carriage::Rosters(together))
            }
        };
        Ok(match self.server_pid {
            Some(pid) => generator.with_server_cpu(CpuMeter::of(pid)),
            None => generator,
        })
    }

    /// Whether what is expected of the world's codes still holds when the load ends.
    fn fresh(&self, world: &World) -> anyhow::Result<()> {
        let age = UnixMillis::from(SystemTime::now()).since(world.now().millis());
        let age = Duration::from_millis(age);
        let steady = Duration::from_secs(u64::from(STEADY_H) * 3600);
        ensure!(
            age.as_secs_f64() + self.seconds < steady.as_secs_f64(),
            "the world was written {} minutes ago, and its statuses change after {STEADY_H} hours; write a new one",
            age.as_secs() / 60
        );
        Ok(())
    }

    /// A session for every gate, and the site they are all of.
    fn enrol(&self, identities: &[Identity]) -> anyhow::Result<(Vec<Enrolled>, Site)> {
        let enrolled = hufu_loadgen::enrol(self.server, &self.name, identities);
        let enrolled = enrolled.with_context(|| format!("cannot enrol at {}", self.server))?;
        let Some(first) = enrolled.first() else { bail!("{} holds no gate", self.gates.display()) };
        let id = first.grant.site;
        ensure!(enrolled.iter().all(|other| other.grant.site == id), "the gates are of different sites");
        let site = SITES.into_iter().find(|site| site.id == id);
        let site = site.with_context(|| format!("site {id} is not one of a made-up world"))?;
        ensure!(
            site.pass_back_s == 0,
            "{} looks for pass-back, and a load shows one holder's codes at many gates; use gates of a site that does not",
            site.name
        );
        Ok((enrolled, site))
    }
}

/// Every gate below `folder`, by name.
fn identities(folder: &Path, suites: Suites) -> anyhow::Result<Vec<Identity>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut gates: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|gate| gate.join("device.pem").exists())
        .collect();
    gates.sort();
    let identity = |gate: &PathBuf| {
        let file = |name| gate.join(name);
        let identity = Identity::from_pem_files(&file("device.pem"), &file("device.key"), &file("ca.pem"))?;
        Ok(identity.with_suites(suites))
    };
    gates.iter().map(identity).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_example_parses() {
        let examples = EXAMPLES.lines().map(str::trim).filter(|line| line.starts_with("hufu-loadgen"));
        for example in examples {
            Arguments::try_parse_from(example.split_whitespace())
                .unwrap_or_else(|error| panic!("{example}: {error}"));
        }
    }
}
