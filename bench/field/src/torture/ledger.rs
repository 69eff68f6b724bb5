//! Whether every verdict has its record.

use std::collections::HashSet;

use anyhow::{Context as _, Result, ensure};
use hufu_files::moment;
use hufu_wire::UnixMillis;
use serde_json::Value;

use crate::deployment::Deployment;
use crate::watch::Given;

/// An engine's table `[records]`, in files of a megabyte, with a secret of its own.
///
/// # Errors
/// The secret cannot be made.
pub(super) fn keep(deployment: &Deployment, engine: &str) -> Result<String> {
    deployment.run(&format!("records secret --out {engine}.secret"))?;
    let folders = "folder = \"records\"\nkeys = \"record-keys\"\n";
    Ok(format!("[records]\n{folders}secret = \"../{engine}.secret\"\nsegment_mib = 1\n"))
}

/// How many records the engine has, and which of `given` are not among them. The chain of blocks must be whole.
///
/// # Errors
/// It is not whole, or cannot be read.
pub(super) fn compare(deployment: &Deployment, engine: &str, given: &[Given]) -> Result<(u64, Vec<String>)> {
    let folders = format!("--folder {engine}/records --keys {engine}/record-keys --secret {engine}.secret");
    let whole = deployment.run(&format!("records verify {folders}"))?;
    ensure!(whole.contains("whole: every block follows"), "{engine}: {whole}");
    let mut days: Vec<_> = given.iter().map(|one| day(one.time_ms)).collect();
    days.sort_unstable();
    days.dedup();
    let mut found = HashSet::new();
    let mut records = 0;
    for day in days {
        let list = deployment.run(&format!("records list {folders} --day {day} --because torture --json"))?;
        for line in list.lines() {
            let row: Value = serde_json::from_str(line)?;
            let number = |name: &str| row[name].as_u64();
            records += 1;
            if let Some(check) = number("check") {
                let time_ms = number("time_ms").context("a record has a time")?;
                let as_of = number("as_of").context("a record has a sequence")?;
                found.insert((check, time_ms, as_of, row["reason"].as_str().unwrap_or_default().to_owned()));
            }
        }
    }
    let is_missing =
        |one: &&Given| !found.contains(&(one.check, one.time_ms, one.as_of, one.reason.to_owned()));
    let missing = given.iter().filter(is_missing).map(|one| format!("{engine}: {one:?}")).collect();
    Ok((records, missing))
}

fn day(time_ms: u64) -> String {
    moment::show(UnixMillis(time_ms).seconds()).chars().take(10).collect()
}
