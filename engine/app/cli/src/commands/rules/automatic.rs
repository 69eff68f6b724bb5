//! `hufu rules run` and `hufu rules confirm`: both halves of a change that follows from facts, without a person (R28).

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use hufu_authority::{
    Archive, Computed, Handled, Limit, Limiter, Limits, NotInForce, Rulebook, RuledConfirmer, RuledProposer,
    Tick,
};
use hufu_files::moment::{self, Span};
use hufu_files::{self as files, Unavailable};
use serde_json::{Value, json};

use crate::chain::ClockArgs;
use crate::commands::change::PlatformArgs;
use crate::outcome::Exit;
use crate::remote::RegistryArgs;
use crate::signals::until_stopped;
use crate::signer::KeyArgs;
use crate::term::{self, note};
use crate::trust::TrustArgs;

/// Compute colours as facts come in, and propose them.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    registry: RegistryArgs,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    automatic: AutomaticArgs,
    #[command(flatten)]
    clocks: ClockArgs,
    /// How long what is proposed may be confirmed; then it is proposed again
    #[arg(long, value_name = "SPAN", default_value = "10m")]
    valid: Span,
}

/// Compute again what was proposed by rules, and confirm what is the same.
#[derive(Debug, Args)]
pub(crate) struct RuledConfirmArgs {
    #[command(flatten)]
    platform: PlatformArgs,
    #[command(flatten)]
    automatic: AutomaticArgs,
}

/// What both have in common.
#[derive(Debug, Args)]
struct AutomaticArgs {
    /// The rule file
    #[arg(value_name = "RULES")]
    rules: PathBuf,
    /// The file of places of risk
    #[arg(long, value_name = "FILE")]
    places: Option<PathBuf>,
    /// The folder for limits and for the opened facts of what was signed: health data, for an auditor
    #[arg(long, value_name = "FOLDER")]
    state: PathBuf,
    /// How many holders may turn red in a minute before a person must look
    #[arg(long, value_name = "N", default_value_t = 60)]
    reds_a_minute: u32,
    /// How many in 24 hours
    #[arg(long, value_name = "N", default_value_t = 1000)]
    reds_a_day: u32,
    /// How long to wait between two looks, milliseconds
    #[arg(long, value_name = "MS", default_value_t = 100, value_parser = clap::value_parser!(u64).range(10..=60_000))]
    pause: u64,
    /// Handle what is there now, and end
    #[arg(long)]
    once: bool,
}

/// How long to wait for a registry that does not answer, and after the first of other faults.
const AGAIN: Duration = Duration::from_secs(1);
/// The longest wait after other faults: each try may ask an agent and the registry for a signature that comes to nothing.
const AGAIN_MAX: Duration = Duration::from_secs(8);
/// After how long the same fault is told again: an alarm looks at the newest lines.
const TOLD_AGAIN: Duration = Duration::from_secs(600);

/// Runs `hufu rules run`.
pub(super) fn run(args: &RunArgs) -> anyhow::Result<Exit> {
    let book = args.automatic.book()?;
    until_stopped(|stopping| {
        let (signer, remote) = (args.key.open()?, args.registry.connect()?);
        let kept = args.automatic.kept()?;
        let mut proposer =
            RuledProposer::open(&remote, &*signer, &book, kept, (args.clocks.clocks(), args.valid))?;
        args.automatic.repeat(stopping, |tell| {
            let tick = proposer.tick(&mut |one| tell(person_decides(one)))?;
            if tick.changes > 0 {
                let Tick { computed, changes } = tick;
                tell((
                    json!({ "computed": computed, "proposed": changes }),
                    format!("{computed} holders looked at, {changes} changes proposed"),
                ));
            }
            Ok(tick.computed == 0 && proposer.is_idle())
        })
    })
}

/// Runs `hufu rules confirm`.
pub(super) fn confirm(args: &RuledConfirmArgs) -> anyhow::Result<Exit> {
    let book = args.automatic.book()?;
    until_stopped(|stopping| {
        let trust = args.platform.trust();
        // Before the list is read: what changes from here on is seen as a change.
        let (mut watched, mut told) = (trust.watched(), String::new());
        let platform = args.platform.open()?;
        let mut confirmer = RuledConfirmer::new(platform.confirmer(), &book, args.automatic.kept()?);
        args.automatic.repeat(stopping, |tell| {
            watched.follow_quietly(false, || believe(&mut confirmer, trust, &mut told).map(|()| None));
            let mut is_idle = true;
            confirmer.tick(&mut |one| {
                is_idle = false;
                tell(handled(&one));
            })?;
            Ok(is_idle)
        })
    })
}

/// Believes the keys of the trust list as it is now. One that is refused is told once, and leaves the keys as they were.
fn believe(confirmer: &mut RuledConfirmer<'_>, trust: &TrustArgs, told: &mut String) -> anyhow::Result<()> {
    match trust.renew(confirmer.keyring(), moment::now().seconds()) {
        Ok(keyring) => {
            note!("hufu: version {} of the trust list is in use", keyring.version());
            confirmer.believe(keyring);
            told.clear();
            Ok(())
        }
        Err(fault) => {
            let text = format!("{fault:#}");
            if *told != text {
                note!("hufu: the trust list is refused, and the keys of the one before stay in use: {text}");
                *told = text;
            }
            Err(fault)
        }
    }
}

