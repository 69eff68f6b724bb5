//! No answer leaves before its record is durable (R40).

use hufu_check::{Journal, Mark, Standing};

/// Returns once the journal is durable up to `mark`. An engine without a journal never waits here.
pub(crate) fn wait_for(journal: &impl Journal, mark: Mark) {
    while journal.standing(mark) == Standing::Pending {
        journal.wait();
    }
}
