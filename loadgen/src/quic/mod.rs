//! Load over QUIC: checks as datagrams, checks in batches on streams, whole rosters.
//!
//! One thread with a runtime of its own drives all connections. It does not sleep for less than a millisecond,
//! because the runtime's timers are no finer: it goes round instead, and its CPU time shows that.

mod batches;
mod carriage;
mod datagrams;
mod load;
mod rosters;

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use hufu_client::{Control, Identity};
use hufu_wire::{CheckNumber, CheckRequest, Lane};
use tokio::task::LocalSet;

use crate::clock::{self, Clock};
use crate::live::Live;
use crate::mix::Kind;
use crate::tally::Tally;

pub use carriage::Carriage;
use load::Results;
pub(crate) use load::Work;

/// Where to connect, and as whom: one connection for each identity.
pub struct QuicTarget {
    /// The server's QUIC address.
    pub server: SocketAddr,
    /// The name its certificate carries.
    pub name: String,
    /// The devices.
    pub identities: Vec<Identity>,
}

/// Connects, runs the load and closes the connections. `ready` is called in between: everything before it is
/// not part of the load.
pub(crate) fn run(
    target: &QuicTarget,
    mut work: Work,
    live: &Live,
    ready: &(dyn Fn() -> io::Result<()> + Sync),
) -> io::Result<Tally> {
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
        let results = Rc::new(Results {
            tally: RefCell::new(Tally::new()),
            clock: Clock::starting_in(Duration::ZERO),
            timeout: work.timeout,
        });
        match work.carriage {
            Carriage::Datagrams => datagrams::run(&controls, work, &results, live).await,
            Carriage::Batches(checks) => batches::run(&controls, work, checks, &results, live).await,
            Carriage::Rosters(_) => rosters::run(&controls, work, &results, live).await,
        }?;
        for control in controls {
            control.close().await;
        }
        let mut tally = results.whole()?;
        tally.cpu += clock::thread_cpu().saturating_sub(cpu_before);
        live.update(&tally);
        Ok(tally)
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
            requests.push((CheckNumber(number), CheckRequest::of_scan(Lane(0), code)));
        }
        control.checks(&requests).await.map_err(io::Error::other)?;
        left -= count;
    }
    Ok(())
}
