//! What a change of a colour leaves as it is.

use hufu_wire::{StatusWord, TestResult};

/// Whether the last test and the doses stay as the holder has them, because a line says nothing of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    /// The last test and its time.
    pub(crate) test: bool,
    /// The doses.
    pub(crate) doses: bool,
}

impl Kept {
    /// Whether anything stays.
    pub(crate) fn is_some(self) -> bool {
        self.test || self.doses
    }

    /// `word` with what stays of `held`; of a holder of whom nothing is known, nothing does.
    pub(crate) fn of(self, held: StatusWord, mut word: StatusWord) -> StatusWord {
        if held.colour().is_none() || word.colour().is_none() {
            return word;
        }
        if self.test && held.test_result() != TestResult::None {
            word = word.with_test(held.test_minute(), held.test_result());
        }
        if self.doses { word.with_doses(held.doses()) } else { word }
    }
}
