//! What one session has asked and waits for.

use hufu_fixtures::Expected;
use hufu_wire::CheckNumber;

use crate::mix::Kind;

/// A check that was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) kind: Kind,
    /// What it must get.
    pub(crate) expected: Expected,
    /// When it was due, nanoseconds from the start.
    pub(crate) due_ns: u64,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    number: u64,
    asked: Asked,
    waiting: bool,
}

/// What a verdict answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answers {
    /// This check.
    Check(Asked),
    /// A check that was answered before.
    Duplicate,
    /// No check that is remembered.
    Nothing,
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
        let asked = Asked { kind: Kind::Garbage, expected: Expected::ADMIT, due_ns: 0 };
        let empty = Slot { number: 0, asked, waiting: false };
        let slots = vec![empty; checks.max(2).next_power_of_two()].into_boxed_slice();
        Pending { mask: slots.len() as u64 - 1, slots, waiting: 0 }
    }

    /// Remembers a check. Returns the kind of an older one that is given up to make room: it is lost.
    pub(crate) fn ask(&mut self, number: CheckNumber, asked: Asked) -> Option<Kind> {
        let slot = self.slot(number.0);
        let lost = slot.waiting.then_some(slot.asked.kind);
        *slot = Slot { number: number.0, asked, waiting: true };
        self.waiting += u64::from(lost.is_none());
        lost
    }

    /// Asks an answered check again. Returns whether it could be: not while it waits, nor when forgotten.
    pub(crate) fn ask_again(&mut self, number: CheckNumber, due_ns: u64, kind: Kind) -> bool {
        let slot = self.slot(number.0);
        if slot.waiting || slot.number != number.0 {
            return false;
        }
        *slot = Slot { asked: Asked { kind, due_ns, ..slot.asked }, waiting: true, ..*slot };
        self.waiting += 1;
        true
    }

    /// Finds the check that a verdict of this number answers.
    pub(crate) fn answered(&mut self, number: CheckNumber) -> Answers {
        let slot = self.slot(number.0);
        if slot.number != number.0 {
            return Answers::Nothing;
        }
        if !std::mem::take(&mut slot.waiting) {
            return Answers::Duplicate;
        }
        let asked = slot.asked;
        self.waiting -= 1;
        Answers::Check(asked)
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
        self.slots.iter_mut().filter_map(|slot| std::mem::take(&mut slot.waiting).then_some(slot.asked.kind))
    }

    fn slot(&mut self, number: u64) -> &mut Slot {
        #[expect(clippy::cast_possible_truncation, reason = "masked to the length of a slice")]
        let index = (number & self.mask) as usize;
        &mut self.slots[index]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(kind: Kind, due_ns: u64) -> Asked {
        Asked { kind, expected: Expected::ADMIT, due_ns }
    }

    #[test]
    fn every_answer_counts_once() {
        let mut pending = Pending::new(4);
        assert_eq!(pending.ask(CheckNumber(1), asked(Kind::Paper, 10)), None);
        assert_eq!(pending.ask(CheckNumber(2), asked(Kind::Trip, 20)), None);
        assert_eq!(pending.waiting(), 2);
        for (number, answers) in [
            (1, Answers::Check(asked(Kind::Paper, 10))),
            (1, Answers::Duplicate),
            (2, Answers::Check(asked(Kind::Trip, 20))),
            (3, Answers::Nothing),
        ] {
            assert_eq!(pending.answered(CheckNumber(number)), answers);
        }
        assert_eq!(pending.waiting(), 0);
    }

    #[test]
    fn a_replay_waits_for_the_first_answer_and_is_answered_itself() {
        let mut pending = Pending::new(4);
        pending.ask(CheckNumber(1), asked(Kind::Paper, 10));
        assert!(!pending.ask_again(CheckNumber(1), 30, Kind::Replayed));
        pending.answered(CheckNumber(1));
        assert!(pending.ask_again(CheckNumber(1), 30, Kind::Replayed));
        assert_eq!(pending.answered(CheckNumber(1)), Answers::Check(asked(Kind::Replayed, 30)));
        pending.ask(CheckNumber(5), asked(Kind::Paper, 40));
        assert!(!pending.ask_again(CheckNumber(1), 50, Kind::Replayed), "forgotten");
    }

    #[test]
    fn what_is_never_answered_is_lost_once() {
        let mut pending = Pending::new(2);
        pending.ask(CheckNumber(1), asked(Kind::Paper, 10));
        pending.ask(CheckNumber(2), asked(Kind::Trip, 10));
        assert_eq!(pending.ask(CheckNumber(3), asked(Kind::Trip, 20)), Some(Kind::Paper));
        assert_eq!(pending.waiting(), 2);
        assert_eq!(pending.give_up().collect::<Vec<_>>(), [Kind::Trip, Kind::Trip]);
        assert_eq!((pending.waiting(), pending.give_up().count()), (0, 0));
    }
}
