//! What one worker counts and times, and how workers' counts become one.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;
use hufu_fixtures::Expected;
use hufu_fixtures::golden::names;
use hufu_wire::Verdict;

use crate::mix::Kind;
use crate::pending::{Answers, Asked, Pending};
use crate::timeline::Timeline;

/// Longest latency that is told apart, nanoseconds: a minute.
const LATENCY_NS_MAX: u64 = 60_000_000_000;

/// Wrong answers kept as they were, for a look.
const COMPLAINTS_MAX: usize = 8;

/// Sent and answered of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) sent: u64,
    pub(crate) answered: u64,
    pub(crate) lost: u64,
    pub(crate) wrong: u64,
}

/// A wrong answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Complaint {
    pub(crate) kind: Kind,
    pub(crate) expected: Option<Expected>,
    pub(crate) verdict: Option<Verdict>,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.kind.slug())?;
        match self.expected {
            Some(Expected { decision, reason }) => {
                write!(f, "must be {} ({reason})", names::decision(decision))
            }
            None => f.write_str("must not be answered"),
        }?;
        match &self.verdict {
            Some(verdict) => write!(f, ", was {} ({})", names::decision(verdict.decision), verdict.reason),
            None => f.write_str(", was answered"),
        }
    }
}

/// Everything one worker counted.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    /// By [`Kind`], as it is numbered.
    pub(crate) counts: [Count; Kind::ALL.len()],
    /// Answers by decision (as numbered on the wire) and reason.
    pub(crate) verdicts: BTreeMap<(u8, u16), u64>,
    /// From when a check was due until its answer was read, nanoseconds.
    pub(crate) latency: Histogram<u64>,
    /// From when a check was due until it was handed to the socket, nanoseconds.
    pub(crate) behind: Histogram<u64>,
    /// Second answers to one check.
    pub(crate) duplicates: u64,
    /// Datagrams that no session of ours can open, and answers to nothing asked.
    pub(crate) strays: u64,
    /// Send calls.
    pub(crate) sends: u64,
    /// Checks the operating system would not take at once.
    pub(crate) held_up: u64,
    /// Replays left out because everything kept for them was on its way.
    pub(crate) skipped: u64,
    /// When the last check was handed to the socket, nanoseconds from the start.
    pub(crate) last_sent_ns: u64,
    /// When the last check was due.
    pub(crate) last_due_ns: u64,
    /// What the worker's thread used.
    pub(crate) cpu: Duration,
    pub(crate) complaints: Vec<Complaint>,
    pub(crate) timeline: Timeline,
}

impl Tally {
    pub(crate) fn new() -> Tally {
        Tally {
            counts: [Count::default(); Kind::ALL.len()],
            verdicts: BTreeMap::new(),
            latency: histogram(),
            behind: histogram(),
            duplicates: 0,
            strays: 0,
            sends: 0,
            held_up: 0,
            skipped: 0,
            last_sent_ns: 0,
            last_due_ns: 0,
            cpu: Duration::ZERO,
            complaints: Vec::new(),
            timeline: Timeline::default(),
        }
    }

    /// A check of `kind` that was due at `due_ns` left at `now_ns`.
    #[inline]
    pub(crate) fn sent(&mut self, kind: Kind, due_ns: u64, now_ns: u64) {
        self.counts[kind as usize].sent += 1;
        self.behind.saturating_record(now_ns.saturating_sub(due_ns));
        self.last_sent_ns = self.last_sent_ns.max(now_ns);
        self.last_due_ns = self.last_due_ns.max(due_ns);
        if !kind.wants_silence() {
            self.timeline.due(due_ns);
        }
    }

    /// A verdict that was read at `now_ns`, from a session with these checks under way.
    #[inline]
    pub(crate) fn take(&mut self, pending: &mut Pending, verdict: &Verdict, now_ns: u64, timeout: Duration) {
        match pending.answered(verdict.number) {
            Answers::Check(asked) => self.judge(&asked, verdict, now_ns, timeout),
            Answers::Duplicate => self.duplicates += 1,
            Answers::Nothing => self.strays += 1,
        }
    }

    /// The answer to a check, read at `now_ns`.
    #[inline]
    pub(crate) fn judge(&mut self, asked: &Asked, verdict: &Verdict, now_ns: u64, timeout: Duration) {
        let Asked { kind, expected, due_ns } = *asked;
        self.answered(kind, now_ns.saturating_sub(due_ns), timeout);
        *self.verdicts.entry((verdict.decision as u8, verdict.reason.code())).or_insert(0) += 1;
        self.timeline.answered(now_ns);
        if expected != (Expected { decision: verdict.decision, reason: verdict.reason }) {
            self.wrong(kind, Some(expected), Some(*verdict));
        }
    }

    /// A check of `kind` was answered. An answer after `timeout` comes too late for a gate: it is lost.
    #[inline]
    pub(crate) fn answered(&mut self, kind: Kind, latency_ns: u64, timeout: Duration) {
        let count = &mut self.counts[kind as usize];
        if u128::from(latency_ns) > timeout.as_nanos() {
            count.lost += 1;
        } else {
            count.answered += 1;
            self.latency.saturating_record(latency_ns);
        }
    }

