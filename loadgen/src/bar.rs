//! A progress bar on a terminal, nothing elsewhere.

use hufu_loadgen::{Report, Stage};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What is shown while codes are signed and checks are sent.
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// A bar on standard error; indicatif hides it where that is no terminal.
    pub(crate) fn new() -> Bar {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{prefix:>8} {bar:40} {pos} of {len} {msg}") {
            bar.set_style(style);
        }
        Bar(bar)
    }

    pub(crate) fn show(&self, stage: Stage) {
        match stage {
            Stage::Signing(done, of) => {
                self.0.set_prefix("signing");
                self.0.set_message("");
                self.0.set_length(of);
                self.0.set_position(done);
            }
            Stage::Running { sent, answered, wrong, all } => {
                self.0.set_prefix("sending");
                self.0.set_message(format!("sent, {answered} answered, {wrong} wrong"));
                self.0.set_length(all);
                self.0.set_position(sent);
            }
        }
    }

    /// Leaves a line about a step behind.
    pub(crate) fn said(&self, step: &Report) {
        let outcome = step.fault(false).unwrap_or_else(|| "nothing lost".to_owned());
        self.0.println(format!("{:>8.0} checks/s: {outcome}", step.offered_per_s));
    }

    pub(crate) fn clear(&self) {
        self.0.finish_and_clear();
    }
}
