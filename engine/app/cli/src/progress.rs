//! Progress bars on standard error, where that is a terminal.

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
