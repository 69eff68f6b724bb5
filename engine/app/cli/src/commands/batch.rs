//! `hufu batch`: a whole school's roster in one request (R12).

mod page;
mod report;
mod sign;

use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use hufu_codes::roster;
use hufu_wire::{MemberVerdict, Reason, RosterReply};

pub(crate) use self::sign::read_members;
use crate::gate::{self, Device};
use crate::language::LanguageArgs;
use crate::outcome::Exit;
use crate::people;
use crate::term;
use hufu_files as files;
use hufu_files::moment;
use hufu_files::unavailable;
use hufu_school::Report;

pub(crate) const EXAMPLES: &str = "Examples:
  hufu batch sign --key shanghai.key --site 310102 --members class-3b.txt --out class-3b.roster
  hufu batch roster --gate gates/8 school.roster --names names.csv --print list.html --language zh
  hufu batch roster --gate gates/8 class-3b.roster --csv result.csv --json

Exit status of `batch roster`: 0 everybody may enter, 4 a person must look at some, 1 some may not enter, or the \
roster itself was refused and no member was checked, 3 no engine answered.";

/// Sign rosters and check them, as a school does.
#[derive(Debug, Subcommand)]
pub(crate) enum BatchCommand {
    /// Sign a roster, as the issuing authority does for a school
    Sign(sign::SignArgs),
    /// Check every member of a roster, as the school's terminal does
    Roster(RosterArgs),
}

/// Check every member of a roster.
#[derive(Debug, Args)]
pub(crate) struct RosterArgs {
    /// The terminal's folder, from `hufu ca device --scope rosters`
    #[arg(long, value_name = "FOLDER")]
    gate: PathBuf,
    /// The signed roster
    #[arg(value_name = "FILE")]
    roster: PathBuf,
    /// Write every member as CSV
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// A file of names, from `hufu roster put --names`: members are shown with their masked name and group
    #[arg(long, value_name = "FILE")]
    names: Option<PathBuf>,
    /// Write the list to print, by group, as HTML
    #[arg(long, value_name = "FILE")]
    print: Option<PathBuf>,
    /// List every member that needs a look, not only the first 40
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    language: LanguageArgs,
}

/// Runs `hufu batch`.
pub(crate) fn run(command: &BatchCommand) -> anyhow::Result<Exit> {
    match command {
        BatchCommand::Sign(args) => sign::run(args),
        BatchCommand::Roster(args) => check(args),
    }
}

fn check(args: &RosterArgs) -> anyhow::Result<Exit> {
    let bytes = files::read(&args.roster)?;
    let known = args.names.as_deref().map(people::read_names).transpose()?.unwrap_or_default();
    // Read here only to name members in the answer; the engine judges the roster by itself.
    let names: Vec<_> = match roster::parse(&bytes) {
        Ok(signed) => signed.claims().members().collect(),
        Err(_) => Vec::new(),
    };
    let (summary, members) = ask(&gate::open(&args.gate)?, &bytes)?;
    let report = Report::new(summary, &names, &members, &known);
    if let Some(path) = &args.csv {
        files::replace(path, &report::to_csv(&report)?, files::Readable::All)?;
    }
    if let Some(path) = &args.print {
        let page = page::page(&report, args.language.language, &args.roster, moment::now().seconds());
        files::replace(path, page.as_bytes(), files::Readable::All)?;
    }
    term::outcome(
        || report::to_json(&report),
        || {
            report::to_text(
                &report,
                args.language.language,
                term::stdout(),
                if args.all { usize::MAX } else { 40 },
            )
        },
    );
    Ok(exit(&summary, report.unfound()))
}

fn exit(summary: &RosterReply, unfound: usize) -> Exit {
    match summary {
        // Turned down as a whole, for whatever reason: no member was checked.
        RosterReply { reason, .. } if *reason != Reason::Clear => Exit::No,
        RosterReply { refused: 1.., .. } => Exit::No,
        RosterReply { referred: 1.., .. } => Exit::Refer,
        _ if unfound > 0 => Exit::Refer,
        _ => Exit::Yes,
    }
}

fn ask(device: &Device, roster: &[u8]) -> anyhow::Result<(RosterReply, Vec<MemberVerdict>)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let answer = runtime.block_on(hufu_school::check(&device.servers, &device.identity, roster));
    answer.map_err(unavailable).context("the roster was not checked")
}
