//! The figures of a registry, for a metrics page. The page asks for them when it is requested; what the store must
//! be asked is looked at every ten seconds and kept, so a page never waits for a database.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use hufu_wire::{IssuerId, UnixMillis};

use super::clock::now;
use super::meters::Took;
use super::state::Api;

/// How often the store is asked.
pub(super) const LOOK: Duration = Duration::from_secs(10);

/// Everything that is counted of a registry, at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// Answers by class of route, the tag in the OpenAPI document, and status.
    pub requests: Vec<(String, u16, u64)>,
    /// How long answers took, by class of route.
    pub took: Vec<(String, Took)>,
    /// Refusals by cause: the name of a problem, or why a connection was closed.
    pub refusals: Vec<(&'static str, u64)>,
    /// Open connections.
    pub connections: usize,
    /// Feeds that are followed.
    pub feeds: usize,
    /// Bytes of the snapshots that are kept.
    pub snapshot_bytes: u64,
    /// Whether the store answered when it was last asked.
    pub store_answers: bool,
    /// Where each issuer's chain ends.
    pub chains: Vec<ChainFigures>,
    /// The number of the trail's last line.
    pub trail_lines: u64,
    /// Tokens that may be used.
    pub tokens: u64,
}

/// One issuer's chain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChainFigures {
    /// Whose.
    pub issuer: IssuerId,
    /// Its last set.
    pub sequence: u64,
    /// Time since that was confirmed; none before the first set.
    pub age: Option<Duration>,
}

/// What the store said when it was last asked.
#[derive(Clone, Debug, Default)]
struct Looked {
    answers: bool,
    /// The last set of each issuer, and when it was confirmed.
    chains: Vec<(IssuerId, u64, UnixMillis)>,
    trail_lines: u64,
    tokens: u64,
}

/// Where a registry's figures come from.
pub struct FigureSource {
    api: Api,
    connections: Box<dyn Fn() -> usize + Send + Sync>,
    looked: ArcSwap<Looked>,
}

impl FigureSource {
    pub(super) fn new(
        api: Api,
        connections: impl Fn() -> usize + Send + Sync + 'static,
    ) -> Arc<FigureSource> {
        let (connections, looked) = (Box::new(connections), ArcSwap::default());
        Arc::new(FigureSource { api, connections, looked })
    }

    /// The figures of this moment. Waits for nothing.
    pub fn figures(&self) -> Figures {
        let looked = self.looked.load();
        let now = now();
        let chains = looked.chains.iter().map(|&(issuer, sequence, confirmed)| ChainFigures {
            issuer,
            sequence,
            age: (sequence > 0).then(|| Duration::from_millis(now.since(confirmed))),
        });
        Figures {
            requests: self.api.meters.requests(),
            took: self.api.meters.took(),
            refusals: self.api.meters.refusals(),
            connections: (self.connections)(),
            feeds: self.api.hub.feeds(),
            snapshot_bytes: self.api.snapshots.as_ref().map_or(0, super::snapshots::SnapshotFolder::bytes),
            store_answers: looked.answers,
            chains: chains.collect(),
            trail_lines: looked.trail_lines,
            tokens: looked.tokens,
        }
    }

    /// Asks the store.
    pub(super) async fn look(&self) {
        let registry = &self.api.registry;
        let looked = async {
            registry.ready().await?;
            let mut chains = Vec::new();
            for (issuer, tip) in registry.chain_ends().await? {
                chains.push((issuer, tip.sequence.0, tip.confirmed));
            }
            let trail_lines = registry.trail_lines().await?;
            let tokens = registry.living_tokens(now()).await?;
            Ok::<_, hufu_registry::Fault>(Looked { answers: true, chains, trail_lines, tokens })
        };
        // Where the store does not answer, the last known figures stay, and the page says that they are old.
        let looked = looked.await.unwrap_or_else(|_| {
            let before = Looked::clone(&self.looked.load());
            Looked { answers: false, ..before }
        });
        self.looked.store(Arc::new(looked));
    }
}

impl std::fmt::Debug for FigureSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FigureSource").finish_non_exhaustive()
    }
}
