//! `hufu records`: the records that engines keep of checks (R40), what a holder finds in them (R41), and whether they
//! are whole (R42). There is no search by holder: a record does not say whose code it was.

mod serve;
mod view;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::{Args, Subcommand};
use hufu_files::keys::{random_seed, read_seed};
use hufu_files::{self as files, Readable, moment};
use hufu_records::{
    Answer, Day, FaultKind, Finder, Folder, Found, Held, KeyFolder, Report, Row, Secret, Seen, VERIFIER,
    engine_of, public_key,
};
use hufu_wire::{DeviceId, SiteId, UnixSeconds};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::holder::HolderFile;
use crate::outcome::Exit;
use crate::term::{self, tell};
use crate::verdict::{colour_slug, decision_slug, kind_slug};

pub(crate) const EXAMPLES: &str = "Examples:
  hufu records secret --out records.secret
  hufu records verify --folder records
  hufu records verify --folder records --keys record-keys --secret records.secret
  hufu records list --folder records --keys record-keys --secret records.secret --day 2026-11-29 --site 310101
  hufu records count --folder records --keys record-keys --secret records.secret --day 2026-11-29 --json
  hufu records find --folder records --keys record-keys --secret records.secret --day 2026-11-29 --holder zhang.holder
  hufu records view --folder records --keys record-keys --secret records.secret --day 2026-11-29 --out views
  hufu records serve --views views --keys record-keys --secret records.secret --sites sites.toml

An engine keeps records when its engine.toml has a table [records]. Reading them needs the key of the day; whether they \
are whole can be seen without. Nothing finds a person in them but what the person's phone knows (docs/RECORDS.md).";

