//! What the engine recorded: counted against its own verdicts, found by a holder, and gone after sixty days.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use hufu_files::keys::read_seed;
use hufu_files::moment;
use hufu_records::{Day, Folder, Identity, KeyFolder, Secret, Store, StoreOptions};
use hufu_wire::UnixMillis;
use serde_json::Value;

use super::place::{Place, RECORD_KEYS, RECORDS, RECORDS_SECRET};
use super::tour::{Tour, strings};
use crate::outcome::Exit;

/// The copy of the folders in which sixty days have passed.
const LATER: &str = "after-sixty-days";
const DAY_MS: u64 = 86_400_000;
const KEEP_DAYS: u32 = 60;

/// Shows the records of the engine, once it has stopped. It counted so many verdicts, and the load got so many answers.
pub(super) fn show(tour: &Tour<'_>, place: &Place, verdicts: u64, answered: u64) -> anyhow::Result<()> {
    let (records, keys) = (RECORDS, RECORD_KEYS);
    tour.step(&verify(records), Exit::Yes)?;
    let report = tour.run(&[verify(records), strings(&["--json"])].concat())?;
    let report: Value = serde_json::from_slice(&report.stdout).context("a report of records is no JSON")?;
    let days = report["days"].as_array().context("a report of records has no days")?;
    let count: u64 = days.iter().filter_map(|day| day["records"].as_u64()).sum();
    ensure!(
        count == verdicts && count >= answered,
        "{count} records of {verdicts} verdicts, of which the load got {answered}"
    );
    tour.tell(&format!("{count} records of {verdicts} verdicts. The visitor's phone finds its own:"));
    let day = days.last().and_then(|day| day["day"].as_str()).context("a report has no day")?;
    tour.step(&find(records, keys, day), Exit::Yes)?;
    let [records, keys] = destroy(&place.folder)?;
    tour.tell(
        "A copy of it, sixty-one days later: the keys are destroyed, and the chain still says what there was",
    );
    tour.step(&verify(&records), Exit::Yes)?;
    tour.step(&find(&records, &keys, day), Exit::No)
}

fn verify(records: &str) -> Vec<String> {
    strings(&["records", "verify", "--folder", records])
}

fn find(records: &str, keys: &str, day: &str) -> Vec<String> {
    let of = ["records", "find", "--folder", records, "--keys", keys, "--secret", RECORDS_SECRET];
    strings(&[&of[..], &["--day", day, "--holder", "visitor.holder"]].concat())
}

/// How long the disk under `folder` takes to make 4 KiB durable, in µs: the median and the 99th percentile of many.
pub(super) fn sync_us(folder: &Path) -> anyhow::Result<[f64; 2]> {
    const BLOCK: usize = 4_096;
    const TIMES: usize = 400;
    let file = tempfile::tempfile_in(folder)?;
    file.write_all_at(&vec![1; BLOCK * TIMES], 0)?;
    file.sync_all()?;
    let mut took = (0..TIMES)
        .map(|at| {
            let begun = Instant::now();
            file.write_all_at(&[2; BLOCK], (at * BLOCK) as u64)?;
            file.sync_data()?;
            Ok(begun.elapsed().as_secs_f64() * 1e6)
        })
        .collect::<std::io::Result<Vec<f64>>>()?;
    took.sort_by(f64::total_cmp);
    Ok([took[TIMES / 2], took[TIMES * 99 / 100]])
}

/// Copies the folders, lets the days pass there, and names the copies.
fn destroy(folder: &Path) -> anyhow::Result<[String; 2]> {
    let names = [RECORDS, RECORD_KEYS].map(|name| format!("{LATER}/{name}"));
    for (from, to) in [RECORDS, RECORD_KEYS].iter().zip(&names) {
        fs::create_dir_all(folder.join(to))?;
        for file in fs::read_dir(folder.join(from))? {
            let file = file?;
            fs::copy(file.path(), folder.join(to).join(file.file_name()))?;
        }
    }
    let secret = Secret::new(*read_seed(&folder.join(RECORDS_SECRET))?);
    let identity = Identity::of(&secret)?;
    let [records, keys] = names.each_ref().map(|name| Folder::lock(&folder.join(name)));
    let options = StoreOptions {
        segment_bytes: 64 << 20,
        keep_days: KEEP_DAYS,
        day_of: Box::new(|now: UnixMillis| Day(u32::try_from(now.0 / DAY_MS).unwrap_or(u32::MAX))),
    };
    let mut store = Store::open(records?, KeyFolder::new(keys?, Box::new(secret)), identity, options)?;
    store.turn(UnixMillis(moment::now().0 + u64::from(KEEP_DAYS + 2) * DAY_MS))?;
    Ok(names)
}