/// Whether a fault is to be told after the one that was told last, and when.
fn is_news(told: Option<&(String, Instant)>, text: &str, now: Instant) -> bool {
    told.is_none_or(|(last, at)| last != text || now.saturating_duration_since(*at) >= TOLD_AGAIN)
}

/// What is told of one step, for a program and for a person.
type Told = (Value, String);

fn person_decides(one: &Computed) -> Told {
    let (holder, outcome) = (one.holder, one.outcome.name());
    (
        json!({ "holder": holder.0, "outcome": outcome }),
        format!("holder {holder}: {outcome}: a person decides"),
    )
}

fn handled(handled: &Handled) -> Told {
    match handled {
        Handled::Confirmed { proposal, sequence, changes } => (
            json!({ "proposal": proposal.0, "sequence": sequence.0, "changes": changes }),
            format!("proposal {proposal} is change set {sequence}: {changes} changes, each found again"),
        ),
        Handled::Left { proposal, why } => (
            json!({ "proposal": proposal.0, "left": why }),
            format!("proposal {proposal} is left to a person: {why}"),
        ),
    }
}

impl AutomaticArgs {
    fn book(&self) -> anyhow::Result<Rulebook> {
        let name = |path: &PathBuf| path.display().to_string();
        let rules = (files::read_text(&self.rules)?, name(&self.rules));
        let places =
            self.places.as_ref().map(|path| Ok::<_, anyhow::Error>((files::read_text(path)?, name(path))));
        let places = places.transpose()?;
        let places = places.as_ref().map(|(text, name)| (text.clone(), name.as_str()));
        Rulebook::parse((rules.0, &rules.1), places)
    }

    fn kept(&self) -> anyhow::Result<(Archive, Limiter)> {
        let limits = Limits { reds_a_minute: self.reds_a_minute, reds_a_day: self.reds_a_day };
        let limiter = Limiter::open(&self.state, limits)?;
        Ok((Archive::open(&self.state.join("facts"))?, limiter))
    }

    /// Looks again and again; `look` tells what it did, and answers whether there was nothing to do. With `--once` all that was told
    /// is one outcome, also before a fault. A service waits for a registry that does not answer, and once it has looked it tries again
    /// after every fault but those that need a person; each is told, and told again every ten minutes while it lasts.
    fn repeat(
        &self,
        stopping: &AtomicBool,
        mut look: impl FnMut(&mut dyn FnMut(Told)) -> anyhow::Result<bool>,
    ) -> anyhow::Result<Exit> {
        let (mut has_looked, mut told, mut again, mut all) = (false, None, AGAIN, Vec::new());
        let mut tell = |(value, text): Told| {
            if self.once { all.push((value, text)) } else { term::event(|| value, || text) }
        };
        let exit = loop {
            if stopping.load(Ordering::Relaxed) {
                break Ok(Exit::Yes);
            }
            let pause = match look(&mut tell) {
                Ok(true) if self.once => break Ok(Exit::Yes),
                Ok(idle) => {
                    (has_looked, told, again) = (true, None, AGAIN);
                    Duration::from_millis(if idle { self.pause } else { 0 })
                }
                Err(fault) if fault.is::<Limit>() => {
                    let text = format!("{fault:#}");
                    tell((json!({ "stopped": text }), text));
                    break Ok(Exit::Refer);
                }
                Err(fault) if self.once || fault.is::<NotInForce>() => break Err(fault),
                Err(fault) if has_looked || fault.is::<Unavailable>() => {
                    let (text, now) = (format!("{fault:#}"), Instant::now());
                    if is_news(told.as_ref(), &text, now) {
                        note!("hufu: {text}; trying again");
                        told = Some((text, now));
                    }
                    let pause = again;
                    if !fault.is::<Unavailable>() {
                        again = AGAIN_MAX.min(again * 2);
                    }
                    pause
                }
                Err(fault) => break Err(fault),
            };
            thread::sleep(pause);
        };
        // Also before a fault: what was proposed or confirmed by then stays there.
        if self.once && (exit.is_ok() || !all.is_empty()) {
            let (values, texts): (Vec<Value>, Vec<String>) = all.into_iter().unzip();
            term::outcome(|| Value::from(values), || texts.join("\n"));
        }
        exit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r28_a_fault_that_lasts_is_told_again_every_ten_minutes() {
        let begun = Instant::now();
        let check = |text: &str, s: u64, wanted: bool| {
            let told = ("the disk is full".to_owned(), begun);
            assert_eq!(
                is_news(Some(&told), text, begun + Duration::from_secs(s)),
                wanted,
                "{text} after {s} s"
            );
        };
        assert!(is_news(None, "the disk is full", begun));
        check("the disk is full", 599, false);
        check("the disk is full", 600, true);
        check("clocks differ", 1, true);
    }
}
