//! `hufu rules`: rules as data. Colours from recorded facts, why, and who would change under other rules (R28).

mod automatic;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail, ensure};
use clap::Subcommand;
use hufu_files::{self as files, Readable};
use hufu_rules::{Facts, FactsDigest, Held, Known, Outcome, Rules, Ruling, Says, Share, inputs};
use serde_json::{Value, json};

use self::automatic::{RuledConfirmArgs, RunArgs};
use crate::outcome::Exit;
use crate::term::{self, printable, tell};

pub(crate) const EXAMPLES: &str = "Examples:
  hufu rules check rules.toml
  hufu rules explain rules.toml --facts opened.jsonl
  hufu rules explain rules.toml --facts opened.jsonl --holder 42 --language zh
  hufu rules diff rules.toml next.toml --facts all.jsonl
  hufu rules compute rules.toml --facts all.jsonl --out changes.toml
  hufu change propose --key local.key --from changes.toml --inputs HEX
  hufu rules run rules.toml --places places.toml --agent 'sign-local' --public local.pub --state /var/lib/hufu/rules
  hufu rules confirm rules.toml --places places.toml --issuer 310000 --agent 'sign-national' --public national.pub --state S

docs/RULES.md describes both files; docs/examples/rules.toml is one to begin with. Facts are JSON, one holder a line. A \
colour needs both authorities: run signs for the local one and confirm for the national one, each on a machine of its own; \
both stop at their limits until a person has looked.";

/// Compute colours from recorded facts by a rule file, and say why.
#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    /// Read a rule file and run its own tests
    Check {
        /// The rule file, TOML
        #[arg(value_name = "RULES")]
        rules: PathBuf,
    },
    /// Say which colour follows from facts, and what each parameter gave
    Explain {
        /// The rule file
        #[arg(value_name = "RULES")]
        rules: PathBuf,
        /// Facts, a holder a line
        #[arg(long, value_name = "FILE")]
        facts: PathBuf,
        /// Only this holder's
        #[arg(long, value_name = "N")]
        holder: Option<u32>,
        /// The language of the texts, as the file has them [default: en, or the file's first]
        #[arg(long, value_name = "TAG")]
        language: Option<String>,
    },
    /// Say who would change colour under other rules; the status is 1 if anyone would
    Diff {
        /// The rules of now
        #[arg(value_name = "RULES")]
        rules: PathBuf,
        /// Those that may follow
        #[arg(value_name = "NEXT")]
        next: PathBuf,
        /// Facts, a holder a line
        #[arg(long, value_name = "FILE")]
        facts: PathBuf,
    },
    /// Compute colours as facts come in, and propose them under limits
    Run(RunArgs),
    /// Compute again what was proposed by rules, and confirm what is the same
    Confirm(RuledConfirmArgs),
    /// Write the changes that follow from facts, for hufu change propose
    Compute {
        /// The rule file
        #[arg(value_name = "RULES")]
        rules: PathBuf,
        /// Facts, a holder a line
        #[arg(long, value_name = "FILE")]
        facts: PathBuf,
        /// The file of changes to write
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

/// Runs `hufu rules`.
pub(crate) fn run(command: &RulesCommand) -> anyhow::Result<Exit> {
    match command {
        RulesCommand::Check { rules } => {
            check(&read(rules)?);
            Ok(Exit::Yes)
        }
        RulesCommand::Explain { rules, facts, holder, language } => {
            explain(&read(rules)?, facts, *holder, language.as_deref())
        }
        RulesCommand::Diff { rules, next, facts } => diff(&read(rules)?, &read(next)?, facts),
        RulesCommand::Run(args) => automatic::run(args),
        RulesCommand::Confirm(args) => automatic::confirm(args),
        RulesCommand::Compute { rules, facts, out } => compute(&read(rules)?, facts, out),
    }
}

fn read(path: &Path) -> anyhow::Result<Rules> {
    Ok(Rules::parse(&files::read_text(path)?, &path.display().to_string())?)
}

/// Gives every holder's facts to `each`, in the order of the file.
///
/// # Errors
/// The first ten lines that are no facts, or name a holder for the second time. Some may have been given already.
fn each(path: &Path, mut each: impl FnMut(Facts) -> anyhow::Result<()>) -> anyhow::Result<()> {
    const TOLD_MAX: usize = 10;

    let file = File::open(path).with_context(|| path.display().to_string())?;
    let (mut seen, mut faults) = (BTreeSet::new(), Vec::new());
    for (number, line) in (1..).zip(BufReader::new(file).lines()) {
        let line = line.with_context(|| path.display().to_string())?;
        if line.trim().is_empty() {
            continue;
        }
        match Facts::read(&line) {
            Ok(facts) if !seen.insert(facts.holder) => {
                faults.push(format!("line {number}: holder {} is named twice", facts.holder));
            }
            Ok(facts) if faults.is_empty() => each(facts).with_context(|| format!("line {number}"))?,
            Ok(_) => {}
            Err(fault) => faults.push(format!("line {number}: {fault}")),
        }
        if faults.len() == TOLD_MAX {
            break;
        }
    }
    ensure!(faults.is_empty(), "{}: nothing was done:\n{}", path.display(), faults.join("\n"));
    Ok(())
}

fn ruling<'r>(rules: &'r Rules, facts: &Facts) -> anyhow::Result<Ruling<'r>> {
    rules.decide(facts).ok_or_else(|| {
        anyhow!(
            "holder {}: the rules {:?} hold from {} until {}, not at {}",
            facts.holder,
            rules.name,
            rules.from,
            rules.until,
            facts.at
        )
    })
}

