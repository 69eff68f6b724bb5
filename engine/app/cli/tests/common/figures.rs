//! Names of figures, as operators' files use them and pages show them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Names of figures that the files for operators use: alarms, dashboard, runbook.
pub(crate) fn used_figures() -> BTreeSet<String> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs");
    let files = ["operations/alerts.yml", "operations/dashboard.json", "OPERATIONS.md"];
    let text: String = files.iter().map(|file| fs::read_to_string(docs.join(file)).unwrap()).collect();
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let is_figure = |word: &&str| {
        word.strip_prefix("hufu_").is_some_and(|rest| !rest.is_empty())
            || word.strip_prefix("process_").is_some_and(|rest| !rest.is_empty())
    };
    words.filter(is_figure).map(str::to_owned).collect()
}

/// Names of figures on a page, in the text format of Prometheus.
pub(crate) fn shown_figures(page: &str) -> BTreeSet<String> {
    let kinds = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let names = kinds.flat_map(|(name, kind)| match kind {
        "histogram" => ["", "_bucket", "_sum", "_count"].map(|part| format!("{name}{part}")).to_vec(),
        _ => vec![name.to_owned()],
    });
    names.collect()
}

/// Rows of the table of what to watch that name figures, none of which has an alarm.
pub(crate) fn rows_without_alarm() -> Vec<String> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../docs");
    let [book, alarms] =
        ["OPERATIONS.md", "operations/alerts.yml"].map(|file| fs::read_to_string(docs.join(file)).unwrap());
    let table = book.split_once("\n## What to watch\n").unwrap().1.split_once("\n## ").unwrap().0;
    let figures = table.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let names = |cell: &str| -> Vec<String> {
        let words = cell.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        words.filter(|word| word.starts_with("hufu_")).map(str::to_owned).collect()
    };
    let rows = figures.map(names).filter(|names| !names.is_empty());
    rows.filter(|names| !names.iter().any(|name| alarms.contains(name)))
        .map(|names| names.join(", "))
        .collect()
}
