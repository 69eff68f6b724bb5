//! What one session has asked and not yet heard of.

use hufu_fixtures::Expected;
use hufu_wire::{CheckNumber, Verdict};

use crate::mix::Kind;

/// One check under way.
#[derive(Clone, Copy, Debug)]
struct Slot {
    number: u64,
    due_ns: u64,
    expected: Expected,
    kind: Kind,
    waiting: bool,
}

/// What an answer turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// The answer to a check that was due at `due_ns`.
    Answer {
        /// When the check was due.
        due_ns: u64,
        /// What kind of check it was.
        kind: Kind,
        /// Whether decision and reason are what they must be.
        right: bool,
    },
    /// A second answer to the same check.
    Duplicate,
    /// An answer to nothing that is remembered.
    Stray,
}

/// The checks of one session by number: a ring, because numbers rise by one.
#[derive(Debug)]
pub(crate) struct Pending {
    slots: Box<[Slot]>,
    mask: u64,
    waiting: u64,
}

impl Pending {
    /// Room for `checks` under way, rounded up to a power of two.
    pub(crate) fn new(checks: usize) -> Pending {
        let empty =
            Slot { number: 0, due_ns: 0, expected: Expected::ADMIT, kind: Kind::Garbage, waiting: false };
        let slots = vec![empty; checks.max(2).next_power_of_two()].into_boxed_slice();
        Pending { mask: slots.len() as u64 - 1, slots, waiting: 0 }
    }

    /// Remembers a check. Returns the kind of an older one that is given up to make room: it is lost.
    pub(crate) fn ask(
        &mut self,
        number: CheckNumber,
        due_ns: u64,
        kind: Kind,
        expected: Expected,
    ) -> Option<Kind> {
        let slot = self.slot(number.0);
        let lost = slot.waiting.then_some(slot.kind);
        *slot = Slot { number: number.0, due_ns, expected, kind, waiting: true };
        self.waiting += u64::from(lost.is_none());
        lost
    }

    /// Asks an answered check again. Returns whether it could be: not while it waits, nor when forgotten.
    pub(crate) fn ask_again(&mut self, number: CheckNumber, due_ns: u64, kind: Kind) -> bool {
        let slot = self.slot(number.0);
        if slot.waiting || slot.number != number.0 {
            return false;
        }
        *slot = Slot { due_ns, kind, waiting: true, ..*slot };
        self.waiting += 1;
        true
    }

    /// Judges an answer.
    pub(crate) fn hear(&mut self, verdict: &Verdict) -> Heard {
        let slot = self.slot(verdict.number.0);
        if slot.number != verdict.number.0 {
            return Heard::Stray;
        }
        if !slot.waiting {
            return Heard::Duplicate;
        }
        slot.waiting = false;
        let right = slot.expected == Expected { decision: verdict.decision, reason: verdict.reason };
        let heard = Heard::Answer { due_ns: slot.due_ns, kind: slot.kind, right };
        self.waiting -= 1;
        heard
    }

    /// What was expected of check `number`, for a complaint.
    pub(crate) fn expected(&self, number: CheckNumber) -> Option<Expected> {
        let slot = &self.slots[Self::index(number.0, self.mask)];
        (slot.number == number.0).then_some(slot.expected)
    }

    /// How many numbers back it remembers.
    pub(crate) fn remembers(&self) -> u64 {
        self.mask + 1
    }

    /// Checks under way.
    pub(crate) fn waiting(&self) -> u64 {
        self.waiting
    }

    /// Gives up what still waits and names the kinds.
    pub(crate) fn give_up(&mut self) -> impl Iterator<Item = Kind> {
        self.waiting = 0;
        self.slots.iter_mut().filter_map(|slot| std::mem::take(&mut slot.waiting).then_some(slot.kind))
    }

    fn slot(&mut self, number: u64) -> &mut Slot {
        let index = Self::index(number, self.mask);
        &mut self.slots[index]
    }

    #[expect(clippy::cast_possible_truncation, reason = "masked to the length of a slice")]
    fn index(number: u64, mask: u64) -> usize {
        (number & mask) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_wire::{Decision, Reason, UnixMillis};

    fn verdict(number: u64, reason: Reason) -> Verdict {
        Verdict::of(CheckNumber(number), UnixMillis(0), reason)
    }

    #[test]
    fn every_answer_is_judged_once() {
        let mut pending = Pending::new(4);
        assert_eq!(pending.ask(CheckNumber(1), 10, Kind::Paper, Expected::ADMIT), None);
        assert_eq!(pending.ask(CheckNumber(2), 20, Kind::Trip, Expected::of(Reason::WrongHub)), None);
        assert_eq!(pending.waiting(), 2);
        let clear = |number| verdict(number, Reason::Clear);
        assert_eq!(pending.hear(&clear(1)), Heard::Answer { due_ns: 10, kind: Kind::Paper, right: true });
        assert_eq!(pending.hear(&clear(1)), Heard::Duplicate);
        assert_eq!(pending.hear(&clear(2)), Heard::Answer { due_ns: 20, kind: Kind::Trip, right: false });
        assert_eq!(pending.hear(&clear(3)), Heard::Stray);
        assert_eq!(pending.waiting(), 0);
    }

    #[test]
    fn the_same_reason_with_another_decision_is_wrong() {
        let mut pending = Pending::new(4);
        pending.ask(CheckNumber(1), 10, Kind::Paper, Expected::of(Reason::StatusUnknown));
        let admitted = Verdict { decision: Decision::Admit, ..verdict(1, Reason::StatusUnknown) };
        assert_eq!(pending.hear(&admitted), Heard::Answer { due_ns: 10, kind: Kind::Paper, right: false });
    }

    #[test]
    fn a_replay_waits_for_the_first_answer_and_is_answered_itself() {
        let mut pending = Pending::new(4);
        pending.ask(CheckNumber(1), 10, Kind::Paper, Expected::ADMIT);
        assert!(!pending.ask_again(CheckNumber(1), 30, Kind::Replayed));
        pending.hear(&verdict(1, Reason::Clear));
        assert!(pending.ask_again(CheckNumber(1), 30, Kind::Replayed));
        let heard = pending.hear(&verdict(1, Reason::Clear));
        assert_eq!(heard, Heard::Answer { due_ns: 30, kind: Kind::Replayed, right: true });
        pending.ask(CheckNumber(5), 40, Kind::Paper, Expected::ADMIT);
        assert!(!pending.ask_again(CheckNumber(1), 50, Kind::Replayed), "forgotten");
    }

    #[test]
    fn what_is_never_answered_is_lost_once() {
        let mut pending = Pending::new(2);
        pending.ask(CheckNumber(1), 10, Kind::Paper, Expected::ADMIT);
        pending.ask(CheckNumber(2), 10, Kind::Trip, Expected::ADMIT);
        assert_eq!(pending.ask(CheckNumber(3), 20, Kind::Trip, Expected::ADMIT), Some(Kind::Paper));
        assert_eq!(pending.waiting(), 2);
        assert_eq!(pending.give_up().collect::<Vec<_>>(), [Kind::Trip, Kind::Trip]);
        assert_eq!((pending.waiting(), pending.give_up().count()), (0, 0));
    }
}
