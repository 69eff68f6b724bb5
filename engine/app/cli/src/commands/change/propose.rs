//! `hufu change propose`: an instruction, signed here and handed in.

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use clap::Args;
use hufu_authority::{Justification, Proposer, Remote, chain_end};
use hufu_contract::Proposal;
use hufu_files::moment::{Clock, Moment, Span};
use hufu_files::{self as files, Readable};
use hufu_sheets::TableArgs;
use hufu_wire::chain::{Content, InputsDigest, Instruction, Proposed, Record};
use hufu_wire::{RuleId, StatusWord, UnixMillis, read};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::listed::{ChangeList, Line, read_inputs};
use crate::chain::ClockArgs;
use crate::current::Current;
use crate::outcome::Exit;
use crate::remote::RegistryArgs;
use crate::signer::KeyArgs;
use crate::term::{self, note};
use crate::{ask, instructed};

/// Sign an instruction and hand it in.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags of the command line, each by itself")]
pub(crate) struct ProposeArgs {
    #[command(flatten)]
    registry: RegistryArgs,
    #[command(flatten)]
    key: KeyArgs,
    /// A table (CSV, .xlsx) or TOML file of changes; more than 32,768 become several proposals
    #[arg(long, value_name = "FILE", conflicts_with = "holder")]
    #[arg(required_unless_present_any = ["holder", "instruction"])]
    from: Option<PathBuf>,
    #[command(flatten)]
    table: TableArgs,
    /// Whose status changes; may be repeated, all get the same status
    #[arg(long, value_name = "N")]
    holder: Vec<u32>,
    /// The colour: green, amber or red; or forget
    #[arg(long, value_name = "COLOUR", requires = "holder")]
    colour: Option<String>,
    /// When the colour expires
    #[arg(long, value_name = "TIME", requires = "colour", allow_hyphen_values = true)]
    until: Option<Moment>,
    /// What the last test said: none, negative, positive or pending
    #[arg(long, value_name = "RESULT", requires = "colour")]
    test: Option<String>,
    /// When the last test was taken
    #[arg(long, value_name = "TIME", default_value = "now", requires = "test", allow_hyphen_values = true)]
    tested: Moment,
    /// Vaccine doses, 0 to 7
    #[arg(long, value_name = "N", requires = "colour")]
    doses: Option<u8>,
    /// The only valid credential generation: a higher one makes a lost phone's code invalid
    #[arg(long, value_name = "N", requires = "holder")]
    generation: Option<u8>,
    /// Number of the rule that set the colours; else the file's
    #[arg(long, value_name = "N")]
    rule: Option<u32>,
    /// Why, at most 128 bytes; else the file's
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// The rule's inputs: a file, or its SHA-256 as 64 hexadecimal digits; else the file of --from
    #[arg(long, value_name = "FILE|HEX")]
    inputs: Option<String>,
    /// How long it may be confirmed, at most 7d; else the file's, else 1d
    #[arg(long, value_name = "SPAN")]
    valid: Option<Span>,
    /// Reset the time of the chain after a clock was ahead: the change begins the chain's next era
    #[arg(long, conflicts_with_all = ["out", "instruction"])]
    reset_time: bool,
    /// The era of the chain's time, for --out: how often it was reset (`hufu change list --json` shows it)
    #[arg(long, value_name = "N", requires = "out", default_value_t = 0)]
    #[arg(value_parser = clap::value_parser!(u8).range(..=i64::from(Proposed::ERA_MAX)))]
    era: u8,
    #[command(flatten)]
    clocks: ClockArgs,
    /// Write the signed instruction to a file and do not hand it in; more than one become FILE.2 and so on
    #[arg(long, value_name = "FILE", conflicts_with = "instruction")]
    out: Option<PathBuf>,
    /// Hand in a file of --out, signed elsewhere
    #[arg(long, value_name = "FILE", conflicts_with_all = ["from", "holder", "key", "agent"])]
    instruction: Option<PathBuf>,
    /// Also holders who are not registered
    #[arg(long)]
    unregistered: bool,
    /// What a colour does not say becomes none: the last test, the doses
    #[arg(long)]
    whole: bool,
    /// Sign without asking
    #[arg(long)]
    yes: bool,
}

pub(super) const VALID: Span = Span { s: 86_400 };

/// Runs `hufu change propose`.
pub(super) fn run(args: &ProposeArgs) -> anyhow::Result<Exit> {
    if let Some(path) = &args.instruction {
        return hand_in_file(args, path);
    }
    let list = args.list()?;
    let signer = args.key.open()?;
    let reason = args.reason.as_deref().or(list.reason.as_deref());
    let inputs = match &args.inputs {
        Some(inputs) => read_inputs(inputs)?,
        None => list.inputs.unwrap_or_else(|| InputsDigest(Sha256::digest([]).into())),
    };
    let justification = Justification {
        rule: RuleId(
            args.rule
                .or(list.rule)
                .context("--rule is required (number of the rule that set the colours)")?,
        ),
        reason: reason.context("--reason is required (why the holders' statuses change)")?,
        inputs,
        valid: args.valid.or(list.valid).unwrap_or(VALID),
    };
    let issuer = signer.key().issuer();
    let remote = if args.out.is_some() { None } else { Some(args.registry.connect()?) };
    let after = match &remote {
        Some(remote) => chain_end(remote, issuer, args.clocks.clocks(), args.reset_time)?,
        None => Proposed::new(args.era, UnixMillis(0)),
    };
    let current = remote.as_ref().map(|remote| Current::fetch(remote, issuer, list.holders())).transpose()?;
    match &current {
        Some(current) => {
            current.check_rule(justification.rule)?;
            if !args.unregistered {
                current.check_holders()?;
            }
        }
        None => ensure!(
            args.whole || !list.keeps_some(),
            "with --out, what the holders have is not known: name --test and --doses for each colour (none and 0 for none), or \
             give --whole"
        ),
    }
    let sets = list.sets(|holder| match &current {
        Some(current) if !args.whole => current.word(holder),
        _ => StatusWord::UNKNOWN,
    });
    let mut proposer = Proposer::new(&*signer, justification, after);
    let signing = Signing { current: current.as_ref(), yes: args.yes };
    let mut number = 0;
    signing.run(&sets, &mut proposer, |proposer, content, instruction| {
        if let Some(remote) = &remote {
            return hand_in(proposer, remote, instruction);
        }
        number += 1;
        let path = args.out_path(number);
        files::create(&path, &instruction, Readable::All)?;
        let count = content.changes.len();
        term::along(format_args!("{}: {count} holders; hand it in with --instruction", path.display()));
        Ok(instructed::to_json(issuer, content, false))
    })
}

