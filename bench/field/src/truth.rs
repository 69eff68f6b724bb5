//! The oracle: what every holder's colour was at every sequence, as the authorities decided it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use hufu_wire::{Colour, Decision, Sequence, Verdict};

/// Holders whose colours change.
pub const HOLDERS: u32 = 48;

/// One colour for each holder.
type Colours = [Option<Colour>; HOLDERS as usize];

/// Every state of the chain, in order; a state is here before anybody can have seen it.
#[derive(Debug, Default)]
pub struct Truth {
    /// The state after each sequence, from 1 on. Before that nothing is known of anybody.
    states: Mutex<Vec<Colours>>,
}

const NOTHING: Colours = [None; HOLDERS as usize];

impl Truth {
    /// Before the first change.
    pub fn new() -> Truth {
        Truth::default()
    }

    /// The next set will make this of every holder; the sequence it will have.
    pub fn push(&self, changed: &[(u32, Colour)]) -> Sequence {
        let mut states = self.states();
        let mut state = states.last().copied().unwrap_or(NOTHING);
        for (holder, colour) in changed {
            state[*holder as usize] = Some(*colour);
        }
        states.push(state);
        Sequence(states.len() as u64)
    }

    /// A holder's colour now.
    pub fn colour(&self, holder: u32) -> Option<Colour> {
        self.states().last().copied().unwrap_or(NOTHING)[holder as usize]
    }

    /// What is wrong with a verdict, if anything: it admits one that no state from its `as_of` on makes green.
    ///
    /// # Errors
    /// In words.
    pub fn judge(&self, holder: u32, verdict: &Verdict) -> Result<(), String> {
        let states = self.states();
        let before = usize::try_from(verdict.as_of.0.saturating_sub(1)).unwrap_or(usize::MAX);
        let possible = states.get(before..).unwrap_or_default();
        if verdict.as_of.0 > states.len() as u64 {
            return Err(format!("holder {holder}: as of {}, which nobody has signed", verdict.as_of));
        }
        let green = possible.iter().any(|state| state[holder as usize] == Some(Colour::Green));
        if verdict.decision == Decision::Admit && !green {
            return Err(format!("holder {holder} is admitted, and has not been green since {verdict:?}"));
        }
        Ok(())
    }

    fn states(&self) -> MutexGuard<'_, Vec<Colours>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_wire::{CheckNumber, Reason, UnixMillis};

    fn verdict(as_of: u64, reason: Reason) -> Verdict {
        Verdict { as_of: Sequence(as_of), ..Verdict::of(CheckNumber(1), UnixMillis(0), reason) }
    }

    #[test]
    fn the_oracle_catches_an_admission_after_a_red() {
        let truth = Truth::new();
        assert_eq!(truth.push(&[(0, Colour::Green)]), Sequence(1));
        assert_eq!(truth.push(&[(0, Colour::Red)]), Sequence(2));
        let check = |as_of, reason, right| {
            assert_eq!(truth.judge(0, &verdict(as_of, reason)).is_ok(), right, "{as_of} {reason}");
        };
        check(1, Reason::Clear, true);
        check(1, Reason::StatusRed, true);
        check(2, Reason::StatusRed, true);
        check(2, Reason::Clear, false);
        check(3, Reason::StatusRed, false);
    }
}
