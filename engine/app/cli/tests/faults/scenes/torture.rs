//! A short torture: the long one is `cargo xtask torture`.

use std::path::Path;

use anyhow::{Result, ensure};
use hufu_field::is_within;
use hufu_field::torture::Torture;

use super::disk::within;
use super::provide;

#[test]
fn r22_r40_whatever_is_killed_nothing_is_wrong_and_no_record_is_lost() -> Result<()> {
    within("scenes::torture::a_short_torture")
}

#[test]
#[ignore = "run by the test above, in a namespace of its own"]
fn a_short_torture() -> Result<()> {
    if !is_within() {
        return Ok(());
    }
    provide();
    let torture = Torture { kills: 6, seed: 3, engines: 1, postgres: false, rate: 0 };
    let outcome = torture.run(Path::new(env!("CARGO_BIN_EXE_hufu")), &|_| {})?;
    ensure!(outcome.killed() >= 6 && outcome.troubles.values().sum::<u32>() > 3, "{}", outcome.json());
    Ok(())
}
