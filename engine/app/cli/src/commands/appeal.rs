//! `hufu appeal`: holders who say that a colour or a check was wrong.

mod told;

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use clap::{Args, Subcommand};
use hufu_authority::Remote;
use hufu_contract::{
    Appeal, AppealChannel, AppealDecision, AppealId, AppealPhase, AppealSubject, AppealWords, DecideAppeal,
    Hex, NewAppeal, read_hex,
};
use hufu_files as files;
use hufu_files::moment::{Clock, Moment};
use hufu_upstream::WhichAppeals;
use hufu_wire::{HolderIndex, IssuerId};
use zeroize::Zeroizing;

use crate::outcome::Exit;
use crate::remote::RegistryArgs;
use crate::words::words;

pub(crate) const EXAMPLES: &str = "Examples:
  hufu appeal open --issuer 310000 42 --against colour --channel hotline --words-file said.txt
  hufu appeal open --issuer 310000 42 --against check --check-file which.txt --words-file -
  hufu appeal list --issuer 310000 --overdue
  hufu appeal show --issuer 310000 7
  hufu appeal review --issuer 310000 7 --words 'we look at it today'
  hufu change propose --key shanghai.key --holder 42 --colour green --rule 9 --reason 'appeal 7'
  hufu appeal decide --issuer 310000 7 --accept --proposal 17 --words 'the contact was another person'
  hufu appeal decide --issuer 310000 7 --reject --words 'the test of Sunday was positive'
  hufu appeal withdraw --issuer 310000 7
  hufu appeal figures --issuer 310000 --from -7d

What an appellant says comes from a file or from standard input, never as an argument: everybody on a machine sees those, \
and a shell keeps them. It is sealed in the registry. --words are for the appellant, and kept for good: no name and no id \
number.

All of it needs the scope appeals; review and decide need the scope history too. A reviewer is not the token that took the \
appeal in, nor the one that handed in the proposal that gave the colour. An accepted appeal names the proposal that gives \
the better colour, and is carried out when both authorities have signed that. After one rejection the same appeal again is \
the second instance, for another reviewer; then it is final.";

/// Appeals of holders against a colour or a check.
#[derive(Debug, Subcommand)]
pub(crate) enum AppealCommand {
    /// Take an appeal in
    Open(OpenArgs),
    /// List appeals
    List(ListArgs),
    /// Show an appeal: what was said, and every step
    Show(WhichArgs),
    /// Take an appeal into review
    Review(StepArgs),
    /// Decide an appeal that this token reviews
    Decide(DecideArgs),
    /// Take an appeal back for the appellant
    Withdraw(StepArgs),
    /// Show how many there were, wrong reds found, and how long decisions took
    Figures(FiguresArgs),
}

/// Take an appeal in.
#[derive(Debug, Args)]
pub(crate) struct OpenArgs {
    #[command(flatten)]
    registry: RegistryArgs,
    /// Whose holder
    #[arg(long, value_name = "ID")]
    issuer: u32,
    /// The holder who appeals
    #[arg(value_name = "HOLDER")]
    holder: u32,
    /// What against
    #[arg(long, value_name = "WHAT")]
    #[arg(value_parser = words(AppealSubject::ALL.map(AppealSubject::slug), AppealSubject::from_slug))]
    against: AppealSubject,
    /// How it came in
    #[arg(long, value_name = "HOW", default_value = "hotline")]
    #[arg(value_parser = words(AppealChannel::ALL.map(AppealChannel::slug), AppealChannel::from_slug))]
    channel: AppealChannel,
    /// A file with what the appellant says; - reads standard input
    #[arg(long, value_name = "FILE")]
    words_file: PathBuf,
    /// A file with which check it was, as the appellant names it: gate or site, time, number
    #[arg(long, value_name = "FILE")]
    check_file: Option<PathBuf>,
}

/// List appeals.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    registry: RegistryArgs,
    /// Whose holders
    #[arg(long, value_name = "ID")]
    issuer: u32,
    /// Only those in this state
    #[arg(long, value_parser = words(AppealPhase::ALL.map(AppealPhase::slug), AppealPhase::from_slug))]
    state: Option<AppealPhase>,
    /// Only those of this holder
    #[arg(long, value_name = "N")]
    holder: Option<u32>,
    /// Only those that are undecided and due
    #[arg(long)]
    overdue: bool,
}

/// One appeal.
#[derive(Debug, Args)]
pub(crate) struct WhichArgs {
    #[command(flatten)]
    registry: RegistryArgs,
    /// Whose holder
    #[arg(long, value_name = "ID")]
    issuer: u32,
    /// The appeal
    #[arg(value_name = "APPEAL")]
    appeal: u64,
}

/// One appeal, and words for the appellant.
#[derive(Debug, Args)]
pub(crate) struct StepArgs {
    #[command(flatten)]
    which: WhichArgs,
    /// Words for the appellant, without a name or an id number
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    words: String,
}

/// Decide an appeal.
#[derive(Debug, Args)]
#[group(id = "decision", required = true, multiple = false, args = ["accept", "reject"])]
pub(crate) struct DecideArgs {
    #[command(flatten)]
    which: WhichArgs,
    /// The appellant is right
    #[arg(long)]
    accept: bool,
    /// The appellant is not right
    #[arg(long)]
    reject: bool,
    /// Why, for the appellant, without a name or an id number
    #[arg(long, value_name = "TEXT")]
    words: String,
    /// The proposal that gives the better colour
    #[arg(long, value_name = "N", conflicts_with_all = ["reject", "content"])]
    proposal: Option<u64>,
    /// The same by the digest of its content
    #[arg(long, value_name = "HEX", conflicts_with = "reject", value_parser = read_digest)]
    content: Option<Hex<32>>,
}

