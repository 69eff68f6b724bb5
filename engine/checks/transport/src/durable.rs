//! No answer leaves before its record is durable (R40).

use std::time::{Duration, Instant};

use hufu_check::{Journal, Mark, Standing};

/// How long a stopping thread goes on: under a load that never lets its socket run dry, and for records that are not
/// durable yet.
const DRAIN_MAX: Duration = Duration::from_millis(50);

/// The time that a thread has once it is told to stop.
#[derive(Debug, Default)]
pub(crate) struct Drain(Option<Instant>);

impl Drain {
    /// Whether it is over. It begins when this is first asked with `stopping`.
    pub(crate) fn is_over(&mut self, stopping: bool) -> bool {
        stopping && Instant::now() >= *self.0.get_or_insert_with(|| Instant::now() + DRAIN_MAX)
    }
}

/// Returns once the records up to `mark` are durable (`true`), or never will be, or `give_up` says so. An engine
/// without a journal never waits here.
pub(crate) fn settle(journal: &impl Journal, mark: Mark, give_up: &mut dyn FnMut() -> bool) -> bool {
    loop {
        match journal.standing(mark) {
            Standing::Durable => return true,
            Standing::Lost => return false,
            Standing::Pending if give_up() => return false,
            Standing::Pending => journal.wait(),
        }
    }
}
