//! `hufu import`: an existing population into a registry (R44), every line of it looked at before the first is taken.

mod columns;
mod enrol;
pub(crate) mod refused;
mod statuses;
mod survey;

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use clap::Args;
use hufu_authority::{Chain, Confirmer, Justification, Proposer, chain_end};
use hufu_codes::chain::Authorities;
use hufu_files::Unavailable;
use hufu_files::moment::{self, Clock, Span};
use hufu_sheets::{Table, TableArgs};
use hufu_wire::chain::InputsDigest;
use hufu_wire::{IssuerId, RuleId};
use serde_json::{Value, json};

use self::columns::COLUMNS;
pub(super) use self::refused::Refused;
use self::refused::ensure_other;
use self::statuses::Plan;
use self::survey::{Inspector, Survey};
use crate::chain::ClockArgs;
use crate::current::Current;
use crate::outcome::Exit;
use crate::people::NamesWriter;
use crate::progress::{told, watch};
use crate::remote::RegistryArgs;
use crate::signer::{KeyArgs, NationalKeyArgs};
use crate::term::{self, note};
use crate::trust::TrustArgs;
use crate::{ask, message};

pub(crate) const EXAMPLES: &str = "Examples:
  hufu import people.csv --dry-run --refused bad.csv
  hufu import pupils.xlsx --issuer 310000 --register-only
  hufu import people.csv --issuer 310000 --key shanghai.key --rule 1 --reason 'first import'
  hufu import people.parquet --key shanghai.key --rule 1 --national-key national.key --refuse-max 100 --yes

The first line of a CSV file or a sheet names its columns; a Parquet file has them by name. name (姓名) and id_number \
(身份证号, 证件号码) are needed, group (班级) only goes into the file of --names: an id number is the 18 characters of a \
resident's, or the kind of another document, the state that issued it in three letters, and its number, \
passport:USA:E12345678. phone (手机号), colour (green, amber, red), valid_until and test_at, test_result (none, \
negative, positive, pending) and doses (0 to 7) may be empty or missing. Without a colour a person is registered and \
stays unknown to gates. Of a person who has a status already, an empty test_result or doses stays as it is.

Times: 2026-11-21 (its first moment), 2026-11-21T08:00+08:00, 2026-11-21 08:00, +14d counted from the start of the \
import, @1795883865 for Unix seconds. One without an offset needs --time-zone. A valid_until must lie in the future, a \
test_at in the past.

CSV may have comma, semicolon or tab, and be in UTF-8, UTF-16 or GB18030. Rows without content are passed over.

Nothing is done while more lines are refused than --refuse-max. A line whose id number is registered with another name is \
refused too; the other lines are registered then, but no status is signed while they are too many. --dry-run asks the \
registry for that, if it knows one (--registry, hufu.toml), and says when it did not. The rule is checked before anybody is \
registered. An interrupted import is run again: who is registered \
keeps their place, statuses that are so already are left alone, and what was proposed and waits is not proposed twice.

Exit status: 0 when no more lines were refused than --refuse-max and the others were taken (or, with --dry-run, would \
be); 1 when more were refused, or a person said no, and nothing was done; 4 when the brake holds a change.";

/// Bring an existing population into a registry.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// The file: CSV, .xlsx, or Parquet when its name ends so
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    table: TableArgs,
    #[command(flatten)]
    registry: RegistryArgs,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    national: NationalKeyArgs,
    #[command(flatten)]
    trust: TrustArgs,
    /// Whose holders they become; else the key's issuer
    #[arg(long, value_name = "ID")]
    issuer: Option<u32>,
    /// Look at every line and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Register people and leave their statuses alone
    #[arg(long, conflicts_with_all = ["dry_run", "key", "agent"])]
    register_only: bool,
    /// Write every line that is refused, with its cause, as CSV
    #[arg(long, value_name = "FILE")]
    refused: Option<PathBuf>,
    /// Write index and masked name of every person, as CSV
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    names: Option<PathBuf>,
    /// How many lines may be refused for the others to be taken
    #[arg(long, value_name = "N", default_value_t = 0)]
    refuse_max: u64,
    #[command(flatten)]
    clocks: ClockArgs,
    /// Number of the rule that set the colours
    #[arg(long, value_name = "N", default_value_t = 0)]
    rule: u32,
    /// Why the statuses are what they are, at most 128 bytes
    #[arg(long, value_name = "TEXT", default_value = "import of an existing population")]
    reason: String,
    /// For how long what is proposed may be confirmed, at most 7d
    #[arg(long, value_name = "SPAN", default_value = "7d")]
    valid: Span,
    /// Sign without asking
    #[arg(long)]
    yes: bool,
}

