//! `hufu records view`: the view of a closed day, for holders.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use hufu_files as files;
use hufu_records::{BUCKET_SLIPS_MIN, build_view};

use super::{DayArgs, key_folder, open};
use crate::outcome::Exit;
use crate::progress::{COUNT, progress};
use crate::term::tell;

/// Make the view of a closed day.
#[derive(Debug, Args)]
pub(crate) struct ViewArgs {
    #[command(flatten)]
    day: DayArgs,
    /// The folder of views, which `hufu records serve` reads
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
}

/// Runs `hufu records view`.
pub(super) fn run(
    ViewArgs { day: DayArgs { folder, keys, secret, day }, out }: &ViewArgs,
) -> anyhow::Result<Exit> {
    let keys = key_folder(keys, secret)?;
    files::folder(out)?;
    let begun = Instant::now();
    let bar = progress(0, "view", COUNT);
    let (mut records, mut told) = (0, 0);
    let built = build_view(&open(folder)?, &keys, *day, out, |done, total| {
        records = total / 2;
        // A bar takes a lock.
        if done >= told {
            bar.set_length(total);
            bar.set_position(done);
            told = done + 10_000;
        }
    });
    bar.finish_and_clear();
    let (path, header) = built?;
    let (seconds, peak) = (begun.elapsed().as_secs_f64(), peak_bytes());
    let one = if header.prefix_bits == 0 && header.slips < BUCKET_SLIPS_MIN {
        format!("; the day has fewer than {BUCKET_SLIPS_MIN} slips, so that they are one bucket")
    } else {
        String::new()
    };
    tell!(
        {
            "file": path, "day": header.day.to_string(), "records": records, "slips": header.slips,
            "prefix_bits": header.prefix_bits, "buckets": header.buckets(), "seconds": seconds, "peak_bytes": peak,
        },
        "{}: {} slips of {records} records in {} buckets, in {seconds:.1} s{one}",
        path.display(),
        header.slips,
        header.buckets()
    );
    Ok(Exit::Yes)
}

/// Most memory that this process had so far (proc(5)); `None` where the kernel does not say.
fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
    Some(peak?.parse::<u64>().ok()? * 1024)
}
