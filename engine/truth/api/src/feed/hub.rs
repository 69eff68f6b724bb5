//! Who follows what.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use hufu_registry::{ChainSource, Fault};
use hufu_wire::IssuerId;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, broadcast, watch};
use tokio::time::MissedTickBehavior;

use super::body::Feed;
use super::chain::Chain;
use crate::problem::{ApiProblem, Kind};

/// How often a chain is looked at without a notification, and a head made: every second (R24).
const TICK: Duration = Duration::from_secs(1);

/// Every chain that some engine follows.
pub(crate) struct Hub {
    source: Arc<dyn ChainSource>,
    chains: Mutex<HashMap<IssuerId, Arc<Chain>>>,
    room: Arc<Semaphore>,
    feeds_max: usize,
    offer_after_sets: u64,
    stopping: watch::Receiver<bool>,
}

impl Hub {
    pub(crate) fn new(
        source: Arc<dyn ChainSource>,
        feeds_max: usize,
        offer_after_sets: u64,
        stopping: watch::Receiver<bool>,
    ) -> Arc<Hub> {
        let room = Arc::new(Semaphore::new(feeds_max));
        Arc::new(Hub { source, chains: Mutex::default(), room, feeds_max, offer_after_sets, stopping })
    }

    /// How many feeds are followed.
    pub(crate) fn feeds(&self) -> usize {
        self.feeds_max - self.room.available_permits()
    }

    /// A feed of the sets after `after`, or the problem instead of one.
    pub(crate) async fn subscribe(self: &Arc<Hub>, issuer: IssuerId, after: u64) -> Result<Feed, ApiProblem> {
        let permit: OwnedSemaphorePermit = Arc::clone(&self.room).try_acquire_owned().map_err(|_| {
            ApiProblem::new(Kind::Busy, "the limit of open feeds is reached: use another registry")
        })?;
        // Held while a chain is opened: a second engine waits for the first one's head instead of making another.
        let mut chains = self.chains.lock().await;
        let chain = if let Some(chain) = chains.get(&issuer) {
            Arc::clone(chain)
        } else {
            let chain = Arc::new(Chain::open(Arc::clone(&self.source), issuer).await?);
            chains.insert(issuer, Arc::clone(&chain));
            tokio::spawn(Arc::clone(self).attend(Arc::clone(&chain)));
            chain
        };
        // Taken under the lock: `attend` leaves only chains without a follower.
        let latest = chain.watch();
        Ok(Feed::new(chain, latest, after, self.offer_after_sets, self.stopping.clone(), permit))
    }

    /// Looks at a chain until it has no follower.
    async fn attend(self: Arc<Hub>, chain: Arc<Chain>) {
        let mut grown = Some(self.source.grown());
        let mut stopping = self.stopping.clone();
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut answers = true;
        loop {
            let ticked = tokio::select! {
                _ = stopping.wait_for(|stop| *stop) => return,
                _ = tick.tick() => true,
                () = wake(&mut grown, chain.issuer()) => false,
            };
            if ticked && self.leave(&chain).await {
                return;
            }
            let looked = look(&chain, ticked).await;
            // One line a change of condition: the store may be away for hours.
            match &looked {
                Err(fault) if answers => {
                    tracing::warn!(issuer = %chain.issuer(), %fault, "feeds are stalled");
                }
                Ok(()) if !answers => tracing::info!(issuer = %chain.issuer(), "feeds continue"),
                _ => {}
            }
            answers = looked.is_ok();
        }
    }

    /// Forgets a chain without a follower.
    async fn leave(&self, chain: &Chain) -> bool {
        let mut chains = self.chains.lock().await;
        if chain.is_watched() {
            return false;
        }
        chains.remove(&chain.issuer());
        true
    }
}

async fn look(chain: &Chain, ticked: bool) -> Result<(), Fault> {
    chain.look().await?;
    if ticked {
        chain.look_for_checkpoint().await?;
    }
    Ok(())
}

/// Until this issuer's chain has grown, or wakes were lost and it may have.
async fn wake(grown: &mut Option<broadcast::Receiver<IssuerId>>, issuer: IssuerId) {
    loop {
        let Some(wakes) = grown else { return std::future::pending().await };
        match wakes.recv().await {
            Ok(woken) if woken != issuer => {}
            Ok(_) | Err(RecvError::Lagged(_)) => return,
            // No more notifications come. The tick looks.
            Err(RecvError::Closed) => *grown = None,
        }
    }
}