/// Figures of a time.
#[derive(Debug, Args)]
pub(crate) struct FiguresArgs {
    #[command(flatten)]
    registry: RegistryArgs,
    /// Whose holders
    #[arg(long, value_name = "ID")]
    issuer: u32,
    /// From this time on
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    from: Option<Moment>,
    /// Up to this time; up to now when absent
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    until: Option<Moment>,
}

/// Appeals asked for at once.
const PAGE: u32 = 500;

/// Runs `hufu appeal`.
pub(crate) fn run(command: &AppealCommand) -> anyhow::Result<Exit> {
    match command {
        AppealCommand::Open(args) => open(args),
        AppealCommand::List(args) => list(args),
        AppealCommand::Show(args) => {
            let (remote, issuer, appeal) = args.open()?;
            Ok(told::show(&remote.ask(|api| api.appeal(issuer, appeal))?))
        }
        AppealCommand::Review(args) => {
            let ((remote, issuer, appeal), words) = (args.which.open()?, args.public());
            Ok(told::stands(&remote.ask(|api| api.review_appeal(issuer, appeal, &words))?))
        }
        AppealCommand::Decide(args) => decide(args),
        AppealCommand::Withdraw(args) => {
            let ((remote, issuer, appeal), words) = (args.which.open()?, args.public());
            Ok(told::stands(&remote.ask(|api| api.withdraw_appeal(issuer, appeal, &words))?))
        }
        AppealCommand::Figures(args) => figures(args),
    }
}

impl WhichArgs {
    fn open(&self) -> anyhow::Result<(Remote, IssuerId, AppealId)> {
        Ok((self.registry.connect()?, IssuerId(self.issuer), AppealId(self.appeal)))
    }
}

impl StepArgs {
    fn public(&self) -> AppealWords {
        AppealWords { words: self.words.clone() }
    }
}

fn open(args: &OpenArgs) -> anyhow::Result<Exit> {
    let from_input = |path: &Path| path == Path::new("-");
    let both = args.check_file.as_deref().is_some_and(from_input) && from_input(&args.words_file);
    ensure!(!both, "--words-file and --check-file cannot both be standard input");
    let new = NewAppeal {
        holder: args.holder,
        against: args.against,
        channel: args.channel,
        words: read_said(&args.words_file)?.to_string(),
        check: args.check_file.as_deref().map(read_said).transpose()?.map(|check| check.to_string()),
    };
    let remote = args.registry.connect()?;
    Ok(told::stands(&remote.ask(|api| api.open_appeal(IssuerId(args.issuer), &new))?))
}

fn list(args: &ListArgs) -> anyhow::Result<Exit> {
    let which =
        WhichAppeals { state: args.state, holder: args.holder.map(HolderIndex), overdue: args.overdue };
    let (remote, issuer) = (args.registry.connect()?, IssuerId(args.issuer));
    let mut appeals: Vec<Appeal> = Vec::new();
    loop {
        let after = AppealId(appeals.last().map_or(0, |appeal| appeal.id));
        let page = remote.ask(|api| api.appeals(issuer, which, after, PAGE))?.appeals;
        if page.is_empty() {
            return Ok(told::list(&appeals));
        }
        appeals.extend(page);
    }
}

fn decide(args: &DecideArgs) -> anyhow::Result<Exit> {
    let ruling = DecideAppeal {
        decision: if args.accept { AppealDecision::Accept } else { AppealDecision::Reject },
        words: args.words.clone(),
        proposal: args.proposal,
        content_digest: args.content,
    };
    let (remote, issuer, appeal) = args.which.open()?;
    Ok(told::stands(&remote.ask(|api| api.decide_appeal(issuer, appeal, &ruling))?))
}

fn figures(args: &FiguresArgs) -> anyhow::Result<Exit> {
    let clock = Clock::here();
    let millis = |moment: Moment| anyhow::Ok(clock.any(moment)?.millis());
    let from = args.from.map(millis).transpose().context("--from")?;
    let until = args.until.map(millis).transpose().context("--until")?;
    let remote = args.registry.connect()?;
    Ok(told::figures(&remote.ask(|api| api.appeal_figures(IssuerId(args.issuer), [from, until]))?))
}

/// What a person said, out of a file or from standard input, without the end of its last line.
fn read_said(path: &Path) -> anyhow::Result<Zeroizing<String>> {
    let text = if path == Path::new("-") {
        let mut text = Zeroizing::new(String::new());
        io::stdin().lock().read_to_string(&mut text).context("cannot read from standard input")?;
        text
    } else {
        Zeroizing::new(files::read_text(path)?)
    };
    let said = text.trim().replace("\r\n", "\n");
    if said.is_empty() {
        bail!("there is nothing in {}", path.display());
    }
    Ok(Zeroizing::new(said))
}

fn read_digest(text: &str) -> Result<Hex<32>, String> {
    let mut digest = [0; 32];
    read_hex(text, &mut digest).map_err(|fault| fault.to_string())?;
    Ok(Hex(digest))
}
