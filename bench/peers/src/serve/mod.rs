//! The servers that are compared. Each runs as a process of its own, started by [`Child`](crate::Child).

mod axum;
mod certificates;
mod echo;
mod ours;
mod ready;
mod redis_server;
mod rules;
mod statuses;

use std::net::{Ipv4Addr, SocketAddr};

use clap::ValueEnum;
use hufu_fixtures::World;
use hufu_wire::UnixSeconds;
use tokio::net::TcpListener;

pub use certificates::DevicePem;
pub use ours::engine;
pub use ready::Ready;
use ready::{tell, wait_for_end};
use rules::Rules;
pub use rules::keyring;

use crate::moment;

/// A server to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum System {
    /// The engine's spine behind sealed UDP.
    Ours,
    /// axum, JSON, dalek, the statuses in a redis-server.
    AxumRedis,
    /// axum, JSON, dalek, the statuses in a `DashMap`.
    AxumDashmap,
    #[value(name = "udp-echo")]
    /// No check at all: the first 80 bytes of every datagram go back.
    Echo,
}

/// The world that every process of a run makes for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::Args)]
pub struct Scene {
    /// Seed of the made-up world
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// People in it
    #[arg(long, default_value_t = 1_000_000)]
    pub holders: u32,
    /// Its time, Unix seconds
    #[arg(long, hide = true, default_value_t = moment::now().0)]
    pub now_s: u32,
}

impl System {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            System::Ours => "ours",
            System::AxumRedis => "axum-redis",
            System::AxumDashmap => "axum-dashmap",
            System::Echo => "udp-echo",
        }
    }
}

impl Scene {
    /// The world.
    pub fn world(self) -> World {
        World::new(self.seed, self.holders, UnixSeconds(self.now_s))
    }
}

/// Serves until standard input ends.
///
/// # Errors
/// When the server cannot start, or ends by itself.
pub fn run(system: System, scene: Scene) -> anyhow::Result<()> {
    match system {
        System::Ours => ours::serve(&scene.world()),
        System::Echo => echo::serve(),
        System::AxumRedis => in_tokio(with_redis(&scene.world())),
        System::AxumDashmap => in_tokio(with_dashmap(&scene.world())),
    }
}

async fn with_redis(world: &World) -> anyhow::Result<()> {
    let server = redis_server::start().await?;
    let statuses = statuses::InRedis::filled(server.connect().await?, world).await?;
    let rules = Rules::of(world)?.into();
    let (listener, addr) = listen().await?;
    tell(&Ready { addr, quic: None, devices: Vec::new(), helpers: vec![server.pid()] })?;
    tokio::select! {
        served = axum::serve(listener, rules, statuses) => served,
        ended = asked_to_stop() => ended,
    }
}

async fn with_dashmap(world: &World) -> anyhow::Result<()> {
    let statuses = statuses::in_map(world);
    let rules = Rules::of(world)?.into();
    let (listener, addr) = listen().await?;
    tell(&Ready { addr, quic: None, devices: Vec::new(), helpers: Vec::new() })?;
    tokio::select! {
        served = axum::serve(listener, rules, statuses) => served,
        ended = asked_to_stop() => ended,
    }
}

/// A worker thread for each core the process may use.
fn in_tokio(server: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let ended = runtime.block_on(server);
    runtime.shutdown_background();
    ended
}

async fn listen() -> anyhow::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let addr = listener.local_addr()?;
    Ok((listener, addr))
}

async fn asked_to_stop() -> anyhow::Result<()> {
    tokio::task::spawn_blocking(wait_for_end).await?
}