/// Says for a machine what became of a signed instruction.
type Deliver<'d> = dyn FnMut(&Proposer<'_>, &Content<'_>, Vec<u8>) -> anyhow::Result<Value> + 'd;

/// How instructions are shown and signed, one after the other.
pub(super) struct Signing<'s> {
    /// What the holders have, where that was asked for.
    pub(super) current: Option<&'s Current>,
    pub(super) yes: bool,
}

impl Signing<'_> {
    /// Makes one instruction for each of `sets` until one cannot be made; `deliver` says for a machine what became of it.
    pub(super) fn run(
        &self,
        sets: &[Vec<Record>],
        proposer: &mut Proposer<'_>,
        mut deliver: impl FnMut(&Proposer<'_>, &Content<'_>, Vec<u8>) -> anyhow::Result<Value>,
    ) -> anyhow::Result<Exit> {
        let mut made = Vec::new();
        let outcome = self.each(sets, proposer, &mut made, &mut deliver);
        // Also after a fault: what was handed in or written by then stays there.
        if outcome.is_ok() || !made.is_empty() {
            term::outcome(|| Value::from(made), String::new);
        }
        outcome
    }

    fn each(
        &self,
        sets: &[Vec<Record>],
        proposer: &mut Proposer<'_>,
        made: &mut Vec<Value>,
        deliver: &mut Deliver<'_>,
    ) -> anyhow::Result<Exit> {
        for set in sets {
            let content = proposer.content(set)?;
            if ask::describes(self.yes) {
                let paint = term::stderr();
                let text = instructed::describe(proposer.issuer(), &content, self.current, LINES_MAX, paint);
                term::note_text(&text);
            }
            if !ask::sure("Sign this instruction?", self.yes)? {
                note!("nothing was signed");
                return Ok(Exit::No);
            }
            let instruction = proposer.sign(&content)?;
            made.push(deliver(proposer, &content, instruction)?);
        }
        Ok(Exit::Yes)
    }
}

/// Hands in an instruction and says so.
pub(super) fn hand_in(
    proposer: &Proposer<'_>,
    remote: &Remote,
    instruction: Vec<u8>,
) -> anyhow::Result<Value> {
    let proposal = proposer.hand_in(remote, instruction)?;
    term::along(format_args!("{}", describe(&proposal)));
    Ok(json!(proposal))
}

fn describe(proposal: &Proposal) -> String {
    format!("proposal {} of issuer {}: {} holders", proposal.id, proposal.issuer, proposal.changes)
}

/// As many changes as fit a screen with the rest.
pub(super) const LINES_MAX: usize = 10;

fn hand_in_file(args: &ProposeArgs, path: &std::path::Path) -> anyhow::Result<Exit> {
    let bytes = files::read(path)?;
    let instruction: Instruction<'_> =
        read(&bytes).with_context(|| format!("{} is not an instruction", path.display()))?;
    let issuer = instruction.issuer;
    let proposal = args.registry.connect()?.ask(|api| api.propose(issuer, bytes))?;
    term::outcome(|| json!([proposal]), || describe(&proposal));
    Ok(Exit::Yes)
}

impl ProposeArgs {
    fn list(&self) -> anyhow::Result<ChangeList> {
        let clock = Clock::here();
        if let Some(path) = &self.from {
            return ChangeList::read(path, &self.table, &clock);
        }
        // What the command line says is read as if it stood in a file.
        let seconds = |name: &'static str, moment: Moment| {
            clock.any(moment).map(|at| format!("@{}", at.0)).context(name)
        };
        let until = self.until.map(|until| seconds("--until", until)).transpose()?;
        let tested = match self.test.as_deref() {
            None | Some("none") => String::new(),
            Some(_) => seconds("--tested", self.tested)?,
        };
        let mut list = ChangeList::default();
        for holder in &self.holder {
            let line = Line {
                holder: *holder,
                colour: self.colour.clone().unwrap_or_default(),
                valid_until: until.clone().unwrap_or_default(),
                test_at: tested.clone(),
                test_result: self.test.clone().unwrap_or_default(),
                doses: self.doses,
                generation: self.generation,
            };
            list.add(&line, &clock)?;
        }
        Ok(list)
    }

    fn out_path(&self, number: u32) -> PathBuf {
        let path = self.out.clone().unwrap_or_default();
        if number == 1 { path } else { files::with_extension(&path, &number.to_string()) }
    }
}
