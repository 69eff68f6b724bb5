//! Brings chains into their streams.

mod checkpoints;
mod condition;
mod heads;
mod sets;
mod shared;
mod window;

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hufu_contract::ChainSource;
use hufu_wire::IssuerId;
use tokio::sync::Notify;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{MissedTickBehavior, interval, sleep};

use self::checkpoints::Checkpoints;
use self::condition::{Backoff, Condition, PublishFault};
use self::sets::Sets;
use self::shared::{Counters, Shared};
use crate::link::Link;
use crate::options::PublisherOptions;

/// How often new issuers are looked for.
const ISSUERS_EVERY: Duration = Duration::from_secs(10);
/// How often chains are looked at, should a wake have been lost.
const CHAIN_EVERY: Duration = Duration::from_secs(1);

/// Publishes every chain of a registry until it is dropped. Registries on one database may each have one.
#[derive(Debug)]
pub struct Publisher {
    task: JoinHandle<()>,
    counters: Arc<Counters>,
}

/// What a publisher has done since it was started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PublisherStatus {
    /// Whether there is a connection.
    pub is_connected: bool,
    /// Sets that the server acknowledged to this publisher; another one may have stored others, or the same.
    pub sets: u64,
    /// Heads sent.
    pub heads: u64,
    /// Streams emptied because they held another history than the chain.
    pub repairs: u64,
}

impl Publisher {
    /// Starts publishing, in tasks of the runtime it is called in. Servers that cannot be reached are retried
    /// for ever, and the log says so.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    pub fn start(options: PublisherOptions, source: Arc<dyn ChainSource>) -> Publisher {
        let counters = Arc::new(Counters::default());
        let shared = Arc::new(Shared { options, source, counters: Arc::clone(&counters) });
        Publisher { task: tokio::spawn(publish(shared)), counters }
    }

    /// What it has done so far.
    pub fn status(&self) -> PublisherStatus {
        let Counters { is_connected, sets, heads, repairs } = &*self.counters;
        PublisherStatus {
            is_connected: is_connected.load(Ordering::Relaxed),
            sets: sets.load(Ordering::Relaxed),
            heads: heads.load(Ordering::Relaxed),
            repairs: repairs.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn publish(shared: Arc<Shared>) {
    let mut condition = Condition::new("publishing to NATS");
    let mut backoff = Backoff::default();
    loop {
        let fault = match Link::open(&shared.options.nats, "hufu publisher").await {
            Ok(link) => {
                condition.works();
                shared.counters.is_connected.store(true, Ordering::Relaxed);
                let fault = session(&link, &shared, &mut backoff).await;
                shared.counters.is_connected.store(false, Ordering::Relaxed);
                fault
            }
            Err(fault) => PublishFault::Nats(fault),
        };
        condition.fails(&fault);
        sleep(backoff.next()).await;
    }
}

/// Everything that one connection is used for. Ends when it is lost, and all its tasks with it.
async fn session(link: &Link, shared: &Arc<Shared>, backoff: &mut Backoff) -> PublishFault {
    let mut grown = shared.source.grown();
    let mut is_growing = true;
    let mut wakes: HashMap<IssuerId, Arc<Notify>> = HashMap::new();
    let mut tasks = JoinSet::new();
    let mut issuers = interval(ISSUERS_EVERY);
    let mut condition = Condition::new("looking for issuers");
    let mut lost = pin!(link.lost());
    loop {
        tokio::select! {
            fault = &mut lost => return PublishFault::Nats(fault),
            Some(_) = tasks.join_next() => return PublishFault::Ended,
            _ = issuers.tick() => match shared.source.issuers().await {
                Ok(found) => {
                    condition.works();
                    backoff.reset();
                    for issuer in found {
                        wakes.entry(issuer).or_insert_with(|| {
                            let wake = Arc::new(Notify::new());
                            tasks.spawn(chain(link.clone(), Arc::clone(shared), issuer, Arc::clone(&wake)));
                            wake
                        });
                    }
                }
                Err(fault) => {
                    condition.fails(&PublishFault::Registry(fault.to_string()));
                    issuers.reset_after(CHAIN_EVERY);
                }
            },
            woken = grown.recv(), if is_growing => match woken {
                Ok(issuer) => match wakes.get(&issuer) {
                    Some(wake) => wake.notify_one(),
                    None => issuers.reset_immediately(),
                },
                Err(RecvError::Lagged(_)) => wakes.values().for_each(|wake| wake.notify_one()),
                Err(RecvError::Closed) => is_growing = false,
            },
        }
    }
}

/// One issuer's chain: what is missing in its stream, where it ends, its newest checkpoint.
async fn chain(link: Link, shared: Arc<Shared>, issuer: IssuerId, wake: Arc<Notify>) {
    let burst_over = Notify::new();
    tokio::join!(
        heads::publish(&link, &shared, issuer, &burst_over),
        bodies(&link, &shared, issuer, &wake, &burst_over),
    );
}

async fn bodies(link: &Link, shared: &Arc<Shared>, issuer: IssuerId, wake: &Notify, burst_over: &Notify) {
    let mut sets = Sets::new(link.clone(), Arc::clone(shared), issuer);
    let mut checkpoints = Checkpoints::new(link.clone(), Arc::clone(shared), issuer);
    let mut condition = Condition::new(format!("publishing the chain of issuer {issuer}"));
    let mut backoff = Backoff::default();
    let mut look = interval(CHAIN_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = look.tick() => {}
            () = wake.notified() => {}
        }
        // A checkpoint leads past sets that cannot be published, so neither waits for the other.
        let (published, checkpoint) = (sets.catch_up().await, checkpoints.catch_up().await);
        if published.as_ref().is_ok_and(|sets| *sets > 0) {
            burst_over.notify_one();
        }
        match published.and(checkpoint) {
            Ok(()) => {
                condition.works();
                backoff.reset();
            }
            Err(fault) => {
                condition.fails(&fault.explained(link));
                // Not woken meanwhile: another set changes nothing about it.
                sleep(backoff.next()).await;
            }
        }
    }
}
