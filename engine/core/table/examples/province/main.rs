//! What a whole country costs: generates a snapshot, loads it, measures memory and look-ups, beside ten million
//! holders in the same run (R14). The table goes to stderr, the JSON to stdout.
//!
//! `cargo run --release -p hufu-table --example province -- --holders 1400000000 --dir DIR`

mod look;
mod machine;
mod population;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{fs, io};

use anyhow::{Context, ensure};
use clap::Parser;
use comfy_table::Table as Sheet;
use hufu_table::{Limits, Snapshot, Table};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

/// Load a generated snapshot of this many holders and of ten million, and compare what they cost.
#[derive(Parser)]
struct Options {
    /// Holders of the large table, at most 2^32.
    #[arg(long, default_value_t = 1_400_000_000, value_parser = clap::value_parser!(u64).range(1..=1 << 32))]
    holders: u64,
    /// Folder for the snapshot files, which are deleted afterwards: eight bytes a holder.
    #[arg(long)]
    dir: PathBuf,
}

const SMALL: u64 = 10_000_000;

/// Reading and loading are each timed this often, in turn, and the best time counts: disks are shared.
const ROUNDS: usize = 3;

/// What was measured for one table.
#[derive(Serialize)]
struct Figures {
    holders: u64,
    file_bytes: u64,
    generate_s: f64,
    /// Reading the same file and doing nothing with it: the disk's limit.
    read_s: f64,
    /// Reading it into an empty table, every digest checked.
    load_s: f64,
    /// CPU time of that, both threads: on two idle cores the load cannot take less than half of it.
    load_cpu_s: f64,
    /// Anonymous memory of the whole process once loaded.
    resident_bytes: u64,
    resident_bytes_per_holder: f64,
    segments: usize,
    huge_page_bytes: Option<u64>,
    /// 1: every segment is a huge page; 0: the kernel gave none or does not say.
    huge_page_share: f64,
    lookup: look::Costs,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let figures = [measure(SMALL, &options.dir)?, measure(options.holders, &options.dir)?];
    eprintln!("{}", sheet(&figures));
    serde_json::to_writer_pretty(io::stdout(), &figures)?;
    println!();
    Ok(())
}

fn measure(holders: u64, dir: &Path) -> anyhow::Result<Figures> {
    let file = Removed(dir.join(format!("province-{holders}.snapshot")));
    let started = Instant::now();
    let written = population::generate(&file.0, holders, &progress(holders))?;
    let generate_s = started.elapsed().as_secs_f64();

    let mut read_s = f64::INFINITY;
    let mut load_s = f64::INFINITY;
    let mut load_cpu_s = f64::INFINITY;
    let mut table = Table::new(Limits::for_holders(1, holders))?;
    for _ in 0..ROUNDS {
        machine::forget_cached(&file.0)?;
        let started = Instant::now();
        machine::read_through(&file.0)?;
        read_s = read_s.min(started.elapsed().as_secs_f64());

        machine::forget_cached(&file.0)?;
        // The one before is freed first.
        drop(table);
        table = Table::new(Limits::for_holders(1, holders))?;
        let (started, cpu_ns) = (Instant::now(), machine::process_cpu_ns());
        let loaded = Snapshot::open(&file.0)?.load(&mut table.writer(population::ISSUER)?)?;
        load_s = load_s.min(started.elapsed().as_secs_f64());
        load_cpu_s = load_cpu_s.min(seconds(machine::process_cpu_ns() - cpu_ns));
        ensure!(loaded == written, "loaded something else than was written");
    }

    let reader = table.reader();
    let memory = reader.memory()?;
    let resident_bytes = machine::anonymous_bytes().context("the kernel says nothing about our memory")?;
    let slot = reader.slot(population::ISSUER).context("the issuer was loaded")?;
    let lookup = look::measure(&reader, slot, holders)?;
    Ok(Figures {
        holders,
        file_bytes: written.bytes,
        generate_s,
        read_s,
        load_s,
        load_cpu_s,
        resident_bytes,
        resident_bytes_per_holder: ratio(resident_bytes, holders),
        segments: memory.segments,
        huge_page_bytes: memory.kernel.map(|kernel| kernel.huge_bytes),
        huge_page_share: memory.kernel.map_or(0.0, |kernel| ratio(kernel.huge_bytes, memory.bytes)),
        lookup,
    })
}

/// A file that is deleted when the measurement is over, also when it failed.
struct Removed(PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Draws on a terminal only.
fn progress(holders: u64) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("generating {bar:40} {human_pos} of {human_len} holders, {eta} left");
    ProgressBar::new(holders).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn seconds(ns: u64) -> f64 {
    Duration::from_nanos(ns).as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

fn sheet(figures: &[Figures]) -> Sheet {
    let mut sheet = Sheet::new();
    sheet.load_style(comfy_table::presets::ASCII_MARKDOWN);
    let mut row = |name: &str, cell: &dyn Fn(&Figures) -> String| {
        let cells: Vec<String> = [name.to_owned()].into_iter().chain(figures.iter().map(cell)).collect();
        sheet.add_row(cells);
    };
    row("holders", &|of| of.holders.to_string());
    row("file, bytes", &|of| of.file_bytes.to_string());
    row("generate and sync, s", &|of| format!("{:.1}", of.generate_s));
    row("read the file and drop it, s", &|of| format!("{:.2}", of.read_s));
    row("load, s", &|of| format!("{:.2}", of.load_s));
    row("load, CPU s", &|of| format!("{:.2}", of.load_cpu_s));
    row("resident, bytes", &|of| of.resident_bytes.to_string());
    row("resident, bytes a holder", &|of| format!("{:.3}", of.resident_bytes_per_holder));
    row("segments of 2 MiB", &|of| of.segments.to_string());
    row("in huge pages, bytes", &|of| {
        of.huge_page_bytes.map_or("unknown".to_owned(), |bytes| bytes.to_string())
    });
    row("in huge pages, %", &|of| format!("{:.1}", of.huge_page_share * 100.0));
    row("look-up waited for, ns", &|of| format!("{:.1}", of.lookup.waited_for_ns));
    row("look-up in batches of 32, ns", &|of| format!("{:.1}", of.lookup.batch_32_ns));
    row("look-up in batches of 1024, ns", &|of| format!("{:.1}", of.lookup.batch_1024_ns));
    sheet
}
