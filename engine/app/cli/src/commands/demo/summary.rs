//! What the demo prints and writes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use comfy_table::{CellAlignment, Table, presets};
use hufu_files::{self as files, Readable};
use hufu_loadgen::{Report, Stage};
use indicatif::ProgressBar;
use serde_json::{Value, json};

use super::DemoArgs;
use super::changes::Watched;
use super::source::Agreement;
use crate::term::{self, Paint};

/// Everything the demo found.
pub(super) struct Summary<'a> {
    /// What was asked for.
    pub(super) args: &'a DemoArgs,
    /// The load and the changes together.
    pub(super) report: &'a Report,
    /// The changes alone.
    pub(super) watched: &'a Watched,
    /// How chains end at the registry and in the engine.
    pub(super) agreements: &'a [Agreement],
    /// What the disk takes to make a block durable, in µs (median, 99th percentile), where verdicts wait for it.
    pub(super) sync_us: Option<[f64; 2]>,
}

/// The name under which checks of changing people are counted.
const CHANGING: &str = "changing-status";

/// Adds the checks of changing people to the load's; says what broke the demo's promise, if anything did.
pub(super) fn add(report: &mut Report, watched: &Watched, agreements: &[Agreement]) -> Option<String> {
    let answered = watched.checks - watched.lost;
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    let share = report.answered as f64 / (report.answered + watched.during) as f64;
    // The engine's CPU time was spent on both.
    report.server_cpu_us_per_check = report.server_cpu_us_per_check.map(|us| us * share);
    report.sent += watched.checks;
    report.answered += answered;
    report.lost += watched.lost;
    report.wrong += watched.wrong;
    report.mix.insert(CHANGING, watched.checks);
    report.complaints.extend(watched.complaint.clone());
    let unseen = watched.changes.saturating_sub(watched.delays.len() as u64);
    if unseen > 0 {
        return Some(format!("the gate did not see {unseen} changes of colour"));
    }
    if let Some(Agreement { issuer, sequence, .. }) = agreements.iter().find(|agreement| !agreement.is_one) {
        return Some(format!(
            "the engine does not have change set {sequence} of issuer {issuer} as the registry has it"
        ));
    }
    report.fault(false)
}