/// Verify and read the records of checks.
#[derive(Debug, Subcommand)]
pub(crate) enum RecordsCommand {
    /// Make the secret that wraps the keys of days
    Secret {
        /// The file to write, for its owner alone
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Say whether no record was removed, altered or exchanged
    Verify {
        /// The engine's folder of records
        #[arg(long, value_name = "FOLDER")]
        folder: PathBuf,
        /// Its folder of keys: opens every block, too
        #[arg(long, value_name = "FOLDER", requires = "secret")]
        keys: Option<PathBuf>,
        /// The secret that wraps the keys
        #[arg(long, value_name = "FILE", requires = "keys")]
        secret: Option<PathBuf>,
        /// The engine's public key, 64 hexadecimal digits, as it was noted elsewhere [default: the folder's own]
        #[arg(long, value_name = "KEY")]
        public: Option<String>,
    },
    /// Print the records of a day, a line each
    List {
        #[command(flatten)]
        day: DayArgs,
        #[command(flatten)]
        wanted: Wanted,
    },
    /// Count the records of a day by hour, site and reason
    Count {
        #[command(flatten)]
        day: DayArgs,
        #[command(flatten)]
        wanted: Wanted,
    },
    /// Print what one phone can find of itself
    Find {
        #[command(flatten)]
        day: DayArgs,
        /// The phone's file, with its secret seed
        #[arg(long, value_name = "FILE")]
        holder: PathBuf,
    },
    /// Make the view of a closed day: its slips, sorted, in buckets that holders ask for
    View(view::ViewArgs),
    /// Serve views, so that holders see who checked them
    Serve(serve::ServeArgs),
}

/// One day of one engine.
#[derive(Debug, Args)]
pub(crate) struct DayArgs {
    /// The engine's folder of records
    #[arg(long, value_name = "FOLDER")]
    folder: PathBuf,
    /// Its folder of keys
    #[arg(long, value_name = "FOLDER")]
    keys: PathBuf,
    /// The secret that wraps the keys
    #[arg(long, value_name = "FILE")]
    secret: PathBuf,
    /// The day, in the engine's time zone
    #[arg(long, value_name = "YYYY-MM-DD")]
    day: Day,
}

/// Which records are wanted. None of it is a holder.
#[derive(Debug, Args)]
pub(crate) struct Wanted {
    /// Of this site alone
    #[arg(long, value_name = "SITE")]
    site: Option<u32>,
    /// Of this device alone
    #[arg(long, value_name = "DEVICE")]
    device: Option<u32>,
    /// With this reason alone, such as `clear` or `red`
    #[arg(long, value_name = "REASON")]
    reason: Option<String>,
}

/// Runs `hufu records`.
pub(crate) fn run(command: &RecordsCommand) -> anyhow::Result<Exit> {
    match command {
        RecordsCommand::Secret { out } => {
            let digits = Zeroizing::new(hex::encode(random_seed()?.as_slice()));
            files::create(out, digits.as_bytes(), Readable::Owner)?;
            tell!({ "file": out }, "{}: keep it apart from the records, and out of their backup", out.display());
            Ok(Exit::Yes)
        }
        RecordsCommand::Verify { folder, keys, secret, public } => {
            let keys = keys.as_deref().zip(secret.as_deref());
            let keys = keys.map(|(keys, secret)| key_folder(keys, secret)).transpose()?;
            let report = verify(folder, keys.as_ref(), public.as_deref())?;
            term::outcome(|| report_json(&report), || report_text(&report));
            Ok(if report.faults.is_empty() { Exit::Yes } else { Exit::No })
        }
        RecordsCommand::List { day, wanted } => {
            day.each(|found| {
                if wanted.is(&found.row) {
                    term::event(|| row_json(found), || row_text(found));
                }
            })?;
            Ok(Exit::Yes)
        }
        RecordsCommand::Count { day, wanted } => {
            let mut counts: BTreeMap<(String, SiteId, String), u64> = BTreeMap::new();
            day.each(|found| {
                if wanted.is(&found.row) {
                    let hour = moment::show(UnixSeconds(found.row.time().seconds().0 / 3600 * 3600));
                    *counts.entry((hour, found.row.site, found.row.reason().to_string())).or_default() += 1;
                }
            })?;
            for ((hour, site, reason), count) in counts {
                term::event(
                    || json!({ "hour": hour, "site": site.0, "reason": reason, "records": count }),
                    || format!("{hour}  site {site}  {reason}  {count}"),
                );
            }
            Ok(Exit::Yes)
        }
        RecordsCommand::Find { day, holder } => {
            let finders: BTreeMap<_, _> = HolderFile::load(holder)?
                .values()?
                .map(|(_, value)| Finder::of_step(&value))
                .map(|finder| (*finder.tag(), finder))
                .collect();
            let mut seen = 0;
            day.each(|found| {
                let slip = found.slip.as_ref();
                let opened = slip.and_then(|slip| finders.get(&slip.tag)?.open(slip));
                if let Some(check) = opened {
                    seen += 1;
                    term::event(|| seen_json(&check), || seen_text(&check));
                }
            })?;
            Ok(if seen > 0 { Exit::Yes } else { Exit::No })
        }
        RecordsCommand::View(args) => view::run(args),
        RecordsCommand::Serve(args) => serve::run(args),
    }
}

impl DayArgs {
    /// Reads the day, record by record.
    fn each(&self, mut each: impl FnMut(&Found)) -> anyhow::Result<()> {
        let DayArgs { folder, keys, secret, day } = self;
        let keys = key_folder(keys, secret)?;
        hufu_records::read(&open(folder)?, &keys, *day, |found| {
            each(&found);
            Ok(())
        })
        .with_context(|| format!("the records of {day} in {} cannot be read", folder.display()))
    }
}

impl Wanted {
    fn is(&self, row: &Row) -> bool {
        self.site.is_none_or(|site| row.site == SiteId(site))
            && self.device.is_none_or(|device| row.device == DeviceId(device))
            && self.reason.as_ref().is_none_or(|reason| row.reason().to_string() == *reason)
    }
}

fn open(folder: &Path) -> anyhow::Result<Folder> {
    Folder::read(folder).with_context(|| format!("{} is not a folder of records", folder.display()))
}

fn key_folder(keys: &Path, secret: &Path) -> anyhow::Result<KeyFolder> {
    let folder = Folder::read(keys).with_context(|| format!("{} is not a folder of keys", keys.display()))?;
    Ok(KeyFolder::new(folder, Box::new(Secret::new(*read_seed(secret)?))))
}

fn verify(folder: &Path, keys: Option<&KeyFolder>, public: Option<&str>) -> anyhow::Result<Report> {
    let records = open(folder)?;
    let bytes = match public {
        Some(digits) => hex::decode(digits).context("--public has 64 hexadecimal digits")?,
        None => files::read(&folder.join(VERIFIER))?,
    };
    let key = public_key(&bytes)
        .ok_or_else(|| anyhow!("the public key is not one of an engine: 32 bytes are wanted"))?;
    hufu_records::verify(&records, keys, &engine_of(&key), &key)
        .with_context(|| format!("the records in {} cannot be verified", folder.display()))
}

fn report_json(report: &Report) -> Value {
    let day = |day: &hufu_records::DayReport| {
        json!({
            "day": day.day.to_string(), "first": day.first, "records": day.records, "gaps": day.gaps,
            "state": state(day.held),
        })
    };
    let fault = |fault: &hufu_records::Fault| json!({ "day": fault.day.to_string(), "file": fault.file, "text": fault.to_string() });
    json!({
        "whole": report.faults.is_empty(),
        "days": report.days.iter().map(day).collect::<Vec<_>>(),
        "faults": report.faults.iter().map(fault).collect::<Vec<_>>(),
    })
}

fn report_text(report: &Report) -> String {
    let mut lines: Vec<String> = report
        .days
        .iter()
        .map(|day| {
            let gaps = match day.gaps {
                0 => String::new(),
                gaps => format!(", {gaps} gaps in which checks were answered busy"),
            };
            format!(
                "{}: {} records from number {}, {}{gaps}",
                day.day,
                day.records,
                day.first,
                state(day.held)
            )
        })
        .collect();
    lines.extend(report.faults.iter().map(|fault| format!("fault: {fault}")));
    lines.push(match report.faults.len() {
        0 => "whole: every block follows from the one before it".to_owned(),
        faults if report.faults.iter().all(|fault| fault.what == FaultKind::KeyMissing) => {
            format!("whole, and not readable: {faults} keys are missing")
        }
        faults => format!("not whole: {faults} faults"),
    });
    lines.join("\n")
}

const fn state(held: Held) -> &'static str {
    match held {
        Held::Open => "open",
        Held::Closed => "closed",
        Held::Destroyed => "destroyed",
    }
}

