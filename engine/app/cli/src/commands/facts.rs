//! `hufu facts`: what is recorded of holders, handed in and opened (R28).

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use clap::{Args, Subcommand};
use hufu_authority::{Remote, opened};
use hufu_contract::{Fact, NewFact, NewFacts};
use hufu_files::moment::{Clock, Moment};
use hufu_sheets::{Column, ID_NUMBER, NAME, Table, TableArgs, optional, required};
use hufu_wire::{HolderIndex, IssuerId};
use serde_json::{Map, Value, json};

use super::import::Refused;
use crate::outcome::Exit;
use crate::progress::{told, watch};
use crate::remote::RegistryArgs;
use crate::term::{self, note, tell};

pub(crate) const EXAMPLES: &str = "Examples:
  hufu facts import tests.csv --issuer 310000 --dry-run --refused bad.csv
  hufu facts import stays.parquet --issuer 310000 --refuse-max 100
  hufu facts open --issuer 310000 42 43 --json

The first line of a CSV file or a sheet names its columns; a Parquet file has them by name. kind, at, and holder or id_number \
and name are needed; until for visit, stay and quarantine. A line's other columns go by its kind:
  test        result (negative, positive, pending), laboratory
  dose        product, manufacturer, batch, number, site, signer
  visit       place (the code of the place)
  stay        risk (high, medium, low)
  contact     grade (close, secondary), minutes
  symptoms    has (true, false)
  case, arrival, quarantine   nothing
  void        number (of the fact that was wrong), reason

Times are written as for hufu import. The same fact again changes nothing, so a file can be handed in again. A line is taken or \
refused by itself once no more than --refuse-max are refused by a look at all of them. The token needs the scope facts to import \
and rulings to open.

Exit status: 0 taken, 1 more lines refused than --refuse-max: nothing was done, or the registry refused some of them only \
when they were handed in, and the others are taken.";

/// Hand in facts of holders, and open them.
#[derive(Debug, Subcommand)]
pub(crate) enum FactsCommand {
    /// Hand in the lines of a table
    Import(ImportArgs),
    /// Open what is recorded of holders: health and places; the registry writes down who did
    Open {
        #[command(flatten)]
        registry: RegistryArgs,
        /// Whose holders
        #[arg(long, value_name = "ID")]
        issuer: u32,
        /// The holders
        #[arg(value_name = "HOLDER", required = true)]
        holders: Vec<u32>,
    },
}

/// Arguments of `hufu facts import`.
#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// The file: CSV, .xlsx, or Parquet when its name ends so
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    table: TableArgs,
    #[command(flatten)]
    registry: RegistryArgs,
    /// Whose holders
    #[arg(long, value_name = "ID")]
    issuer: u32,
    /// Look at every line, ask the registry about it, and hand none in
    #[arg(long)]
    dry_run: bool,
    /// Write every line that is refused, with its cause, as CSV
    #[arg(long, value_name = "FILE")]
    refused: Option<PathBuf>,
    /// How many lines may be refused for the others to be taken
    #[arg(long, value_name = "N", default_value_t = 0)]
    refuse_max: u64,
}

const COLUMNS: [Column; 20] = [
    required("kind", &["类别"]),
    required("at", &["时间"]),
    optional("until", &[]),
    optional("holder", &[]),
    optional("id_number", ID_NUMBER),
    optional("name", NAME),
    optional("result", &["结果"]),
    optional("laboratory", &["检测机构"]),
    optional("place", &[]),
    optional("risk", &[]),
    optional("grade", &[]),
    optional("minutes", &[]),
    optional("has", &[]),
    optional("product", &[]),
    optional("manufacturer", &[]),
    optional("batch", &[]),
    optional("number", &[]),
    optional("site", &[]),
    optional("signer", &[]),
    optional("reason", &[]),
];

/// Facts handed in with one request: with documents less than 3 MiB.
const BATCH: usize = 512;

/// What an import came to.
#[derive(Debug, Default)]
struct Summary {
    facts: u64,
    taken: u64,
    known: u64,
}

