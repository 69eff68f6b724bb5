//! Lists of things, as JSON or as a table.

use std::fmt::Display;

use comfy_table::{Table, presets};
use serde::Serialize;
use serde_json::json;

use crate::outcome::Exit;
use crate::term;

/// Items that one sentence names.
const NAMED_MAX: usize = 20;

/// The first of `items` and how many more there are, for a sentence.
pub(crate) fn first_of(items: &[impl Display]) -> String {
    let named: Vec<_> = items.iter().take(NAMED_MAX).map(ToString::to_string).collect();
    let named = named.join(", ");
    match items.len().saturating_sub(NAMED_MAX) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

/// Prints `items` as a table with a row for each; with `--json` as an array.
pub(crate) fn list<T: Serialize, const N: usize>(
    items: &[T],
    header: [&str; N],
    row: impl Fn(&T) -> [String; N],
) -> Exit {
    term::outcome(
        || json!(items),
        || {
            let mut table = Table::new();
            table.load_style(presets::NOTHING).set_header(header).add_rows(items.iter().map(row));
            table.to_string()
        },
    );
    Exit::Yes
}