    /// An answer is not what it must be; `verdict` is `None` where any answer is wrong.
    #[cold]
    pub(crate) fn wrong(&mut self, kind: Kind, expected: Option<Expected>, verdict: Option<Verdict>) {
        self.counts[kind as usize].wrong += 1;
        if self.complaints.len() < COMPLAINTS_MAX {
            self.complaints.push(Complaint { kind, expected, verdict });
        }
    }

    pub(crate) fn lost(&mut self, kind: Kind) {
        self.counts[kind as usize].lost += 1;
    }

    /// Adds what another worker counted.
    pub(crate) fn add(&mut self, other: &Tally) {
        for (count, other) in self.counts.iter_mut().zip(other.counts) {
            count.sent += other.sent;
            count.answered += other.answered;
            count.lost += other.lost;
            count.wrong += other.wrong;
        }
        for (key, count) in &other.verdicts {
            *self.verdicts.entry(*key).or_insert(0) += count;
        }
        // Both histograms have the same bounds, so adding cannot fail.
        let _ = self.latency.add(&other.latency);
        let _ = self.behind.add(&other.behind);
        self.duplicates += other.duplicates;
        self.strays += other.strays;
        self.sends += other.sends;
        self.held_up += other.held_up;
        self.skipped += other.skipped;
        self.last_sent_ns = self.last_sent_ns.max(other.last_sent_ns);
        self.last_due_ns = self.last_due_ns.max(other.last_due_ns);
        self.cpu += other.cpu;
        self.complaints.extend(other.complaints.iter().cloned());
        self.complaints.truncate(COMPLAINTS_MAX);
        self.timeline.add(&other.timeline);
    }

    /// The sum over all kinds that want an answer.
    pub(crate) fn total(&self) -> Count {
        let counts = Kind::ALL.into_iter().filter(|kind| !kind.wants_silence());
        counts.map(|kind| self.counts[kind as usize]).fold(Count::default(), |sum, count| Count {
            sent: sum.sent + count.sent,
            answered: sum.answered + count.answered,
            lost: sum.lost + count.lost,
            wrong: sum.wrong + count.wrong,
        })
    }
}

/// Three significant digits up to a minute.
fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_NS_MAX, 3).expect("the bounds are in order and the digits allowed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_wire::{CheckNumber, Decision, Reason, UnixMillis};

    const TIMEOUT: Duration = Duration::from_millis(500);

    #[test]
    fn an_answer_after_the_timeout_is_lost_and_not_timed() {
        let mut tally = Tally::new();
        tally.sent(Kind::Paper, 0, 1_000);
        tally.sent(Kind::Paper, 10, 1_000);
        tally.answered(Kind::Paper, 500_000_000, TIMEOUT);
        tally.answered(Kind::Paper, 500_000_001, TIMEOUT);
        assert_eq!(tally.total(), Count { sent: 2, answered: 1, lost: 1, wrong: 0 });
        assert_eq!(tally.latency.len(), 1);
    }

    #[test]
    fn silence_that_was_due_counts_neither_as_sent_nor_as_lost() {
        let mut tally = Tally::new();
        tally.sent(Kind::Garbage, 0, 0);
        assert_eq!(tally.total(), Count::default());
        assert_eq!(tally.counts[Kind::Garbage as usize].sent, 1);
    }

    /// The point of an open loop: a stalled generator makes its own lateness part of the latency.
    #[test]
    fn latency_counts_from_when_a_check_was_due_not_from_when_it_left() {
        let mut tally = Tally::new();
        let (due_ns, left_ns, heard_ns) = (1_000_000, 81_000_000, 81_050_000);
        tally.sent(Kind::Paper, due_ns, left_ns);
        tally.answered(Kind::Paper, heard_ns - due_ns, TIMEOUT);
        assert!(tally.latency.max() >= 80_000_000);
        assert!(tally.behind.max() >= 79_900_000);
    }

    #[test]
    fn the_same_reason_with_another_decision_is_wrong() {
        let mut tally = Tally::new();
        let asked = Asked { kind: Kind::Paper, expected: Expected::of(Reason::StatusUnknown), due_ns: 10 };
        let right = Verdict::of(CheckNumber(1), UnixMillis(0), Reason::StatusUnknown);
        for (verdict, wrong) in [(right, 0), (Verdict { decision: Decision::Admit, ..right }, 1)] {
            tally.judge(&asked, &verdict, 20, TIMEOUT);
            assert_eq!(tally.counts[Kind::Paper as usize].wrong, wrong);
        }
    }

    #[test]
    fn tallies_add_up() {
        let (mut one, mut two) = (Tally::new(), Tally::new());
        one.sent(Kind::Trip, 0, 5);
        two.sent(Kind::Trip, 3, 9);
        two.answered(Kind::Trip, 7, TIMEOUT);
        two.wrong(Kind::Trip, None, None);
        two.strays = 2;
        one.add(&two);
        assert_eq!(one.total(), Count { sent: 2, answered: 1, lost: 0, wrong: 1 });
        assert_eq!((one.strays, one.last_sent_ns, one.last_due_ns), (2, 9, 3));
        assert_eq!((one.behind.len(), one.complaints.len()), (2, 1));
    }
}