/// Runs `hufu facts`.
pub(crate) fn run(command: &FactsCommand) -> anyhow::Result<Exit> {
    match command {
        FactsCommand::Import(args) => import(args),
        FactsCommand::Open { registry, issuer, holders } => {
            let holders: Vec<HolderIndex> = holders.iter().copied().map(HolderIndex).collect();
            let opened = opened(&registry.connect()?, IssuerId(*issuer), &holders, None)?;
            let line = |one: &_| json!(one).to_string();
            term::outcome(
                || json!({ "holders": opened }),
                || opened.iter().map(line).collect::<Vec<_>>().join("\n"),
            );
            Ok(Exit::Yes)
        }
    }
}

fn import(args: &ImportArgs) -> anyhow::Result<Exit> {
    let table = Table::open(&args.file, &args.table)?;
    let before = table.digest()?;
    let mut refused = Refused::new(args.refused.as_deref(), &args.file)?;
    let remote = args.registry.connect()?;
    // One clock: a time such as `now` is the same fact in both passes.
    let (clock, mut lines) = (Clock::here(), BTreeSet::new());
    let looked = send(args, (&table, &clock), &remote, true, &mut |line, cause| {
        lines.insert(line);
        refused.refuse(line, cause)
    });
    let is_done = looked.is_ok() && !args.dry_run && refused.count() <= args.refuse_max;
    let outcome = if is_done {
        ensure!(table.digest()? == before, "{} changed while it was read: run it again", args.file.display());
        // The registry may refuse a line now that it took before, because a record was joined or corrected.
        send(args, (&table, &clock), &remote, false, &mut |line, cause| {
            if lines.contains(&line) { Ok(()) } else { refused.refuse(line, cause) }
        })
    } else {
        looked
    };
    let count = refused.count();
    // Also after a fault: what was refused by then is written.
    refused.finish()?;
    let summary = outcome?;
    if !is_done && !args.dry_run {
        note!("nothing was done: {count} lines are refused, and --refuse-max is {}", args.refuse_max);
    } else if is_done && count > args.refuse_max {
        note!("the others are taken: {count} lines are refused, and --refuse-max is {}", args.refuse_max);
    }
    let Summary { facts, taken, known } = summary;
    let done = if is_done { "taken" } else { "would be taken" };
    tell!(
        { "facts": facts, "new": taken, "known": known, "refused": count, "done": is_done },
        "{}: {facts} facts, {taken} {done}, {known} known before, {count} refused",
        args.file.display()
    );
    Ok(if count > args.refuse_max { Exit::No } else { Exit::Yes })
}

fn send(
    args: &ImportArgs,
    (table, clock): (&Table, &Clock),
    remote: &Remote,
    dry_run: bool,
    refuse: &mut dyn FnMut(u64, &str) -> anyhow::Result<()>,
) -> anyhow::Result<Summary> {
    let (mut summary, mut lines, mut facts) = (Summary::default(), Vec::new(), Vec::new());
    let mut flush = |lines: &mut Vec<u64>,
                     facts: &mut Vec<NewFact>,
                     refuse: &mut dyn FnMut(u64, &str) -> anyhow::Result<()>| {
        if facts.is_empty() {
            return Ok(());
        }
        let new = NewFacts { facts: std::mem::take(facts), dry_run };
        let answer = remote.ask(|api| api.add_facts(IssuerId(args.issuer), &new))?.facts;
        ensure!(answer.len() == lines.len(), "the registry's answer lacks facts");
        for (line, taken) in lines.drain(..).zip(answer) {
            match taken.refused {
                Some(cause) => refuse(line, &cause)?,
                None if taken.known => summary.known += 1,
                None => summary.taken += 1,
            }
        }
        anyhow::Ok(())
    };
    let mut count = 0;
    table.each(
        &COLUMNS,
        &mut watch(if dry_run { "looking" } else { "handing in" }),
        |(number, fields)| {
            count += 1;
            match fields.map_err(told).and_then(|fields| read(&fields, clock)) {
                Ok(fact) => {
                    lines.push(number);
                    facts.push(fact);
                }
                Err(cause) => refuse(number, &cause)?,
            }
            if facts.len() == BATCH { flush(&mut lines, &mut facts, refuse) } else { Ok(()) }
        },
    )?;
    flush(&mut lines, &mut facts, refuse)?;
    summary.facts = count;
    Ok(summary)
}

