//! A roster's verdicts as text, JSON or CSV.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use comfy_table::{Table, presets};
use hufu_school::{Report, Why, no_formula};
use hufu_texts::Language;
use hufu_wire::{Colour, Decision, Reason, RosterReply};
use serde_json::{Value, json};

use crate::term::{Paint, printable};
use crate::verdict::{age_ms, decision_slug};

/// For a person: how many, why, and who needs a look.
pub(super) fn to_text(report: &Report<'_>, language: Language, paint: Paint, rows_max: usize) -> String {
    let RosterReply { reason, members, admitted, referred, refused, .. } = *report.summary();
    let mut text = String::new();
    if reason != Reason::Clear {
        let _ = writeln!(
            text,
            "{}  {reason}: {}",
            paint.bad("NOT CHECKED"),
            hufu_texts::reason(language, reason)
        );
        return text;
    }
    let _ = writeln!(
        text,
        "{members} members: {}, {}, {}",
        paint.good(&format!("{admitted} may enter")),
        paint.look(&format!("{referred} need a look")),
        paint.bad(&format!("{refused} may not enter"))
    );
    if let unfound @ 1.. = report.unfound() {
        let people = format!("{unfound} people of the list are on no roster, and a person must look");
        let _ = writeln!(text, "{}", paint.look(&people));
    }
    let mut reasons = Table::new();
    reasons.load_style(presets::NOTHING).set_header(["members", "decision", "reason", "says"]);
    for ((decision, reason), count) in counts(report) {
        let says = hufu_texts::reason(language, reason);
        reasons.add_row([count.to_string().as_str(), decision_slug(decision), reason.slug(), says]);
    }
    let _ = writeln!(text, "{reasons}");

    let others: Vec<_> = report.rows().filter(|row| row.decision != Decision::Admit).collect();
    if others.is_empty() {
        return text;
    }
    let mut rows = Table::new();
    let with_names = report.has_names();
    let names: &[&str] = if with_names { &["line", "group", "name"] } else { &[] };
    rows.load_style(presets::NOTHING)
        .set_header(names.iter().chain(&["issuer", "holder", "decision", "reason", "colour"]));
    for row in others.iter().take(rows_max) {
        let line = row.named.map_or_else(String::new, |named| named.line.to_string());
        let [group, display] = [row.group(), row.display()].map(printable);
        let names = if with_names { vec![line, group, display] } else { Vec::new() };
        let [issuer, holder] = row.place();
        let rest = [
            &*issuer,
            &*holder,
            decision_slug(row.decision),
            row.why.slug(),
            row.colour.map_or("-", Colour::slug),
        ];
        rows.add_row(names.iter().map(String::as_str).chain(rest));
    }
    let _ = writeln!(text, "\n{rows}");
    if let Some(more @ 1..) = others.len().checked_sub(rows_max) {
        let _ = writeln!(text, "and {more} more; --all lists them");
    }
    text
}

/// For a program.
pub(super) fn to_json(report: &Report<'_>) -> Value {
    let members: Vec<_> = report
        .members()
        .map(|((issuer, holder), verdict, named)| {
            let mut member = json!({
                "issuer": issuer.0,
                "holder": holder.0,
                "decision": decision_slug(verdict.decision),
                "reason": verdict.reason.slug(),
                "colour": verdict.colour.map(Colour::slug),
            });
            if let Some(named) = named {
                member["line"] = named.line.into();
                member["group"] = (&*named.group).into();
                member["display"] = (&*named.display).into();
            }
            member
        })
        .collect();
    // They have no holder, and so no verdict of the engine.
    let unfound: Vec<_> = report
        .rows()
        .filter_map(|row| match (row.why, row.named) {
            (Why::Unfound(why), Some(named)) => Some(json!({
                "line": named.line, "group": named.group, "display": named.display, "reason": why.slug(),
            })),
            _ => None,
        })
        .collect();
    json!({
        "reason": report.summary().reason.slug(),
        "server_time_ms": report.summary().server_time.0,
        "age_ms": age_ms(report.summary().age),
        "members": report.summary().members,
        "admitted": report.summary().admitted,
        "referred": report.summary().referred,
        "refused": report.summary().refused,
        "verdicts": members,
        "unfound": unfound,
    })
}

/// For a spreadsheet.
///
/// # Errors
/// It does not fit in memory.
pub(super) fn to_csv(report: &Report<'_>) -> anyhow::Result<Vec<u8>> {
    let mut file = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    let names: &[&str] = if report.has_names() { &["line", "group", "display"] } else { &[] };
    file.write_record(["issuer", "holder", "decision", "reason", "colour"].iter().chain(names))?;
    for row in report.rows() {
        let [issuer, holder] = row.place();
        let line = row.named.map_or_else(String::new, |named| named.line.to_string());
        let [group, display] = [row.group(), row.display()].map(no_formula);
        let first = [
            &*issuer,
            &*holder,
            decision_slug(row.decision),
            row.why.slug(),
            row.colour.map_or("", Colour::slug),
        ];
        let names = [&*line, &*group, &*display].into_iter().take(names.len());
        file.write_record(first.into_iter().chain(names))?;
    }
    Ok(file.into_inner()?)
}

/// How many members got which answer, the gravest first.
fn counts(report: &Report<'_>) -> Vec<((Decision, Reason), usize)> {
    let mut counts = BTreeMap::new();
    for (_, verdict, _) in report.members() {
        *counts.entry((verdict.decision, verdict.reason)).or_insert(0) += 1;
    }
    counts.into_iter().rev().collect()
}

/// Why a person has their answer, in words.
pub(super) fn says(language: Language, why: Why) -> Cow<'static, str> {
    match why {
        Why::Checked(reason) => hufu_texts::reason(language, reason).into(),
        Why::Unfound(unfound) => unfound.says(language).into(),
    }
}