fn check(rules: &Rules) {
    let Rules { name, author, from, until, parameters, classes, .. } = rules;
    let (id, digest) = (rules.digest().rule_id(), rules.digest());
    let (parameters, classes) = (parameters.len(), classes.len());
    tell!(
        {
            "name": name, "author": author, "rule": id.0, "digest": digest.to_string(), "from": from.to_string(),
            "until": until.to_string(), "parameters": parameters, "classes": classes,
            "languages": rules.languages().collect::<Vec<_>>(),
        },
        "{}: {parameters} parameters in {classes} classes, from {from} until {until}; its tests pass\nrule {id}, digest {digest}",
        printable(name)
    );
}

fn explain(rules: &Rules, facts: &Path, only: Option<u32>, language: Option<&str>) -> anyhow::Result<Exit> {
    let known: Vec<&str> = rules.languages().collect();
    let language = match language {
        Some(wanted) if known.contains(&wanted) => wanted,
        Some(wanted) => bail!("--language {wanted}: the file has {}", known.join(", ")),
        None => known.iter().find(|known| **known == "en").or(known.first()).copied().unwrap_or("en"),
    };
    let mut is_found = false;
    each(facts, |facts| {
        if only.is_none_or(|only| only == facts.holder) {
            let ruling = ruling(rules, &facts)?;
            is_found = true;
            let digest = FactsDigest::of(&facts);
            term::event(
                || explained_json(&facts, &ruling, digest, language),
                || explained_text(&facts, &ruling, digest, language),
            );
        }
        Ok(())
    })?;
    match only {
        Some(holder) if !is_found => bail!("{}: has no facts of holder {holder}", facts.display()),
        _ => Ok(Exit::Yes),
    }
}

fn explained_json(facts: &Facts, ruling: &Ruling<'_>, digest: FactsDigest, language: &str) -> Value {
    let share = |share: &Share<'_>| {
        let parameter = share.parameter;
        let known = match share.known {
            Known::Is(number) => json!(number),
            Known::Never => json!("never"),
            Known::Not => Value::Null,
        };
        let ppm = if share.says == Says::Yes { parameter.ppm } else { 0 };
        json!({
            "id": parameter.id, "class": parameter.class, "known": known, "says": says(share.says), "ppm": ppm,
            "of_ppm": parameter.ppm, "text": parameter.says.get(language),
        })
    };
    let held = |held: Held| json!({ "colour": held.colour.slug(), "days_left": held.days_left, "tests_left": held.tests_left });
    json!({
        "holder": facts.holder, "at": facts.at.to_string(), "outcome": ruling.outcome.name(), "sum_ppm": ruling.sum_ppm,
        "most_ppm": ruling.most_ppm, "held": ruling.held.map(held), "facts": digest.to_string(),
        "shares": ruling.shares.iter().map(share).collect::<Vec<_>>(),
    })
}

