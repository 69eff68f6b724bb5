//! What a torture came to.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::load::Loaded;
use crate::relay::Befallen;

/// Counts, so far or at the end.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// What it was drawn from.
    pub seed: u64,
    /// Kills by process and by its state: `engine0 running`, `registry starting`.
    pub kills: BTreeMap<String, u32>,
    /// What lay under the kills, by kind.
    pub troubles: BTreeMap<&'static str, u32>,
    /// Full disks that a process felt before the kill, by kind: it could not write, said so, and went on.
    pub felt: BTreeMap<&'static str, u32>,
    /// Processes that would not start on a full disk, said so, and started once there was room.
    pub refused_starts: u32,
    /// Times at which all was healed and agreed.
    pub agreements: u32,
    /// Change sets that the registry took.
    pub changes: u64,
    /// Verdicts that gates were given, each judged.
    pub checks: u64,
    /// Checks without an answer in time.
    pub silent: u64,
    /// Checks that were answered `busy`.
    pub busy: u64,
    /// Wrong verdicts, in words.
    pub wrong: Vec<String>,
    /// Records found.
    pub records: u64,
    /// Verdicts without a record.
    pub lost: Vec<String>,
    /// The load beside the gates.
    pub load: Loaded,
    /// What befell the lines between gates and engines, and between engines and the registry.
    pub lines: [Befallen; 2],
    /// The last steps: what lay under a kill, and who was killed.
    pub steps: VecDeque<String>,
    /// How long it took.
    pub took: Duration,
}

/// A full disk that came so often and was never felt is no fault of the product's: it was not one.
const FELT_OF: u32 = 10;
/// Steps that are told when something is wrong.
const STEPS_TOLD: usize = 16;

impl Outcome {
    /// All kills.
    pub fn killed(&self) -> u32 {
        self.kills.values().sum()
    }

    /// Remembers a step.
    pub(super) fn last(&mut self, step: String) {
        self.steps.truncate(STEPS_TOLD - 1);
        self.steps.push_front(step);
    }

    /// Nothing wrong, nothing lost, and something was done at all.
    ///
    /// # Errors
    /// The first of what was.
    pub fn judge(&self) -> Result<()> {
        if let Some(first) = self.wrong.first() {
            anyhow::bail!("{} wrong verdicts, the first: {first}", self.wrong.len());
        }
        if let Some(first) = self.lost.first() {
            anyhow::bail!("{} verdicts without a record, the first: {first}", self.lost.len());
        }
        ensure!(
            self.load.wrong == 0,
            "{} wrong answers to the load: {:?}",
            self.load.wrong,
            self.load.complaints
        );
        // Statuses are kept once a second, so this disk is felt. A database or records may need no room in that time.
        let count = |of: &BTreeMap<&'static str, u32>| of.get("state-full").copied().unwrap_or_default();
        let (drawn, felt) = (count(&self.troubles), count(&self.felt));
        ensure!(felt > 0 || drawn < FELT_OF, "state-full was drawn {drawn} times and never felt");
        ensure!(
            self.checks > 0 && self.records > 0 && self.changes > 0 && self.agreements > 0,
            "nothing was done"
        );
        Ok(())
    }

    /// Every figure.
    pub fn json(&self) -> Value {
        let line = |of: Befallen| json!({ "pieces": of.pieces, "lost": of.lost, "doubled": of.doubled, "late": of.late, "torn": of.torn });
        json!({
            "seed": self.seed, "killed": self.killed(), "kills": self.kills, "troubles": self.troubles,
            "felt": self.felt, "refused_starts": self.refused_starts, "agreements": self.agreements, "changes": self.changes,
            "checks": self.checks, "silent": self.silent, "busy": self.busy, "wrong": self.wrong,
            "records": self.records, "lost": self.lost,
            "load": { "sent": self.load.sent, "answered": self.load.answered, "busy": self.load.busy,
                      "wrong": self.load.wrong, "broken_off": self.load.broken_off },
            "gates": line(self.lines[0]), "feeds": line(self.lines[1]), "seconds": self.took.as_secs(),
        })
    }

    /// One line, while it goes on.
    pub fn line(&self, of: u32) -> String {
        format!(
            "{:>5} of {of} kills, {} checks, {} wrong, {} changes, {} agreements, {} s",
            self.killed(),
            self.checks,
            self.wrong.len(),
            self.changes,
            self.agreements,
            self.took.as_secs()
        )
    }

    /// The report, Markdown.
    pub fn table(&self) -> String {
        let mut text = format!("seed {}, {} s\n\n| | |\n| --- | --- |\n", self.seed, self.took.as_secs());
        let counted = |counts: &mut dyn Iterator<Item = (String, u32)>| {
            counts.map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
        };
        let kills = counted(&mut self.kills.iter().map(|(name, count)| (name.clone(), *count)));
        let named = |of: &BTreeMap<&'static str, u32>| {
            counted(&mut of.iter().map(|(name, count)| ((*name).to_owned(), *count)))
        };
        let (troubles, felt) = (named(&self.troubles), named(&self.felt));
        let [gates, feeds] = self.lines;
        let rows = [
            ("kills", format!("{}: {kills}", self.killed())),
            ("under them", troubles),
            ("full disks that were felt", felt),
            (
                "gates' datagrams",
                format!(
                    "{} carried, {} lost, {} doubled, {} late",
                    gates.pieces, gates.lost, gates.doubled, gates.late
                ),
            ),
            (
                "feeds' pieces",
                format!("{} carried, {} late or held, {} times torn", feeds.pieces, feeds.late, feeds.torn),
            ),
            ("starts refused for a full disk", self.refused_starts.to_string()),
            ("changes taken, all in the chain", self.changes.to_string()),
            ("healed, and statuses equal to the registry's", format!("{} times", self.agreements)),
            (
                "verdicts judged",
                format!("{}; {} without an answer in time, {} busy", self.checks, self.silent, self.busy),
            ),
            ("**wrong verdicts**", self.wrong.len().to_string()),
            ("records", self.records.to_string()),
            ("**verdicts without a record**", self.lost.len().to_string()),
            (
                "load beside it",
                format!(
                    "{} sent, {} answered, {} busy, **{} wrong**",
                    self.load.sent, self.load.answered, self.load.busy, self.load.wrong
                ),
            ),
        ];
        for (name, value) in rows {
            let _ = writeln!(text, "| {name} | {value} |");
        }
        text
    }
}