fn row_json(Found { number, row, slip }: &Found) -> Value {
    let mut object = json!({
        "record": number,
        "time": moment::show(row.time().seconds()),
        "time_ms": row.time().0,
        "site": row.site.0,
        "device": row.device.0,
        "lane": row.lane.0,
        "channel": format!("{:?}", row.channel).to_lowercase(),
        "latency_us": row.latency_us,
        "reason": row.reason().to_string(),
        "slip": slip.is_some(),
    });
    let more = match &row.answer {
        Answer::Verdict(verdict) => json!({
            "check": verdict.number.0,
            "decision": decision_slug(verdict.decision),
            "kind": verdict.kind.map(kind_slug),
            "colour": verdict.colour.map(colour_slug),
            "as_of": verdict.as_of.0,
        }),
        Answer::Roster(reply) => json!({
            "members": reply.members, "admitted": reply.admitted, "referred": reply.referred,
            "refused": reply.refused,
        }),
    };
    if let (Value::Object(object), Value::Object(more)) = (&mut object, more) {
        object.extend(more);
    }
    object
}

fn row_text(Found { number, row, .. }: &Found) -> String {
    let what = match &row.answer {
        Answer::Verdict(verdict) => format!("{}, {}", decision_slug(verdict.decision), verdict.reason),
        Answer::Roster(reply) => {
            format!("roster of {}: {} admitted, {}", reply.members, reply.admitted, reply.reason)
        }
    };
    format!(
        "{number}  {}  site {}  device {}  lane {}  {}",
        moment::show(row.time().seconds()),
        row.site,
        row.device,
        row.lane,
        what
    )
}

fn seen_json(seen: &Seen) -> Value {
    json!({
        "time": moment::show(seen.time.seconds()),
        "site": seen.site.0,
        "decision": decision_slug(seen.decision),
        "reason": seen.reason.to_string(),
    })
}

fn seen_text(seen: &Seen) -> String {
    let decision = decision_slug(seen.decision);
    format!("{}  site {}  {decision}, {}", moment::show(seen.time.seconds()), seen.site, seen.reason)
}
