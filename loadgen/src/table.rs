//! Reports for people at a terminal.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table};

use crate::report::Report;

/// One load as a table, its kinds below.
pub fn table(report: &Report) -> String {
    let mut figures = plain();
    let us = |us: f64| format!("{us:.0} µs");
    let cpu = report.server_cpu_us_per_check.map_or("not measured".to_owned(), |us| format!("{us:.2} µs"));
    let rows = [
        (
            "offered",
            format!(
                "{:.0} checks/s, {} arrivals, over {}",
                report.offered_per_s, report.arrivals, report.transport
            ),
        ),
        ("answered", format!("{:.0} checks/s", report.answered_per_s)),
        ("sent, answered", format!("{}, {}", report.sent, report.answered)),
        ("lost, wrong", format!("{}, {}", report.lost, report.wrong)),
        ("latency p50, p90", format!("{}, {}", us(report.p50_us), us(report.p90_us))),
        ("latency p99, p99.9", format!("{}, {}", us(report.p99_us), us(report.p999_us))),
        ("latency, longest", us(report.max_us)),
        ("server CPU a check", cpu),
        ("generator CPU a check", format!("{:.2} µs", report.generator_cpu_us_per_check)),
        ("generator behind p99, most", format!("{}, {}", us(report.behind_p99_us), us(report.behind_max_us))),
        ("datagrams a send", format!("{:.1}", report.datagrams_per_send)),
        (
            "did not fit buffers",
            format!("{} here, {} at the server", report.dropped_at_generator, report.dropped_at_server),
        ),
        ("signatures", report.build.signature_backend.clone()),
    ];
    for (name, value) in rows {
        figures.add_row([Cell::new(name), Cell::new(value)]);
    }
    let mut text = format!("{figures}\n\n{}\n\n{}\n", kinds(report), verdicts(report));
    for note in notes(report) {
        text.push_str(&note);
        text.push('\n');
    }
    text
}

/// The steps of a ramp, one row each.
pub fn ramp_table(steps: &[Report]) -> String {
    let mut table = plain();
    table.set_header([
        "offered/s",
        "answered/s",
        "lost",
        "wrong",
        "p50 µs",
        "p99 µs",
        "p99.9 µs",
        "server µs",
        "generator µs",
        "",
    ]);
    for step in steps {
        let said = if step.generator_limited { "generator limited" } else { "" };
        table.add_row([
            number(format!("{:.0}", step.offered_per_s)),
            number(format!("{:.0}", step.answered_per_s)),
            number(step.lost),
            number(step.wrong),
            number(format!("{:.0}", step.p50_us)),
            number(format!("{:.0}", step.p99_us)),
            number(format!("{:.0}", step.p999_us)),
            number(step.server_cpu_us_per_check.map_or(String::new(), |us| format!("{us:.2}"))),
            number(format!("{:.2}", step.generator_cpu_us_per_check)),
            Cell::new(said),
        ]);
    }
    table.to_string()
}

/// What a reader must know before believing the figures.
fn notes(report: &Report) -> Vec<String> {
    let mut notes = Vec::new();
    if report.generator_limited {
        notes.push(format!(
            "The generator was the limit: one check in a hundred left {:.1} ms late or later.",
            report.behind_p99_us / 1e3
        ));
    }
    if report.duplicates + report.strays > 0 {
        notes.push(format!("{} second answers, {} answers to nothing.", report.duplicates, report.strays));
    }
    if report.skipped > 0 {
        notes
            .push(format!("{} replays were left out: what is kept for them was on its way.", report.skipped));
    }
    if !report.build.optimised {
        notes.push("Built without optimisation: the figures say nothing. Use --release.".to_owned());
    }
    notes.extend(report.complaints.iter().map(|complaint| format!("wrong: {complaint}")));
    notes
}

fn kinds(report: &Report) -> Table {
    let mut table = plain();
    table.set_header(["kind", "sent", "answered", "lost", "wrong"]);
    for (name, kind) in &report.kinds {
        let counts = [kind.sent, kind.answered, kind.lost, kind.wrong].map(number);
        table.add_row([Cell::new(name)].into_iter().chain(counts));
    }
    table
}

fn verdicts(report: &Report) -> Table {
    let mut table = plain();
    table.set_header(["verdict", "reason", "count"]);
    for verdict in &report.verdicts {
        table.add_row([Cell::new(verdict.decision), Cell::new(verdict.reason), number(verdict.count)]);
    }
    table
}

fn plain() -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Disabled);
    table
}

fn number(value: impl ToString) -> Cell {
    Cell::new(value).set_alignment(CellAlignment::Right)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::tests::thousand_checks;

    #[test]
    fn what_matters_is_in_the_table() {
        let mut report = thousand_checks();
        report.generator_limited = true;
        report.complaints = vec!["paper: must be admit (clear), was refuse (busy)".to_owned()];
        let text = table(&report);
        for wanted in [
            "1000 checks/s",
            "lost, wrong",
            "paper",
            "server CPU",
            "generator was the limit",
            "was refuse (busy)",
        ] {
            assert!(text.contains(wanted), "{wanted} is missing:\n{text}");
        }
        assert!(ramp_table(&[report]).contains("generator limited"));
    }
}
