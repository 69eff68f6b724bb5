//! What cargo-mutants reports: `mutants.out/outcomes.json`.

use std::fmt::Write as _;
use std::ops::AddAssign;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;

/// One mutant and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mutant {
    /// `FILE: WHAT WAS CHANGED in FUNCTION`, without the position, which other changes move.
    pub(super) name: String,
    pub(super) line: u64,
    pub(super) verdict: Verdict,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A test failed.
    Caught,
    /// Every test passed.
    Missed,
    /// The mutant did not compile.
    Unviable,
    /// The tests did not end.
    Timeout,
}

/// Mutants by verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    caught: u32,
    missed: u32,
    unviable: u32,
    timeout: u32,
}

#[derive(Deserialize)]
struct Report {
    outcomes: Vec<Outcome>,
}

#[derive(Deserialize)]
struct Outcome {
    /// `"Baseline"`, or an object with a mutant.
    scenario: Value,
    summary: String,
}

/// Reads a report.
pub(super) fn read(text: &str) -> Result<Vec<Mutant>> {
    let report: Report = serde_json::from_str(text)?;
    report
        .outcomes
        .iter()
        .filter_map(|outcome| Some(mutant(outcome.scenario.get("Mutant")?, &outcome.summary)))
        .collect()
}

fn mutant(mutant: &Value, summary: &str) -> Result<Mutant> {
    let text = |name: &str| mutant[name].as_str().with_context(|| format!("a mutant without {name}"));
    let (name, file) = (text("name")?, text("file")?);
    Ok(Mutant {
        name: without_position(name, file).with_context(|| format!("a mutant named {name:?}"))?,
        line: mutant["span"]["start"]["line"].as_u64().unwrap_or_default(),
        verdict: match summary {
            "CaughtMutant" => Verdict::Caught,
            "MissedMutant" => Verdict::Missed,
            "Unviable" => Verdict::Unviable,
            "Timeout" => Verdict::Timeout,
            other => bail!("{name}: cargo mutants ended with {other}"),
        },
    })
}

/// `FILE:LINE:COLUMN: CHANGE` as `FILE: CHANGE`.
fn without_position(name: &str, file: &str) -> Option<String> {
    let (_, change) = name.strip_prefix(file)?.split_once(": ")?;
    Some(format!("{file}: {change}"))
}

impl Tally {
    pub(super) fn of(mutants: &[Mutant]) -> Tally {
        let mut tally = Tally::default();
        for mutant in mutants {
            *match mutant.verdict {
                Verdict::Caught => &mut tally.caught,
                Verdict::Missed => &mut tally.missed,
                Verdict::Unviable => &mut tally.unviable,
                Verdict::Timeout => &mut tally.timeout,
            } += 1;
        }
        tally
    }

    /// A row of the table. Percent of those that compiled; a timeout is caught.
    fn row(self, name: &str) -> String {
        let Tally { caught, missed, unviable, timeout } = self;
        let (noticed, viable) = (caught + timeout, caught + timeout + missed);
        let percent = if viable == 0 {
            "-".into()
        } else {
            format!("{:.1} %", 100.0 * f64::from(noticed) / f64::from(viable))
        };
        format!(
            "{name:<14}{:>9}{caught:>9}{timeout:>9}{missed:>9}{unviable:>10}{percent:>9}",
            viable + unviable
        )
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, more: Tally) {
        self.caught += more.caught;
        self.missed += more.missed;
        self.unviable += more.unviable;
        self.timeout += more.timeout;
    }
}

/// The tallies of packages and their sum, a line each.
pub(super) fn table(tallies: &[(&str, Tally)]) -> String {
    let mut all = Tally::default();
    let mut table = format!(
        "{:<14}{:>9}{:>9}{:>9}{:>9}{:>10}{:>9}\n",
        "package", "mutants", "caught", "timeout", "missed", "unviable", "noticed"
    );
    for (package, tally) in tallies {
        all += *tally;
        let _ = writeln!(table, "{}", tally.row(package));
    }
    table + &all.row("all")
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = r#"{"outcomes": [
        {"scenario": "Baseline", "summary": "Success", "log_path": "log/baseline.log"},
        {"scenario": {"Mutant": {"name": "engine/core/wire/src/a.rs:12:5: replace + with - in sum", "package": "hufu-wire",
            "file": "engine/core/wire/src/a.rs", "span": {"start": {"line": 12, "column": 5}}}}, "summary": "MissedMutant"},
        {"scenario": {"Mutant": {"name": "engine/core/wire/src/a.rs:9:1: replace f -> Option<u8> with None", "package": "hufu-wire",
            "file": "engine/core/wire/src/a.rs", "span": {"start": {"line": 9, "column": 1}}}}, "summary": "Timeout"}
    ]}"#;

    #[test]
    fn a_report_gives_mutants_without_their_positions() {
        let mutant = |name: &str, line, verdict| Mutant { name: name.to_owned(), line, verdict };
        assert_eq!(
            read(REPORT).unwrap(),
            [
                mutant("engine/core/wire/src/a.rs: replace + with - in sum", 12, Verdict::Missed),
                mutant("engine/core/wire/src/a.rs: replace f -> Option<u8> with None", 9, Verdict::Timeout),
            ]
        );
    }

    #[test]
    fn an_outcome_that_is_none_of_the_four_is_an_error() {
        assert!(read(&REPORT.replace("MissedMutant", "Failure")).is_err());
        assert!(read("{}").is_err());
    }

    #[test]
    fn timeouts_count_as_noticed_and_what_does_not_compile_does_not_count() {
        let tally = Tally { caught: 17, missed: 1, unviable: 4, timeout: 2 };
        let row = tally.row("hufu-wire");
        assert_eq!(
            row.split_whitespace().collect::<Vec<_>>(),
            ["hufu-wire", "24", "17", "2", "1", "4", "95.0", "%"]
        );
        assert!(Tally::default().row("none").ends_with('-'));
        assert!(table(&[("a", tally), ("b", tally)]).lines().last().unwrap().contains(" 48 "));
        assert_eq!(Tally::of(&read(REPORT).unwrap()), Tally { missed: 1, timeout: 1, ..Tally::default() });
    }
}
