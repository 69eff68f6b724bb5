//! Progress bars on standard error, where that is a terminal.

use hufu_sheets::{CellFault, Come, Unit};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar for what is being done, which shows its place as `counted` says.
pub(crate) fn progress(total: u64, doing: &'static str, counted: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(5));
    let style =
        ProgressStyle::with_template(&format!("{{prefix:12}} {{wide_bar}} {counted} {{msg}}, {{eta}} left"));
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_prefix(doing);
    bar
}

/// Things, counted.
pub(crate) const COUNT: &str = "{human_pos} of {human_len}";

/// Shows how far the reading of a file has come, in a bar that goes away with its end.
pub(crate) fn watch(doing: &'static str) -> impl FnMut(Come) {
    let mut bar = None;
    move |Come { at, of, unit }| {
        let counted = match unit {
            Unit::Bytes => "{binary_bytes} of {binary_total_bytes}",
            Unit::Rows => COUNT,
        };
        let bar: &mut ProgressBar = bar.get_or_insert_with(|| progress(of, doing, counted));
        bar.set_position(at);
    }
}

/// Why a row of a table has no text, as a command says it.
pub(crate) fn told(fault: CellFault) -> String {
    fault.to_string()
}
