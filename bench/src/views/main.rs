//! Days of records for measuring the holder's view: closed days of as many checks as asked for, written by the engine's own
//! store, and a phone that was checked a few times a day. `docs/PERFORMANCE.md` has the commands.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use anyhow::Context as _;
use clap::Parser;
use hufu_check::{Channel, Durability, Record, Trace};
use hufu_fixtures::mix;
use hufu_records::{
    Day, Finder, Folder, Identity, Kept, KeyFolder, RECORDS_MAX, Row, Secret, Store, StoreOptions,
};
use hufu_wire::{
    CheckNumber, CodeKind, DeviceGeneration, DeviceId, Grant, Lane, Reason, Scope, SiteId, UnixMillis,
    Verdict,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Write closed days of records: `records`, `record-keys`, `records.secret` and what a phone remembers,
/// `phone.holder.shown`.
#[derive(Parser)]
struct Args {
    /// The folder to write to
    #[arg(long)]
    out: PathBuf,
    /// Days; the last one is yesterday
    #[arg(long, default_value_t = 1)]
    days: u32,
    /// Records of each day, all of phones
    #[arg(long, default_value_t = 1_000_000)]
    records: u64,
    /// Checks of the one phone each day
    #[arg(long, default_value_t = 3)]
    shown: u64,
}

const DAY_MS: u64 = 86_400_000;
const SECRET: [u8; 32] = [0x5a; 32];

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let begun = Instant::now();
    let today = UnixMillis::from(SystemTime::now()).0 / DAY_MS;
    let mut store = open(&args.out)?;
    let mut shown = String::new();
    for day in today - u64::from(args.days)..today {
        write_day(&mut store, day, &args, &mut shown)?;
        store.turn(UnixMillis((day + 1) * DAY_MS))?;
    }
    private(&args.out.join("records.secret"), &hex(&SECRET))?;
    private(&args.out.join("phone.holder.shown"), &shown)?;
    let (written, seconds) = (args.records * u64::from(args.days), begun.elapsed().as_secs_f64());
    println!("{}", serde_json::json!({ "days": args.days, "records": written, "seconds": seconds }));
    Ok(())
}

fn open(out: &Path) -> anyhow::Result<Store> {
    let keys = KeyFolder::new(Folder::lock(&out.join("record-keys"))?, Box::new(Secret::new(SECRET)));
    let options = StoreOptions {
        segment_bytes: 64 << 20,
        keep_days: 60,
        day_of: Box::new(|now| Day(u32::try_from(now.0 / DAY_MS).unwrap_or(u32::MAX))),
    };
    let identity = Identity::of(&Secret::new(SECRET))?;
    Ok(Store::open(Folder::lock(&out.join("records"))?, keys, identity, options)?)
}

fn write_day(store: &mut Store, day: u64, args: &Args, shown: &mut String) -> anyhow::Result<()> {
    let every = args.records / (args.shown + 1);
    let mut block = Vec::with_capacity(RECORDS_MAX);
    for number in 0..args.records {
        let now = UnixMillis(day * DAY_MS + number * (DAY_MS - 1) / args.records);
        let value = value((day << 40) | number);
        let trace = Trace::Step(value);
        if number > 0 && number.is_multiple_of(every.max(1)) && number / every.max(1) <= args.shown {
            let finder = Finder::of_step(&value).to_bytes();
            writeln!(shown, "{} {}", now.seconds().step().0, hex(&*finder))?;
        }
        block.push(Kept { row: Row::of(&record(now, number, trace), 40), trace });
        if block.len() == RECORDS_MAX || number + 1 == args.records {
            store.commit(now, &block)?;
            block.clear();
        }
    }
    Ok(())
}

fn value(number: u64) -> [u8; 16] {
    let mut value = [0; 16];
    value[..8].copy_from_slice(&mix(number).to_le_bytes());
    value[8..].copy_from_slice(&mix(!number).to_le_bytes());
    value
}

fn record(now: UnixMillis, number: u64, trace: Trace) -> Record {
    let (site, device) = (SiteId(310_101), DeviceId(7));
    let verdict =
        Verdict { kind: Some(CodeKind::Phone), ..Verdict::of(CheckNumber(number), now, Reason::Clear) };
    Record {
        channel: Channel::Sealed,
        grant: Grant { device, generation: DeviceGeneration(1), site, scope: Scope::CHECKS },
        lane: Some(Lane(0)),
        trace,
        durability: Durability::Written,
        verdict,
        roster: None,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn private(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| path.display().to_string())?;
    Ok(std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?)
}
