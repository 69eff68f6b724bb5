//! How soon a restarted engine serves ten million holders again:
//! `cargo run --release -p hufu-follow --example warm_restart`.
//!
//! An engine loads a snapshot of the population and follows a hundred sets of a thousand changes; it is stopped, and
//! once more it is left as if it were killed. Then it is started again, from a warm copy and from a warm copy with
//! a tail. The files are in the page cache, as they are after a restart of the process alone.

mod measured;

use std::time::{Duration, Instant};

use hufu_table::{Limits, Table};
use hufu_wire::Sequence;
use measured::{Outcome, Script, Signers, VOUCHED, until, warm_up};
use tempfile::tempdir;

const HOLDERS: u32 = 10_000_000;
const SETS: u32 = 100;
const CHANGES: u32 = 1_000;
const ROUNDS: usize = 5;
/// The longest that is asked for.
const TARGET: Duration = Duration::from_secs(1);

fn main() -> Outcome<()> {
    let (signers, home) = (Signers::new()?, tempdir()?);
    let (drop, folder) = (home.path().join("drop"), home.path().join("110000"));
    std::fs::create_dir_all(&drop)?;
    let (checkpoint, tip) = signers.vouch(HOLDERS, &drop)?;
    let sets = signers.sets(tip, SETS, CHANGES)?;
    let end = Sequence(VOUCHED.0 + u64::from(SETS));

    // Killed as far as its folder is concerned: the copy of the checkpoint, and the sets in the tail.
    let feed = Script { checkpoint: Some(checkpoint), sets: Vec::new().into_iter() };
    let (_, following) = started(&signers, feed, &drop, &folder)?;
    until(&following, VOUCHED)?;
    while following.status().tally.warm_copies == 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    following.stop();
    let feed = Script { checkpoint: None, sets: sets.into_iter() };
    let (_, following) = started(&signers, feed, &drop, &folder)?;
    until(&following, end)?;
    let killed = home.path().join("killed");
    std::fs::create_dir(&killed)?;
    for entry in std::fs::read_dir(&folder)? {
        let path = entry?.path();
        if let (true, Some(name)) = (path.is_file(), path.file_name()) {
            std::fs::copy(&path, killed.join(name))?;
        }
    }
    following.stop();

    println!("{HOLDERS} holders, {SETS} sets of {CHANGES} changes; the target is {TARGET:?}");
    for (name, folder) in [("stopped: warm copy", &folder), ("killed: warm copy and tail", &killed)] {
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            warm_up(folder)?;
            let feed = Script { checkpoint: None, sets: Vec::new().into_iter() };
            let (took, following) = started(&signers, feed, &drop, folder)?;
            let status = following.status();
            if status.tip.sequence != end {
                return Err(format!("it is at {}", status.tip.sequence).into());
            }
            times.push(took);
            // As if killed: what was kept stays as it is.
            std::mem::forget(following);
        }
        times.sort();
        println!("{name:<28} {:>6} ms", times[ROUNDS / 2].as_millis());
    }
    Ok(())
}

/// How long it takes until everything that was served is served again, which is when `start` returns.
fn started(
    signers: &Signers,
    feed: Script,
    drop: &std::path::Path,
    folder: &std::path::Path,
) -> Outcome<(Duration, hufu_follow::Following)> {
    let begun = Instant::now();
    let table = Table::new(Limits::for_holders(1, u64::from(HOLDERS)))?;
    let following = signers.start(&table, feed, drop, folder)?;
    Ok((begun.elapsed(), following))
}
