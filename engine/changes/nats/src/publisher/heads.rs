//! Where a chain ends, said every second and after each burst of sets. Heads are not stored: an old one is worth
//! nothing.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use hufu_wire::IssuerId;
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval};

use super::condition::{Condition, PublishFault};
use super::shared::Shared;
use crate::fault::NatsFault;
use crate::link::Link;
use crate::names;

const EVERY: Duration = Duration::from_secs(1);

/// Also while sets cannot be stored: followers learn by it that something is missing.
pub(super) async fn publish(
    link: &Link,
    shared: &Arc<Shared>,
    issuer: IssuerId,
    burst_over: &Notify,
) -> Infallible {
    let mut condition = Condition::new(format!("publishing heads of issuer {issuer}"));
    let mut every = interval(EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = every.tick() => {}
            () = burst_over.notified() => every.reset(),
        }
        match publish_one(link, shared, issuer).await {
            Ok(()) => {
                condition.works();
                shared.counters.heads.fetch_add(1, Ordering::Relaxed);
            }
            Err(fault) => condition.fails(&fault.explained(link)),
        }
    }
}

async fn publish_one(link: &Link, shared: &Shared, issuer: IssuerId) -> Result<(), PublishFault> {
    let head = Bytes::copy_from_slice(&shared.source.head(issuer).await?);
    let sent = link.client.publish(names::heads(issuer), head).await;
    sent.map_err(|error| PublishFault::Nats(NatsFault::Unreachable(error.to_string())))
}