impl Summary<'_> {
    /// For a person.
    pub(super) fn to_text(&self, paint: Paint) -> String {
        let Report { lost, wrong, .. } = *self.report;
        let good_if = |good: bool, text: String| if good { paint.good(&text) } else { paint.bad(&text) };
        let mut text = format!("\n{}\n{}\n", paint.strong("Verdicts"), self.verdicts());
        let line = |text: &mut String, name: &str, value: &str| {
            let _ = writeln!(text, "  {name:<10} {value}");
        };
        let _ = writeln!(text, "\n{}", paint.strong("Figures"));
        let held = if self.report.rate_held { "held" } else { "not held" };
        line(
            &mut text,
            "rate",
            &format!(
                "{:.0} checks/s offered ({}), {:.0}/s answered",
                self.report.offered_per_s,
                good_if(self.report.rate_held, held.to_owned()),
                self.report.answered_per_s
            ),
        );
        line(
            &mut text,
            "latency",
            &format!(
                "p50 {:.0} µs, p99 {:.0} µs, p99.9 {:.0} µs, from when each check was due",
                self.report.p50_us, self.report.p99_us, self.report.p999_us
            ),
        );
        line(
            &mut text,
            "answers",
            &format!(
                "{}, {} of {}",
                good_if(lost == 0, format!("lost {lost}")),
                good_if(wrong == 0, format!("wrong {wrong}")),
                self.report.sent
            ),
        );
        if let Some(us) = self.report.server_cpu_us_per_check {
            line(&mut text, "engine", &format!("{us:.1} µs of CPU a check, all threads of its process"));
        }
        if let Some([p50, p99]) = self.sync_us {
            let times = self.report.p99_us / p50;
            let disk = format!(
                "one sync of 4 KiB takes p50 {p50:.0} µs, p99 {p99:.0} µs; the p99 of a verdict is {times:.1} times its p50"
            );
            line(&mut text, "disk", &disk);
        }
        line(&mut text, "changes", &self.changes());
        for agreement in self.agreements {
            line(&mut text, "chain", &chain(agreement, paint));
        }
        if self.report.generator_limited {
            line(&mut text, "note", &paint.look("the load generator was the limit, not the engine"));
        }
        for complaint in &self.report.complaints {
            line(&mut text, "wrong", &paint.bad(complaint));
        }
        text
    }

    /// Every figure.
    pub(super) fn to_json(&self) -> anyhow::Result<Value> {
        let mut report = serde_json::to_value(self.report).context("the figures cannot be written")?;
        report["holders"] = json!(self.args.holders);
        report["seed"] = json!(self.args.seed);
        report["records"] = json!(self.args.records);
        report["sync_us"] = json!(self.sync_us);
        report["changes"] = json!({
            "written": self.watched.changes,
            "checks": self.watched.checks,
            "wrong": self.watched.wrong,
            "lost": self.watched.lost,
            "delays_ms": self.watched.delays.iter().map(millis).collect::<Vec<_>>(),
            "commit_to_verdict_p50_ms": self.delay(50).as_ref().map(millis),
            "commit_to_verdict_p99_ms": self.delay(99).as_ref().map(millis),
            "commit_to_verdict_max_ms": self.delay(100).as_ref().map(millis),
        });
        let chain = |agreement: &Agreement| {
            json!({
                "issuer": agreement.issuer.0,
                "sequence": agreement.sequence.0,
                "digest": agreement.digest,
                "engine_agrees": agreement.is_one,
            })
        };
        report["chains"] = self.agreements.iter().map(chain).collect();
        Ok(report)
    }

    /// Draws latency by percentile, and offered against answered rate.
    pub(super) fn draw(&self, path: &Path) -> anyhow::Result<()> {
        let picture = hufu_loadgen::picture(std::slice::from_ref(self.report));
        files::replace(path, picture.as_bytes(), Readable::All)
    }

    fn verdicts(&self) -> Table {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_header(["", "verdict", "reason", "checks"]);
        let mut decisions: BTreeMap<&str, u64> = BTreeMap::new();
        for verdict in &self.report.verdicts {
            *decisions.entry(verdict.decision).or_default() += verdict.count;
            table.add_row(["", verdict.decision, verdict.reason, &verdict.count.to_string()]);
        }
        if self.report.garbage_sent > 0 {
            table.add_row(["", "silence", "unsealed garbage", &self.report.garbage_sent.to_string()]);
        }
        if let Some(column) = table.column_mut(3) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        table
    }

    fn changes(&self) -> String {
        let Watched { changes, checks, .. } = self.watched;
        let shown = |share| {
            self.delay(share).map_or_else(|| "none".to_owned(), |delay| format!("{:.1} ms", millis(&delay)))
        };
        format!(
            "{changes} proposed and confirmed; commit in the registry to verdict p50 {}, p99 {}, the slowest {}; \
             {checks} checks watched them",
            shown(50),
            shown(99),
            shown(100)
        )
    }

    /// The delay that so many of a hundred changes did not exceed.
    fn delay(&self, of_100: usize) -> Option<Duration> {
        let mut delays = self.watched.delays.clone();
        delays.sort_unstable();
        let at = (delays.len() * of_100).div_ceil(100).saturating_sub(1);
        delays.get(at).copied()
    }
}

fn chain(agreement: &Agreement, paint: Paint) -> String {
    let Agreement { issuer, sequence, digest, is_one } = agreement;
    let short = &digest[..digest.len().min(16)];
    let verdict = if *is_one { paint.good("the engine agrees") } else { paint.bad("the engine differs") };
    format!("issuer {issuer} ends with set {sequence}, digest {short}…: {verdict}")
}

/// One line about something that is done.
pub(super) fn step(name: &str, what: &str) {
    let name = format!("{name:<8}");
    term::along(format_args!("{} {what}", term::stdout().strong(&name)));
}

/// To the microsecond.
fn millis(duration: &Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}

/// Shows how far a load is.
pub(super) fn show_stage(bar: &ProgressBar, stage: &Stage) {
    let (done, all, message) = match *stage {
        Stage::Signing(done, all) => (done, all, "signed".to_owned()),
        Stage::Running { sent, answered, wrong, all } => {
            (sent, all, format!("sent, {answered} answered, {wrong} wrong"))
        }
    };
    bar.set_message(message);
    show_count(bar, done, all);
}

/// Shows so many of so many.
pub(super) fn show_count(bar: &ProgressBar, done: u64, all: u64) {
    bar.set_length(all);
    bar.set_position(done);
}
