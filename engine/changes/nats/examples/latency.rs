//! From a set's append to its delivery, through a real nats-server on this machine: first one at a time, then as many
//! at once as there are.
//!
//! ```text
//! cargo run --release -p hufu-nats --example latency
//! ```

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use hufu_fixtures::services::Nats;
use hufu_nats::{Keep, NatsFeed};
use hufu_sync::{Delivery, Feed as _};
use tokio::time::sleep;

#[expect(dead_code, unreachable_pub, reason = "the tests' registry; a part of it is enough here")]
#[path = "../tests/nats/common.rs"]
mod common;

use common::{ISSUER, Registry, options, options_of, publish_with, sequence, subscribe};

const SETS: u64 = 2000;
const BURST: u64 = 20_000;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let nats = [Nats::start()?];
    measure("one server", &nats, 1).await?;
    drop(nats);
    measure("three servers, three replicas", &Nats::cluster(3)?, 3).await
}

async fn measure(servers: &str, nats: &[Nats], replicas: usize) -> anyhow::Result<()> {
    let registry = Registry::new();
    let _publisher = publish_with(options_of(nats), replicas, Keep::default(), &registry);
    let mut feed = NatsFeed::new(options(&nats[0]), ISSUER);
    subscribe(&mut feed, 0).await;
    registry.append();
    delivered(&mut feed, 1).await?;

    let mut delays = Histogram::<u64>::new(3)?;
    for set in 2..=SETS {
        let appended = Instant::now();
        registry.append();
        delivered(&mut feed, set).await?;
        delays.record(u64::try_from(appended.elapsed().as_micros())?)?;
        sleep(Duration::from_millis(2)).await;
    }
    let [p50, p99] = [0.5, 0.99].map(|quantile| delays.value_at_quantile(quantile));
    println!("{servers}");
    println!("  {SETS} single sets  p50 {p50:>6} us  p99 {p99:>6} us  max {:>6} us", delays.max());

    let begun = Instant::now();
    for _ in 0..BURST {
        registry.append();
    }
    let signed = begun.elapsed();
    delivered(&mut feed, SETS + BURST).await?;
    let sets_a_second = u128::from(BURST) * 1000 / begun.elapsed().as_millis();
    println!("  {BURST} in a burst  {sets_a_second} sets/s, of which signing took {signed:.1?}");
    Ok(())
}

/// Waits for a set.
async fn delivered(feed: &mut NatsFeed, set: u64) -> anyhow::Result<()> {
    loop {
        if let Delivery::ChangeSet(bytes) = feed.next().await?
            && sequence(&bytes) == set
        {
            return Ok(());
        }
    }
}
