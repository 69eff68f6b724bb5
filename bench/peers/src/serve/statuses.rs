//! Where a peer keeps the holders' statuses.

use anyhow::Context as _;
use dashmap::DashMap;
use hufu_fixtures::World;
use hufu_wire::{HolderIndex, IssuerId, StatusWord};
use redis::aio::MultiplexedConnection;

/// A store that is asked once for each check.
pub(super) trait Statuses: Clone + Send + Sync + 'static {
    /// The holder's status, [`StatusWord::UNKNOWN`] where none is kept.
    fn get(
        &self,
        issuer: IssuerId,
        holder: HolderIndex,
    ) -> impl Future<Output = anyhow::Result<StatusWord>> + Send;
}

/// A concurrent hash map in the server's own memory.
pub(super) type InMap = std::sync::Arc<DashMap<(IssuerId, HolderIndex), StatusWord>>;

/// A redis-server, over one connection on which requests under way share their round trips.
#[derive(Clone)]
pub(super) struct InRedis(MultiplexedConnection);

/// Keys written to redis at once.
const PIPELINE: usize = 10_000;

pub(super) fn in_map(world: &World) -> InMap {
    known(world).map(|(issuer, holder, status)| ((issuer, holder), status)).collect::<DashMap<_, _>>().into()
}

impl InRedis {
    /// Fills a redis-server with the world's statuses.
    pub(super) async fn filled(mut redis: MultiplexedConnection, world: &World) -> anyhow::Result<InRedis> {
        let mut known = known(world).peekable();
        while known.peek().is_some() {
            let mut pipeline = redis::pipe();
            for (issuer, holder, status) in known.by_ref().take(PIPELINE) {
                pipeline.set(&key(issuer, holder)[..], &status.to_bits().to_le_bytes()[..]).ignore();
            }
            pipeline.exec_async(&mut redis).await.context("redis takes no statuses")?;
        }
        Ok(InRedis(redis))
    }
}

impl Statuses for InMap {
    async fn get(&self, issuer: IssuerId, holder: HolderIndex) -> anyhow::Result<StatusWord> {
        Ok(DashMap::get(self, &(issuer, holder)).map_or(StatusWord::UNKNOWN, |status| *status))
    }
}

impl Statuses for InRedis {
    async fn get(&self, issuer: IssuerId, holder: HolderIndex) -> anyhow::Result<StatusWord> {
        let mut redis = self.0.clone();
        let bits: Option<[u8; 8]> =
            redis::cmd("GET").arg(&key(issuer, holder)[..]).query_async(&mut redis).await?;
        Ok(bits.map_or(StatusWord::UNKNOWN, |bits| StatusWord::from_bits(u64::from_le_bytes(bits))))
    }
}

/// `s`, the issuer, the holder: nine bytes.
fn key(issuer: IssuerId, holder: HolderIndex) -> [u8; 9] {
    let mut key = [b's'; 9];
    key[1..5].copy_from_slice(&issuer.0.to_le_bytes());
    key[5..].copy_from_slice(&holder.0.to_le_bytes());
    key
}

/// Everybody of whom something is known.
fn known(world: &World) -> impl Iterator<Item = (IssuerId, HolderIndex, StatusWord)> {
    world
        .issuers()
        .iter()
        .flat_map(|issuer| {
            let holders = (0..issuer.people.holders()).map(HolderIndex);
            holders.map(|holder| (issuer.id, holder, issuer.people.status(holder)))
        })
        .filter(|(_, _, status)| *status != StatusWord::UNKNOWN)
}