/// What an import came to.
#[derive(Debug, Default)]
struct Summary {
    survey: Survey,
    refused: u64,
    registered: u64,
    known: u64,
    unchanged: u64,
    waiting: u64,
    proposed: Vec<u64>,
    confirmed: Vec<u64>,
    braked: Option<u64>,
    /// Why a run that does nothing did not ask the registry who is known.
    unasked: Option<String>,
}

/// Runs `hufu import`.
pub(crate) fn run(args: &ImportArgs) -> anyhow::Result<Exit> {
    let (table, clock) = (Table::open(&args.file, &args.table)?, Clock::here());
    let inputs = table.digest()?;
    args.names.as_deref().map_or(Ok(()), |names| ensure_other(names, &args.file))?;
    let mut refused = Refused::new(args.refused.as_deref(), &args.file)?;
    let survey = look((&table, &clock), &mut refused)?;
    let mut summary = Summary { survey, refused: refused.count(), ..Summary::default() };
    if args.dry_run {
        let looked = look_up(args, (&table, &clock), &mut refused, &mut summary);
        summary.refused = refused.count();
        refused.finish()?;
        summary.unasked = looked?;
        return Ok(summary.end(args));
    }
    if refused.count() > args.refuse_max {
        refused.finish()?;
        note!(
            "nothing was done: {} lines are refused, and --refuse-max is {}; correct them, or raise --refuse-max",
            refused.count(),
            args.refuse_max
        );
        return Ok(summary.end(args));
    }
    let outcome = carry_out(args, (&table, &clock), inputs, &mut refused, &mut summary);
    summary.refused = refused.count();
    // Also after a fault: what was refused by then is written.
    refused.finish()?;
    if !outcome? {
        return Ok(Exit::No);
    }
    Ok(summary.end(args))
}

/// Asks the registry what it knows of the people and of the rule, for a run that does nothing; why it was not asked, if so.
fn look_up(
    args: &ImportArgs,
    file: (&Table, &Clock),
    refused: &mut Refused,
    summary: &mut Summary,
) -> anyhow::Result<Option<String>> {
    if !args.registry.is_named()? {
        return Ok(Some("no --registry is given, and no `registry` in hufu.toml".to_owned()));
    }
    let signer = if args.key.is_given() { Some(args.key.open()?) } else { None };
    let issuer = args.issuer.map(IssuerId).or(signer.as_ref().map(|signer| signer.key().issuer()));
    let Some(issuer) = issuer else { return Ok(Some("no --issuer is given".to_owned())) };
    let remote = args.registry.connect()?;
    let mut ask = || {
        if signer.is_some() && summary.survey.coloured() > 0 {
            Current::fetch(&remote, issuer, std::iter::empty())?.check_rule(RuleId(args.rule))?;
        }
        enrol::look_up(file, &remote, issuer, refused, summary)
    };
    match ask() {
        Ok(()) => Ok(None),
        Err(error) if error.is::<Unavailable>() => Ok(Some(message::of(&error))),
        Err(error) => Err(error),
    }
}

/// Every line, before anything is done.
fn look((table, clock): (&Table, &Clock), refused: &mut Refused) -> anyhow::Result<Survey> {
    let mut inspector = Inspector::new(clock);
    let mut survey = Survey::default();
    table.each(&COLUMNS, &mut watch("looking"), |(number, fields)| {
        match fields.map_err(told).and_then(|[person @ .., _]| inspector.inspect(&person)) {
            Ok(taken) => survey.count(&taken),
            Err(cause) => refused.refuse(number, &cause)?,
        }
        Ok(())
    })?;
    Ok(survey)
}

