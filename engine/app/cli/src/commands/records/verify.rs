//! `hufu records verify`: whether the records, and the trail of who read them, are whole.

use std::path::Path;

use anyhow::{Context as _, anyhow};
use hufu_files as files;
use hufu_records::{DayReport, FaultKind, Held, KeyFolder, Report, VERIFIER, engine_of, public_key};
use serde_json::{Value, json};

use super::open;
use super::trail::{Summary, Trail};
use crate::outcome::Exit;
use crate::term;

pub(super) fn run(folder: &Path, keys: Option<&KeyFolder>, public: Option<&str>) -> anyhow::Result<Exit> {
    let report = verify(folder, keys, public)?;
    let trail = Trail::of(folder).verify()?;
    term::outcome(|| report_json(&report, &trail), || report_text(&report, &trail));
    Ok(if report.faults.is_empty() && trail.faults.is_empty() { Exit::Yes } else { Exit::No })
}

fn verify(folder: &Path, keys: Option<&KeyFolder>, public: Option<&str>) -> anyhow::Result<Report> {
    let records = open(folder)?;
    let bytes = match public {
        Some(digits) => hex::decode(digits).context("--public has 64 hexadecimal digits")?,
        None => files::read(&folder.join(VERIFIER))?,
    };
    let key = public_key(&bytes)
        .ok_or_else(|| anyhow!("the public key is not one of an engine: 32 bytes are wanted"))?;
    hufu_records::verify(&records, keys, &engine_of(&key), &key)
        .with_context(|| format!("the records in {} cannot be verified", folder.display()))
}

fn report_json(report: &Report, trail: &Summary) -> Value {
    let day = |day: &DayReport| {
        json!({
            "day": day.day.to_string(), "first": day.first, "records": day.records, "gaps": day.gaps,
            "state": state(day.held),
        })
    };
    let fault = |fault: &hufu_records::Fault| json!({ "day": fault.day.to_string(), "file": fault.file, "text": fault.to_string() });
    json!({
        "whole": report.faults.is_empty(),
        "days": report.days.iter().map(day).collect::<Vec<_>>(),
        "faults": report.faults.iter().map(fault).collect::<Vec<_>>(),
        "trail": trail.to_json(),
    })
}

fn report_text(report: &Report, trail: &Summary) -> String {
    let mut lines: Vec<String> = report
        .days
        .iter()
        .map(|day| {
            let gaps = match day.gaps {
                0 => String::new(),
                gaps => format!(", {gaps} gaps in which checks were answered busy"),
            };
            format!(
                "{}: {} records from number {}, {}{gaps}",
                day.day,
                day.records,
                day.first,
                state(day.held)
            )
        })
        .collect();
    lines.extend(report.faults.iter().map(|fault| format!("fault: {fault}")));
    lines.push(match report.faults.len() {
        0 => "whole: every block follows from the one before it".to_owned(),
        faults if report.faults.iter().all(|fault| fault.what == FaultKind::KeyMissing) => {
            format!("whole, and not readable: {faults} keys are missing")
        }
        faults => format!("not whole: {faults} faults"),
    });
    lines.push(trail.to_text());
    lines.join("\n")
}

const fn state(held: Held) -> &'static str {
    match held {
        Held::Open => "open",
        Held::Closed => "closed",
        Held::Destroyed => "destroyed",
    }
}