fn explained_text(facts: &Facts, ruling: &Ruling<'_>, digest: FactsDigest, language: &str) -> String {
    let per_mille = |ppm: u32| format!("{}.{:03}", ppm / 1000, ppm % 1000);
    let mut text = format!(
        "holder {}  {}  {} per mille",
        facts.holder,
        ruling.outcome.name(),
        per_mille(ruling.sum_ppm)
    );
    if ruling.most_ppm != ruling.sum_ppm {
        // Writing to a string does not fail.
        let _ = write!(text, ", up to {} with what is not known", per_mille(ruling.most_ppm));
    }
    if let Some(Held { colour, days_left, tests_left }) = ruling.held {
        let tests = tests_left
            .map_or_else(|| "samples that are not known".to_owned(), |left| format!("{left} negative tests"));
        let _ = write!(text, "\n  stays {} for {days_left} days and {tests}", colour.slug());
    }
    for share in ruling.shares.iter().filter(|share| share.says != Says::No) {
        let Share { parameter, says: said, .. } = share;
        let says_text = parameter.says.get(language).map_or("", String::as_str);
        let _ = write!(
            text,
            "\n  {:7}  {:>7}  {}: {}",
            says(*said),
            per_mille(parameter.ppm),
            printable(&parameter.id),
            printable(says_text)
        );
    }
    let _ = write!(text, "\n  facts {digest}");
    text
}

const fn says(says: Says) -> &'static str {
    match says {
        Says::Yes => "yes",
        Says::No => "no",
        Says::Unknown => "unknown",
    }
}

fn diff(rules: &Rules, next: &Rules, facts: &Path) -> anyhow::Result<Exit> {
    let (mut holders, mut changes) = (0_u64, Vec::new());
    each(facts, |facts| {
        let [before, after] = [ruling(rules, &facts)?.outcome.name(), ruling(next, &facts)?.outcome.name()];
        holders += 1;
        if before != after {
            changes.push((facts.holder, before, after));
        }
        Ok(())
    })?;
    let change = |(holder, from, to): &(u32, &str, &str)| json!({ "holder": holder, "from": from, "to": to });
    let line = |(holder, from, to): &(u32, &str, &str)| format!("holder {holder}: {from} -> {to}");
    term::outcome(
        || json!({ "holders": holders, "changes": changes.iter().map(change).collect::<Vec<_>>() }),
        || {
            let count = format!("{} of {holders} holders change", changes.len());
            changes.iter().map(line).chain([count]).collect::<Vec<_>>().join("\n")
        },
    );
    Ok(if changes.is_empty() { Exit::Yes } else { Exit::No })
}

fn compute(rules: &Rules, facts: &Path, out: &Path) -> anyhow::Result<Exit> {
    let (mut changes, mut digests, mut undecided) = (Vec::new(), Vec::new(), Vec::new());
    let mut holders = 0_u64;
    each(facts, |facts| {
        let ruling = ruling(rules, &facts)?;
        holders += 1;
        match ruling.outcome {
            Outcome::Undecided { .. } | Outcome::Review { .. } => undecided.push(facts.holder),
            Outcome::Colour(colour) if facts.current.is_some_and(|current| current.colour == colour) => {}
            Outcome::Colour(_) => {
                changes.push((facts.holder, ruling.outcome.name()));
                digests.push((facts.holder, FactsDigest::of(&facts)));
            }
        }
        Ok(())
    })?;
    changes.sort_unstable();
    digests.sort_unstable();
    let inputs = hex::encode(inputs(rules.digest(), digests.iter().map(|(_, digest)| *digest)).0);
    let id = rules.digest().rule_id();
    let mut text = format!(
        "# By {:?}, digest {}.\n# The facts' digests, by rising holder, are behind each change.\nrule = {id}\nreason = {:?}\n",
        rules.name,
        rules.digest(),
        format!("rules {id}")
    );
    for ((holder, colour), (_, digest)) in changes.iter().zip(&digests) {
        let _ = write!(text, "\n[[change]]\nholder = {holder}\ncolour = \"{colour}\" # {digest}\n");
    }
    let written = (!changes.is_empty()).then_some(out);
    if let Some(out) = written {
        files::create(out, text.as_bytes(), Readable::Owner)?;
    }
    let (changed, left) = (changes.len(), undecided.len());
    tell!(
        {
            "holders": holders, "changes": changed, "undecided": undecided, "rule": id.0, "inputs": inputs, "file": written,
        },
        "{changed} of {holders} holders change; {left} are for a person to decide\nrule {id}, inputs {inputs}"
    );
    Ok(Exit::Yes)
}