/// Makes sense of a line.
///
/// # Errors
/// The cause, for the person who corrects the file.
fn read(fields: &[&str; COLUMNS.len()], clock: &Clock) -> Result<NewFact, String> {
    let [kind, at, until, holder, id_number, name, rest @ ..] = fields;
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let time = |field: &str, text: &str| -> Result<Value, String> {
        let instant = text.parse::<Moment>().and_then(|moment| clock.any(moment));
        Ok(json!(instant.map_err(|error| format!("{field}: {error:#}"))?.millis().0))
    };
    let mut fact = Map::new();
    fact.insert("kind".into(), json!(kind));
    if ["visit", "stay", "quarantine"].contains(kind) {
        fact.insert("from_ms".into(), time("at", at)?);
        fact.insert("to_ms".into(), time("until", until)?);
    } else if until.is_empty() {
        fact.insert("at_ms".into(), time("at", at)?);
    } else {
        return Err(format!("until: {kind} has none"));
    }
    for (column, text) in COLUMNS[6..].iter().zip(rest).filter(|(_, text)| !text.is_empty()) {
        let value = match column.name() {
            "minutes" | "number" => {
                json!(text.parse::<u32>().map_err(|_| format!("{}: a number", column.name()))?)
            }
            "has" => json!(text.parse::<bool>().map_err(|_| "has: true or false".to_owned())?),
            _ => json!(text),
        };
        fact.insert(column.name().into(), value);
    }
    let fact: Fact = serde_json::from_value(Value::Object(fact)).map_err(|error| error.to_string())?;
    let holder = some(holder).map(|text| text.parse::<u32>().context("holder: an index")).transpose();
    Ok(NewFact {
        holder: holder.map_err(|error| format!("{error:#}"))?,
        id_number: some(id_number),
        name: some(name),
        fact,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_fact_or_says_what_is_wrong() {
        let line = |wanted: &[(&str, &str)]| -> Result<Fact, String> {
            let field = |column: &Column| {
                wanted.iter().find(|(name, _)| *name == column.name()).map_or("", |(_, text)| *text)
            };
            let fields: [&str; COLUMNS.len()] = std::array::from_fn(|at| field(&COLUMNS[at]));
            read(&fields, &Clock::here()).map(|new| new.fact)
        };
        let at = ("at", "@1795910400");
        let test = [("kind", "test"), at, ("result", "negative"), ("laboratory", "L-1"), ("holder", "7")];
        let sample = hufu_contract::Sample::Negative;
        let fact = Fact::Test { at_ms: 1_795_910_400_000, result: sample, laboratory: "L-1".into() };
        assert_eq!(line(&test), Ok(fact));
        let stay = [("kind", "stay"), at, ("until", "@1795914000"), ("risk", "high")];
        assert!(matches!(line(&stay), Ok(Fact::Stay { to_ms: 1_795_914_000_000, .. })));
        let refused = |wanted: &[(&str, &str)], cause: &str| {
            let found = line(wanted).expect_err("refused");
            assert!(found.contains(cause), "{found}");
        };
        refused(&[("kind", "tset"), at], "unknown variant `tset`");
        refused(&[("kind", "test"), at, ("result", "negative")], "missing field `laboratory`");
        refused(&[("kind", "case"), at, ("place", "31")], "unknown field `place`");
        refused(&[("kind", "case"), at, ("until", "@1795914000")], "until: case has none");
        refused(&[("kind", "stay"), at, ("risk", "high")], "until:");
        refused(&[("kind", "case"), ("at", "soon")], "at:");
        refused(&[("kind", "contact"), at, ("grade", "close"), ("minutes", "-1")], "minutes: a number");
        refused(&[("kind", "case"), at, ("holder", "x")], "holder: an index");
    }
}