/// Registers and signs; `false` when a person who was asked said no.
fn carry_out(
    args: &ImportArgs,
    file: (&Table, &Clock),
    inputs: InputsDigest,
    refused: &mut Refused,
    summary: &mut Summary,
) -> anyhow::Result<bool> {
    let with_statuses = !args.register_only && summary.survey.coloured() > 0;
    let signer = if with_statuses { Some(args.key.open()?) } else { None };
    let national = args.key.open_national(&args.national)?;
    let issuer = match (args.issuer, &signer) {
        (Some(issuer), Some(signer)) => {
            let own = signer.key().issuer();
            ensure!(own.0 == issuer, "the key is issuer {own}'s, and --issuer says {issuer}");
            own
        }
        (Some(issuer), None) => IssuerId(issuer),
        (None, Some(signer)) => signer.key().issuer(),
        (None, None) => anyhow::bail!("--issuer is required (the issuer whose holders they become)"),
    };
    let remote = args.registry.connect()?;
    if signer.is_some() {
        // Before a person is registered for a change that would not be signed.
        Current::fetch(&remote, issuer, std::iter::empty())?.check_rule(RuleId(args.rule))?;
    }
    if let Some(signer) = &signer {
        let Survey { people, green, amber, red } = summary.survey;
        note!(
            "{people} people, {green} green, {amber} amber, {red} red, signed by key {}",
            signer.key().id()
        );
        if !ask::sure("Register them and sign their statuses?", args.yes)? {
            note!("nothing was done");
            return Ok(false);
        }
    }

    let mut names = args.names.as_ref().map(|_| NamesWriter::new()).transpose()?;
    let mut statuses = enrol::enrol(file, &remote, issuer, refused, (summary, names.as_mut()))?;
    if let (Some(names), Some(path)) = (names, &args.names) {
        names.finish(path)?;
    }
    let again = file.0.digest()?;
    ensure!(again == inputs, "{} changed while it was read; run the import again", args.file.display());
    let Some(signer) = signer else { return Ok(true) };
    if refused.count() > args.refuse_max {
        note!(
            "no status was signed: {} lines are refused, and --refuse-max is {}; the others are registered; correct the lines, \
             or raise --refuse-max, and run the import again",
            refused.count(),
            args.refuse_max
        );
        return Ok(true);
    }

    if summary.known > 0 {
        summary.unchanged = statuses.leave_out_unchanged(&remote, issuer)?;
    }
    let plan = Plan::of(statuses, &remote, issuer, inputs)?;
    summary.waiting = plan.waiting.len() as u64;
    let justification =
        Justification { rule: RuleId(args.rule), reason: &args.reason, inputs, valid: args.valid };
    let clocks = args.clocks.clocks();
    let mut proposer = Proposer::new(&*signer, justification, chain_end(&remote, issuer, clocks, false)?);
    let keyring = national.as_ref().map(|_| args.trust.load(moment::now().seconds())).transpose()?;
    let confirmer = match (&national, &keyring) {
        (Some(signer), Some(keyring)) => {
            let national = signer.key().issuer();
            let authorities = Authorities::new(issuer, national, national)?;
            let chain = Chain { remote: &remote, authorities, keyring, clocks };
            Some(Confirmer { chain, signer: &**signer, resets: false })
        }
        _ => None,
    };
    plan.carry_out(&mut proposer, confirmer.as_ref(), &remote, summary)
        .with_context(|| "run the import again: it continues where it stopped")?;
    Ok(true)
}

impl Summary {
    fn end(&self, args: &ImportArgs) -> Exit {
        term::outcome(|| self.to_json(), || self.to_text(args));
        match self.braked {
            Some(_) => Exit::Refer,
            None if self.refused > args.refuse_max => Exit::No,
            None => Exit::Yes,
        }
    }

    fn to_text(&self, args: &ImportArgs) -> String {
        let Survey { people, green, amber, red } = self.survey;
        let paint = term::stdout();
        let refused = format!("{} refused", self.refused);
        let refused = if self.refused == 0 { paint.good(&refused) } else { paint.bad(&refused) };
        let mut text = format!(
            "{}: {people} people, {green} green, {amber} amber, {red} red; {refused}\n",
            args.file.display()
        );
        if args.dry_run {
            let _ = match &self.unasked {
                None => writeln!(text, "{} are registered already, with the same name", self.known),
                Some(why) => writeln!(text, "the registry was not asked: {why}"),
            };
            text.push_str("nothing was done: --dry-run\n");
        } else if self.registered + self.known > 0 {
            let Summary { registered, known, unchanged, waiting, .. } = self;
            let _ = writeln!(text, "{registered} registered, {known} were registered before");
            if !args.register_only {
                let (proposed, confirmed) = (self.proposed.len(), self.confirmed.len());
                let _ = writeln!(
                    text,
                    "{unchanged} statuses were unchanged, {waiting} proposals were pending already\n\
                     {proposed} proposals made, {confirmed} change sets confirmed"
                );
            }
        }
        text
    }

    fn to_json(&self) -> Value {
        let Summary { survey, refused, registered, known, unchanged, waiting, .. } = self;
        let Summary { proposed, confirmed, braked, unasked, .. } = self;
        let Survey { people, green, amber, red } = survey;
        json!({
            "people": people, "green": green, "amber": amber, "red": red, "refused": refused,
            "registered": registered, "known": known, "unchanged": unchanged, "waiting": waiting,
            "proposals": proposed, "sets": confirmed, "braked": braked, "registry_not_asked": unasked,
        })
    }
}
