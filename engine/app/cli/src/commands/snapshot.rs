//! `hufu snapshot`: look into a status snapshot, and change it by hand.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use clap::{Args, Subcommand, ValueEnum};
use hufu_files as files;
use hufu_files::moment::{self, Clock, Moment};
use hufu_table::{SnapshotInfo, SnapshotWriter};
use hufu_wire::{Colour, HolderIndex, IssuerId, Sequence, StatusWord, TestResult};
use serde_json::json;

use crate::outcome::Exit;
use crate::status;
use crate::statusfile::StatusFile;
use crate::term::{self, tell};

pub(crate) const EXAMPLES: &str = "Examples:
  hufu snapshot new --issuer 310000 --out issuer-310000.snapshot
  hufu snapshot set issuer-310000.snapshot --holder 42 --colour green --test negative --doses 3
  hufu snapshot set issuer-310000.snapshot --holder 42 --colour red
  hufu snapshot touch issuer-310000.snapshot
  hufu snapshot show issuer-310000.snapshot --holder 42";

/// Look into a status snapshot and change it.
#[derive(Debug, Subcommand)]
pub(crate) enum SnapshotCommand {
    /// Make a snapshot without known holders
    New {
        /// Whose holders
        #[arg(long, value_name = "ID")]
        issuer: u32,
        /// The file to write
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Show what a snapshot says, and one holder's status
    Show {
        /// The snapshot
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Whose status to show
        #[arg(long, value_name = "N")]
        holder: Option<u32>,
    },
    /// Change one holder's status: the next sequence, heard of now
    Set(SetArgs),
    /// Change nothing, but say that the issuer was heard of now
    Touch {
        /// The snapshot
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

/// Change one holder's status. What is not named stays as it is.
#[derive(Debug, Args)]
pub(crate) struct SetArgs {
    /// The snapshot; it is replaced
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Whose status
    #[arg(long, value_name = "N")]
    holder: u32,
    /// The colour; required for a holder who is not known yet
    #[arg(long)]
    colour: Option<ColourName>,
    /// The only credential generation that is alive
    #[arg(long, value_name = "N")]
    generation: Option<u8>,
    /// What the last test said
    #[arg(long, value_name = "RESULT")]
    test: Option<TestName>,
    /// When the last test was taken
    #[arg(long, value_name = "TIME", default_value = "now", requires = "test", allow_hyphen_values = true)]
    tested: Moment,
    /// Vaccine doses, 0 to 7
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=7))]
    doses: Option<u8>,
    /// When the colour expires
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    until: Option<Moment>,
    /// Forget the holder
    #[arg(long, conflicts_with_all = ["colour", "generation", "test", "doses", "until"])]
    unknown: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ColourName {
    Green,
    Amber,
    Red,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum TestName {
    None,
    Negative,
    Positive,
    Pending,
}

/// Runs `hufu snapshot`.
pub(crate) fn run(command: &SnapshotCommand) -> anyhow::Result<Exit> {
    match command {
        SnapshotCommand::New { issuer, out } => {
            let _lock = files::lock_folder_of(out)?;
            ensure!(!out.exists(), "{} exists already and is not overwritten", out.display());
            let heard = Some(moment::now());
            SnapshotWriter::create(out, IssuerId(*issuer), Sequence(1), heard)?.finish()?;
            tell!(
                { "file": out, "issuer": issuer, "sequence": 1 },
                "{}: issuer {issuer}, sequence 1, no holder is known",
                out.display()
            );
        }
        SnapshotCommand::Show { file, holder } => show(file, holder.map(HolderIndex))?,
        SnapshotCommand::Set(args) => set(args)?,
        SnapshotCommand::Touch { file } => {
            let mut held = StatusFile::edit(file)?;
            let info = held.store(held.info().sequence)?;
            let sequence = info.sequence;
            tell!(
                { "file": file, "sequence": sequence.0 },
                "{}: sequence {sequence}, heard of now",
                file.display()
            );
        }
    }
    Ok(Exit::Yes)
}

fn set(args: &SetArgs) -> anyhow::Result<()> {
    let mut held = StatusFile::edit(&args.file)?;
    let holder = HolderIndex(args.holder);
    let before = held.word(holder);
    let after = args.changed(before, &Clock::here())?;
    held.set(holder, after)?;
    let info = held.store(held.next())?;
    tell!(
        {
            "file": args.file, "sequence": info.sequence.0, "holder": args.holder,
            "before": status::to_json(before), "after": status::to_json(after),
        },
        "{}: sequence {}, holder {holder} was {} and is {}",
        args.file.display(),
        info.sequence,
        status::describe(before),
        status::describe(after)
    );
    Ok(())
}

impl SetArgs {
    fn changed(&self, before: StatusWord, clock: &Clock) -> anyhow::Result<StatusWord> {
        if self.unknown {
            return Ok(StatusWord::UNKNOWN);
        }
        let colour = self.colour.map(ColourName::colour).or(before.colour());
        let colour = colour.context("the holder is unknown: --colour is required")?;
        let generation = self.generation.unwrap_or(before.generation());
        let mut word = StatusWord::new(colour, generation).with_doses(self.doses.unwrap_or(before.doses()));
        word = match self.test {
            // Of no test there is no time.
            Some(TestName::None) => word,
            Some(test) => word.with_test(clock.test(self.tested).context("--tested")?, test.result()),
            None => word.with_test(before.test_minute(), before.test_result()),
        };
        Ok(match (self.until, before.until()) {
            (Some(until), _) => word.with_until(clock.colour_end(until).context("--until")?),
            // A new colour has a term of its own.
            (None, Some(until)) if self.colour.is_none() => word.with_until(until),
            (None, _) => word,
        })
    }
}

fn show(path: &Path, holder: Option<HolderIndex>) -> anyhow::Result<()> {
    let held = StatusFile::open(path)?;
    let SnapshotInfo { issuer, sequence, heard, holders, segments, bytes, digest } = *held.info();
    let object = || {
        let mut object = json!({
            "issuer": issuer.0, "sequence": sequence.0, "heard_ms": heard.map(|heard| heard.0),
            "holders": holders, "segments": segments, "bytes": bytes, "digest": digest.to_string(),
        });
        if let Some(holder) = holder {
            object["holder"] = status::to_json(held.word(holder));
        }
        object
    };
    let text = || {
        let heard = heard.map_or_else(|| "never".to_owned(), |heard| moment::show(heard.seconds()));
        let holder =
            holder.map(|holder| format!("\nholder {holder}: {}", status::describe(held.word(holder))));
        format!(
            "issuer {issuer}, sequence {sequence}, heard of {heard}\n\
             {holders} holders known, {segments} segments, {bytes} bytes, complete\ndigest {digest}{}",
            holder.unwrap_or_default()
        )
    };
    term::outcome(object, text);
    Ok(())
}

impl ColourName {
    const fn colour(self) -> Colour {
        match self {
            ColourName::Green => Colour::Green,
            ColourName::Amber => Colour::Amber,
            ColourName::Red => Colour::Red,
        }
    }
}

impl TestName {
    const fn result(self) -> TestResult {
        match self {
            TestName::None => TestResult::None,
            TestName::Negative => TestResult::Negative,
            TestName::Positive => TestResult::Positive,
            TestName::Pending => TestResult::Pending,
        }
    }
}
