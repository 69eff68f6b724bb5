//! `hufu records`: the records that engines keep of checks (R40), what a holder finds in them (R41), whether they are
//! whole (R42), and who read them (R44). There is no search by holder: a record does not say whose code it was.

mod archive;
mod export;
mod find;
mod list;
mod offline;
mod row;
mod serve;
mod trail;
mod verify;
mod view;
mod wanted;

use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use hufu_files::agent::Agent;
use hufu_files::keys::random_seed;
use hufu_files::moment::Span;
use hufu_files::{self as files, Readable};
use hufu_node::wrapping;
use hufu_records::{Day, Folder, Found, KeyFolder};
use zeroize::Zeroizing;

pub(crate) use self::trail::ensure_owner;
use self::trail::{Because, Reading, Trail};
use self::wanted::{Filter, Wanted};
use crate::outcome::Exit;
use crate::term::tell;

pub(crate) const EXAMPLES: &str = "Examples:
  hufu records secret --out records.secret
  hufu records verify --folder records
  hufu records verify --folder records --keys record-keys --secret records.secret
  hufu records list --folder records --keys record-keys --secret records.secret --day 2026-11-29 --site 310101 \
--because 'case 2026-117'
  hufu records count --folder records --keys record-keys --secret records.secret --day 2026-11-29 --json
  hufu records export --folder records --keys record-keys --secret records.secret --day 2026-11-29 --out day.parquet \
--because 'monthly statistics'
  hufu records trail --folder records
  hufu records offline state/offline-records
  hufu records archive --folder records --store s3://bucket/engine-1 --every 60
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
        /// The secret that wraps the keys, or agent:CMD with the command of `agent` in engine.toml
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
        /// Why: it stands in the trail. Write a case, and no name of a person
        #[arg(long, value_name = "TEXT")]
        because: Because,
    },
    /// Count the records of a day by hour, site and reason
    Count {
        #[command(flatten)]
        day: DayArgs,
        #[command(flatten)]
        wanted: Wanted,
        /// Why: it stands in the trail. Required for counts below 10, of a device or of a part of the day
        #[arg(long, value_name = "TEXT")]
        because: Option<Because>,
    },
    /// Write the records of a day, without their slips, to a CSV or Parquet file
    Export {
        #[command(flatten)]
        day: DayArgs,
        #[command(flatten)]
        wanted: Wanted,
        /// The file to write: NAME.csv or NAME.parquet
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// Why: it stands in the trail. Write a case, and no name of a person
        #[arg(long, value_name = "TEXT")]
        because: Because,
    },
    /// Print who read records and why, and whether that trail is whole
    Trail {
        /// The engine's folder of records
        #[arg(long, value_name = "FOLDER")]
        folder: PathBuf,
        /// The digest of a line, as it was noted elsewhere: it must still be there
        #[arg(long, value_name = "DIGEST")]
        contains: Option<String>,
    },
    /// Print what gates decided without a network, each record once, as they handed them over to engines
    Offline {
        /// Folders of them: offline-records in the state of each engine
        #[arg(required = true, value_name = "FOLDER")]
        folders: Vec<PathBuf>,
    },
    /// Copy what is closed to an object store, and delete there what was destroyed here
    Archive(ArchiveArgs),
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

/// Where an engine's closed records are copied to.
#[derive(Debug, Args)]
pub(crate) struct ArchiveArgs {
    /// The engine's folder of records
    #[arg(long, value_name = "FOLDER")]
    folder: PathBuf,
    /// A folder, or s3://BUCKET/PREFIX; each engine has one of its own
    #[arg(long, value_name = "PLACE")]
    store: hufu_objects::Place,
    /// Go on, and look again after so many seconds
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    every: Option<u32>,
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
    /// The secret that wraps the keys, or agent:CMD with the command of `agent` in engine.toml
    #[arg(long, value_name = "FILE")]
    secret: PathBuf,
    /// The day, in the engine's time zone
    #[arg(long, value_name = "YYYY-MM-DD")]
    day: Day,
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
            verify::run(folder, keys.as_ref(), public.as_deref())
        }
        RecordsCommand::List { day, wanted, because } => list::list(day, wanted, because),
        RecordsCommand::Count { day, wanted, because } => list::count(day, wanted, because.as_ref()),
        RecordsCommand::Export { day, wanted, out, because } => export::run(day, wanted, out, because),
        RecordsCommand::Trail { folder, contains } => trail::run(folder, contains.as_deref()),
        RecordsCommand::Offline { folders } => offline::run(folders),
        RecordsCommand::Archive(args) => archive::run(args),
        RecordsCommand::Find { day, holder } => find::run(day, holder),
        RecordsCommand::View(args) => view::run(args),
        RecordsCommand::Serve(args) => serve::run(args),
    }
}

impl DayArgs {
    /// Reads the day, record by record.
    fn each(&self, each: impl FnMut(&Found) -> io::Result<()>) -> anyhow::Result<()> {
        let DayArgs { folder, keys, secret, day } = self;
        let (keys, mut each) = (key_folder(keys, secret)?, each);
        hufu_records::read(&open(folder)?, &keys, *day, |found| each(&found))
            .with_context(|| format!("the records of {day} in {} cannot be read", folder.display()))
    }

    /// Leaves a line in the trail that `command` reads the records of `filter`, and says how many they are. They are then
    /// shown by [`Noted::each`].
    fn note<'d>(
        &'d self,
        command: &'static str,
        filter: &'d Filter,
        because: &Because,
        out: Option<&Path>,
    ) -> anyhow::Result<Noted<'d>> {
        let (mut records, mut end) = (0, 0);
        self.each(|found| {
            records += u64::from(filter.is(&found.row));
            end = found.number + 1;
            Ok(())
        })?;
        let answer = trail::Answer::Records(records);
        Trail::of(&self.folder).add(&Reading { command, day: self.day, filter, because, answer, out })?;
        Ok(Noted { day: self, filter, records, end })
    }
}

/// Records that a line in the trail speaks of.
struct Noted<'d> {
    day: &'d DayArgs,
    filter: &'d Filter,
    records: u64,
    /// The number after the last one of the day: an engine may go on to write.
    end: u64,
}

impl Noted<'_> {
    /// Reads them, and no others.
    fn each(&self, mut each: impl FnMut(&Found) -> io::Result<()>) -> anyhow::Result<()> {
        self.day.each(|found| {
            if found.number < self.end && self.filter.is(&found.row) { each(found) } else { Ok(()) }
        })
    }
}

fn open(folder: &Path) -> anyhow::Result<Folder> {
    Folder::read(folder).with_context(|| format!("{} is not a folder of records", folder.display()))
}

fn key_folder(keys: &Path, secret: &Path) -> anyhow::Result<KeyFolder> {
    let folder = Folder::read(keys).with_context(|| format!("{} is not a folder of keys", keys.display()))?;
    let wrapping = match secret.to_str().and_then(|text| text.strip_prefix(AGENT)) {
        Some(command) => wrapping::of_agent(Agent::new(command, AGENT_TIMEOUT))?,
        None => wrapping::of_file(secret)?,
    };
    Ok(KeyFolder::new(folder, wrapping))
}

/// What stands before a command that answers in the place of a secret.
const AGENT: &str = "agent:";
/// How long it may take: a person may have to enter a PIN.
const AGENT_TIMEOUT: Span = Span { s: 60 };
