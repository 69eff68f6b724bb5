//! How long appending takes, and how many small writes a second all writers together get:
//! `cargo run --package hufu-postgres --example append`. Signing and verifying are not in it; the server is a new one
//! of default size, and flushes every commit to the disk of the temporary folder.

#[path = "../tests/common/mod.rs"]
mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{ISSUERS, add_issuers, append_timed, database, open, sign, word};
use hufu_codes::chain::Tip;
use hufu_fixtures::services::Postgres;
use hufu_postgres::PostgresStore;
use hufu_registry::chain::Appended;
use hufu_registry::store::Chain as _;
use hufu_wire::IssuerId;
use hufu_wire::limits::CHANGES_MAX;

/// Holders there are in the end.
const HOLDERS: u32 = 1 << 20;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let postgres = Postgres::start()?;
    let store = Arc::new(open(&database(&postgres)).await);
    add_issuers(&store, &ISSUERS[..1]).await;
    let full = u32::try_from(CHANGES_MAX)?;
    println!("changes a set   of holders   sets   p50 ms   max ms   changes/s");
    measure(&store, "unknown", full, HOLDERS / full, |set, change| set * full + change).await?;
    // Odd and so prime to their number: every holder is hit once before any is hit twice.
    let spread =
        |per_set: u32| move |set: u32, change: u32| (set * per_set + change).wrapping_mul(40_503) % HOLDERS;
    measure(&store, "known", full, 16, spread(full)).await?;
    measure(&store, "known", 1000, 50, spread(1000)).await?;
    measure(&store, "known", 1, 200, spread(1)).await?;
    println!("writers   writes   writes/s");
    for writers in [1, 4, 16] {
        write_together(&store, writers).await?;
    }
    Ok(())
}

/// Writers that each make 200 transactions with one row and one line of the trail.
async fn write_together(store: &Arc<PostgresStore>, writers: u32) -> anyhow::Result<()> {
    const WRITES: u32 = 200;
    let start = Instant::now();
    let tasks: Vec<_> = (0..writers)
        .map(|writer| {
            let store = Arc::clone(store);
            tokio::spawn(async move {
                for _ in 0..WRITES {
                    add_issuers(&store, &[IssuerId(900_000 + writer)]).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await?;
    }
    let writes = writers * WRITES;
    println!("{writers:>7}   {writes:>6}   {:>8.0}", f64::from(writes) / start.elapsed().as_secs_f64());
    Ok(())
}

async fn measure(
    store: &PostgresStore,
    of_holders: &str,
    changes: u32,
    sets: u32,
    holder: impl Fn(u32, u32) -> u32,
) -> anyhow::Result<()> {
    let mut times = Vec::new();
    for set in 0..sets {
        let tip = store.tip(ISSUERS[0]).await?.unwrap_or(Tip::START);
        let mut holders: Vec<u32> = (0..changes).map(|change| holder(set, change)).collect();
        holders.sort_unstable();
        let records = common::words(holders.into_iter(), word(tip.sequence.0));
        let signed = sign(store, ISSUERS[0], &tip, &records).await?;
        let (appended, time) = append_timed(store, &signed).await?;
        anyhow::ensure!(matches!(appended, Appended::Appended { .. }), "{appended:?}");
        times.push(time);
    }
    times.sort_unstable();
    let whole: Duration = times.iter().sum();
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    println!(
        "{changes:>13}   {of_holders:>10}   {sets:>4}   {:>6.1}   {:>6.1}   {:>9.0}",
        ms(times[times.len() / 2]),
        ms(times[times.len() - 1]),
        f64::from(changes * sets) / whole.as_secs_f64(),
    );
    Ok(())
}
