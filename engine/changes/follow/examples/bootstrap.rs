//! How soon an engine that knows nothing serves a hundred million holders:
//! `cargo run --release -p hufu-follow --example bootstrap`.
//!
//! From the start of the following to the moment the table says the checkpoint's sequence: the checkpoint comes, its
//! snapshot is fetched from a folder (the file is in the page cache), every word of it is checked, and it is loaded.

mod measured;

use std::time::{Duration, Instant};

use hufu_table::{Limits, Table};
use measured::{Outcome, Script, Signers, VOUCHED, until, warm_up};
use tempfile::tempdir;

const HOLDERS: u32 = 100_000_000;
const ROUNDS: usize = 3;
/// The longest that is asked for.
const TARGET: Duration = Duration::from_secs(5);

fn main() -> Outcome<()> {
    let (signers, home) = (Signers::new()?, tempdir()?);
    let drop = home.path().join("drop");
    std::fs::create_dir_all(&drop)?;
    let (checkpoint, _) = signers.vouch(HOLDERS, &drop)?;
    let mut times = Vec::new();
    for round in 0..ROUNDS {
        let bytes = warm_up(&drop)?;
        let folder = home.path().join(format!("round-{round}"));
        let begun = Instant::now();
        let table = Table::new(Limits::for_holders(1, u64::from(HOLDERS)))?;
        let feed = Script { checkpoint: Some(checkpoint.clone()), sets: Vec::new().into_iter() };
        let following = signers.start(&table, feed, &drop, &folder)?;
        until(&following, VOUCHED)?;
        times.push(begun.elapsed());
        following.stop();
        std::fs::remove_dir_all(&folder)?;
        if round == 0 {
            println!("{HOLDERS} holders, {} MiB; the target is {TARGET:?}", bytes >> 20);
        }
    }
    times.sort();
    println!("served after {} ms (the median of {ROUNDS})", times[ROUNDS / 2].as_millis());
    Ok(())
}
