//! Load over QUIC: checks as datagrams, checks in batches on streams, whole rosters.
//!
//! One thread with a runtime of its own drives all connections. It does not sleep for less than a millisecond,
//! because the runtime's timers are no finer: it goes round instead, and its CPU time shows that.

mod batches;
mod datagrams;
mod rosters;

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use hufu_client::{Control, Identity};
use hufu_fixtures::RosterFixture;
use hufu_wire::{CheckNumber, CheckRequest, Lane};
use tokio::task::LocalSet;

use crate::clock::{self, Clock};
use crate::larder::Supply;
use crate::live::Live;
use crate::mix::{Draw, Kind};
use crate::schedule::Schedule;
use crate::tally::Tally;
use crate::timeline::Timeline;

/// What travels on the connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carriage {
    /// Every check in a datagram of its own.
    Datagrams,
    /// So many checks in each batch, every batch on a stream.
    Batches(usize),
    /// Rosters of so many members each; the rate counts members.
    Rosters(u32),
}

/// Where to connect, and as whom: one connection for each identity.
pub struct QuicTarget {
    /// The server's QUIC address.
    pub server: SocketAddr,
    /// The name its certificate carries.
    pub name: String,
    /// The devices.
    pub identities: Vec<Identity>,
}

/// What the thread is to do in one load.
pub(crate) struct Work {
    pub(crate) carriage: Carriage,
    pub(crate) schedule: Schedule,
    pub(crate) draw: Draw,
    pub(crate) supply: Supply,
    pub(crate) roster: Option<RosterFixture>,
    pub(crate) timeout: Duration,
    pub(crate) waiting: usize,
    /// Seen-again codes to show once before the load.
    pub(crate) warm_up: usize,
}

/// What all tasks of the thread write to. Borrowed only between two waits.
struct Books {
    tally: RefCell<Tally>,
    timeline: RefCell<Timeline>,
    clock: Clock,
    timeout: Duration,
}

impl Carriage {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Carriage::Datagrams => "quic-datagrams",
            Carriage::Batches(_) => "quic-batches",
            Carriage::Rosters(_) => "quic-rosters",
        }
    }

    /// Checks that leave together.
    pub(crate) fn together(self) -> u32 {
        match self {
            Carriage::Datagrams => 1,
            Carriage::Batches(checks) => u32::try_from(checks).unwrap_or(u32::MAX).max(1),
            Carriage::Rosters(members) => members.max(1),
        }
    }
}

/// Connects, runs the load and closes the connections. `ready` is called in between: everything before it is
/// not part of the load.
pub(crate) fn run(
    target: &QuicTarget,
    mut work: Work,
    live: &Live,
    ready: &(dyn Fn() -> io::Result<()> + Sync),
) -> io::Result<(Tally, Timeline)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = LocalSet::new();
    local.block_on(&runtime, async {
        let mut controls = Vec::new();
        for identity in &target.identities {
            let connected = Control::connect(target.server, &target.name, identity).await;
            controls.push(connected.map_err(io::Error::other)?);
        }
        if controls.is_empty() {
            return Err(io::Error::other("a load needs a device"));
        }
        warm_up(&controls[0], &mut work).await?;
        ready()?;
        let cpu_before = clock::thread_cpu();
        let books = Books {
            tally: RefCell::new(Tally::new()),
            timeline: RefCell::new(Timeline::new()),
            clock: Clock::starting_in(Duration::ZERO),
            timeout: work.timeout,
        };
        let books = match work.carriage {
            Carriage::Datagrams => datagrams::run(&controls, work, books, live).await,
            Carriage::Batches(checks) => batches::run(&controls, work, checks, books, live).await,
            Carriage::Rosters(_) => rosters::run(&controls, work, books, live).await,
        }?;
        for control in controls {
            control.close().await;
        }
        let mut tally = books.tally.into_inner();
        tally.cpu += clock::thread_cpu().saturating_sub(cpu_before);
        live.update(&tally);
        Ok((tally, books.timeline.into_inner()))
    })
}

/// Shows every seen-again code once, so that the server has seen them.
async fn warm_up(control: &Control, work: &mut Work) -> io::Result<()> {
    const AT_ONCE: usize = 256;
    let mut left = work.warm_up;
    while left > 0 {
        let count = left.min(AT_ONCE);
        let codes: Vec<Vec<u8>> =
            (0..count).map(|_| work.supply.next(Kind::PhoneAgain, clock::step()).0.to_vec()).collect();
        let mut requests = Vec::with_capacity(count);
        for (code, number) in codes.iter().zip(1..) {
            requests.push((CheckNumber(number), CheckRequest { lane: Lane(0), code }));
        }
        control.checks(&requests).await.map_err(io::Error::other)?;
        left -= count;
    }
    Ok(())
}

/// Waits until `due_ns`.
async fn until(clock: Clock, due_ns: u64) {
    /// Below this the runtime's timers are too coarse.
    const COARSE_NS: u64 = 2_000_000;
    loop {
        let wait_ns = due_ns.saturating_sub(clock.now_ns());
        if wait_ns == 0 {
            return;
        }
        if wait_ns > COARSE_NS {
            tokio::time::sleep(Duration::from_nanos(wait_ns - COARSE_NS)).await;
        } else {
            tokio::task::yield_now().await;
        }
    }
}
