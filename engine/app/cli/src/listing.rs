//! Lists of things, as JSON or as a table.

use comfy_table::{Table, presets};
use serde::Serialize;
use serde_json::json;

use crate::outcome::Exit;
use crate::term::say;

/// Prints `items` as JSON, or as a table with a row for each.
pub(crate) fn list<T: Serialize, const N: usize>(
    items: &[T],
    as_json: bool,
    header: [&str; N],
    row: impl Fn(&T) -> [String; N],
) -> Exit {
    if as_json {
        say!("{:#}", json!(items));
    } else {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_header(header).add_rows(items.iter().map(row));
        say!("{table}");
    }
    Exit::Yes
}
