//! People whose colours change while the load runs, and a gate that watches whether verdicts follow.
//!
//! The changes are real: the local authority proposes, the national platform confirms, the registry commits, and the
//! running engine follows its feed. The watching gate knows for each verdict what it must be from the verdict's own
//! `as of`: at or after a change the new status alone is right; before it, the new one may show already, the old
//! one must not be gone for anything else.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context as _;
use hufu_client::Gate;
use hufu_codes::issue::{IssuerSigner, code_text};
use hufu_codes::{Credential, Detail};
use hufu_files::moment;
use hufu_fixtures::sites::MARKET;
use hufu_fixtures::{Expected, HOME, Shown, expect};
use hufu_wire::chain::{Change, Record};
use hufu_wire::{CodeKind, Colour, HolderIndex, Lane, Sequence, StatusWord, UnixSeconds, Verdict};

use super::chain::Chain;

/// How many people change.
const PEOPLE: u32 = 25;
/// A change in this time.
const BETWEEN_CHANGES: Duration = Duration::from_millis(100);
/// One check in this time: 200 a second beside the load.
const BETWEEN_CHECKS: Duration = Duration::from_millis(5);
/// While a change is on its way, a check in this time: what passes until it is seen is known to a fraction of it.
const BETWEEN_LOOKS: Duration = Duration::from_micros(200);
/// How long the last changes may take on a machine that is busy.
const SEEN_WITHIN: Duration = Duration::from_secs(5);

/// The people, their codes, and what has been decided about them so far.
pub(super) struct Changes {
    first: HolderIndex,
    codes: Vec<String>,
    begun_at: Sequence,
    /// The last sequence whose confirmation has begun.
    latest: AtomicU64,
    /// When each change was committed, microseconds since 1970, in order.
    committed: Mutex<Vec<u64>>,
    /// No change will come any more.
    ended: AtomicBool,
}

/// What came of it.
#[derive(Default)]
pub(super) struct Watched {
    /// Changes that were committed.
    pub(super) changes: u64,
    /// Codes checked.
    pub(super) checks: u64,
    /// Those of them that were checked while the load ran.
    pub(super) during: u64,
    /// Verdicts that were not what they had to be.
    pub(super) wrong: u64,
    /// Checks without a verdict.
    pub(super) lost: u64,
    /// From a change's commit in the registry to the first verdict that takes it into account, in order.
    pub(super) delays: Vec<Duration>,
    /// When each change was first seen, microseconds since 1970.
    seen_us: Vec<u64>,
    /// The first wrong verdict, in words.
    pub(super) complaint: Option<String>,
}

/// Why, in the instructions.
const REASON: &str = "a change of the demo";

/// The statuses everybody goes through, each person one ahead of the one before.
const ROUND: [StatusWord; 5] = [
    StatusWord::new(Colour::Green, 0),
    StatusWord::new(Colour::Red, 0),
    StatusWord::new(Colour::Amber, 0),
    // A newer credential: the one that is shown is superseded.
    StatusWord::new(Colour::Green, 1),
    StatusWord::UNKNOWN,
];

impl Changes {
    /// Brings people with the first of their statuses into the chain, from holder `first` on, and prints their
    /// paper codes.
    pub(super) fn begin(
        chain: &mut Chain,
        first: HolderIndex,
        signer: &IssuerSigner,
        now: UnixSeconds,
    ) -> anyhow::Result<Changes> {
        let proposed = chain.propose(&records(first, 0), REASON)?;
        chain.confirm(&proposed)?;
        let code = |person| {
            let credential = signer.sign_credential(&Credential {
                key: signer.key(),
                issued: now,
                expires: UnixSeconds(now.0 + 86_400),
                holder: HolderIndex(first.0 + person),
                generation: 0,
                display: "",
                detail: Detail::Paper,
            })?;
            Ok(code_text(&credential, None))
        };
        let codes = (0..PEOPLE).map(code).collect::<anyhow::Result<_>>()?;
        Ok(Changes::at(chain.tip().sequence, first, codes))
    }

    fn at(begun_at: Sequence, first: HolderIndex, codes: Vec<String>) -> Changes {
        Changes {
            first,
            codes,
            begun_at,
            latest: AtomicU64::new(begun_at.0),
            committed: Mutex::default(),
            ended: AtomicBool::new(false),
        }
    }

    /// Decides and confirms a change at a time until `over`.
    pub(super) fn make(&self, chain: &mut Chain, over: &AtomicBool) -> anyhow::Result<()> {
        let made = self.make_until(chain, over);
        // Release: pairs with Acquire in Changes::watch, which then knows of the last change.
        self.ended.store(true, Ordering::Release);
        made
    }

    fn make_until(&self, chain: &mut Chain, over: &AtomicBool) -> anyhow::Result<()> {
        let mut due = Instant::now() + BETWEEN_CHANGES;
        while !over.load(Ordering::Relaxed) {
            let wait = due.saturating_duration_since(Instant::now());
            if !wait.is_zero() {
                thread::sleep(wait);
                continue;
            }
            // What was missed on a busy machine is not made up for.
            due = Instant::now().max(due) + BETWEEN_CHANGES;
            let next = chain.tip().next();
            let proposed = chain.propose(&records(self.first, self.turn(next)), REASON)?;
            // Release: pairs with Acquire in Changes::latest. Before anybody can see it.
            self.latest.store(next.0, Ordering::Release);
            let committed_us = chain.confirm(&proposed).context("a change was not confirmed")?;
            self.committed().push(committed_us);
        }
        Ok(())
    }

    /// Checks one person after the other until `over`, and then until every change has been seen.
    pub(super) fn watch(&self, gate: &mut Gate, over: &AtomicBool) -> Watched {
        let mut watched = Watched::default();
        let mut due = Instant::now();
        let mut over_since: Option<Instant> = None;
        for (person, code) in (0..PEOPLE).zip(&self.codes).cycle() {
            if over_since.is_none() && over.load(Ordering::Relaxed) {
                over_since = Some(Instant::now());
            }
            // In this order: a change that was begun before the end is known once the end is.
            let ended = self.ended.load(Ordering::Acquire);
            let on_its_way = self.turn(self.latest()) > watched.seen_us.len() as u64;
            let all_seen = ended && !on_its_way;
            if over_since.is_some_and(|since| all_seen || since.elapsed() > SEEN_WITHIN) {
                break;
            }
            due = if on_its_way {
                Instant::now() + BETWEEN_LOOKS
            } else {
                Instant::now().max(due + BETWEEN_CHECKS)
            };
            thread::sleep(due.saturating_duration_since(Instant::now()));
            watched.checks += 1;
            watched.during += u64::from(over_since.is_none());
            match gate.check(code.as_bytes(), Lane(0)) {
                Ok(verdict) => self.judge(person, &verdict, &mut watched),
                Err(_) => watched.lost += 1,
            }
        }
        watched
    }

    /// Puts together, after both have ended, when changes were committed and when they were seen.
    pub(super) fn compare(&self, mut watched: Watched) -> Watched {
        let committed = self.committed();
        let delay = |(seen, committed): (&u64, &u64)| Duration::from_micros(seen.saturating_sub(*committed));
        watched.changes = committed.len() as u64;
        watched.delays = watched.seen_us.iter().zip(committed.iter()).map(delay).collect();
        watched
    }

    fn judge(&self, person: u32, verdict: &Verdict, watched: &mut Watched) {
        let taken = usize::try_from(self.turn(verdict.as_of)).unwrap_or(0);
        if watched.seen_us.len() < taken {
            watched.seen_us.resize(taken, now_us());
        }
        if !self.is_right(person, verdict) {
            watched.wrong += 1;
            watched.complaint.get_or_insert_with(|| format!("holder {}: {verdict:?}", self.first.0 + person));
        }
    }

    fn latest(&self) -> Sequence {
        // Acquire: pairs with Release in Changes::make.
        Sequence(self.latest.load(Ordering::Acquire))
    }

    fn committed(&self) -> MutexGuard<'_, Vec<u64>> {
        // A push is whole or nothing.
        self.committed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_right(&self, person: u32, verdict: &Verdict) -> bool {
        let given = Expected { decision: verdict.decision, reason: verdict.reason };
        let turns: RangeInclusive<u64> = self.turn(verdict.as_of)..=self.turn(self.latest());
        verdict.as_of >= self.begun_at
            && turns.into_iter().any(|turn| expected(status(turn, person)) == given)
    }

    /// How many changes have been made at `sequence`.
    fn turn(&self, sequence: Sequence) -> u64 {
        sequence.0.saturating_sub(self.begun_at.0)
    }
}

/// What a holder with this status must get.
fn expected(status: StatusWord) -> Expected {
    let shown = Shown { kind: Some(CodeKind::Paper), issuer: HOME, generation: 0, skewed: false, trip: None };
    // Heads come every second: nothing is stale here.
    let now = moment::now();
    expect(&MARKET, &shown, status, now, now.seconds())
}

/// Everybody's statuses of one turn.
fn records(first: HolderIndex, turn: u64) -> Vec<Record> {
    let record = |person| Record::new(HolderIndex(first.0 + person), Change::Word(status(turn, person)));
    (0..PEOPLE).map(record).collect()
}

/// Microseconds since 1970, by the clock that the registry of this machine has too.
fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

fn status(turn: u64, person: u32) -> StatusWord {
    let at = (turn + u64::from(person)) % ROUND.len() as u64;
    usize::try_from(at).map_or(StatusWord::UNKNOWN, |at| ROUND[at])
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_wire::{Age, CheckNumber, ClockOffset, Decision, Reason, UnixMillis};

    fn verdict(as_of: u64, reason: Reason) -> Verdict {
        Verdict {
            number: CheckNumber(1),
            server_time: UnixMillis(0),
            as_of: Sequence(as_of),
            age: Age::Unknown,
            clock_offset: ClockOffset(0),
            decision: reason.decision(),
            reason,
            colour: None,
            kind: None,
        }
    }

    #[test]
    fn r22_at_or_after_a_change_only_the_new_status_is_right() {
        let changes = Changes::at(Sequence(2), HolderIndex(9), Vec::new());
        let check = |as_of, reason, right| {
            assert_eq!(changes.is_right(0, &verdict(as_of, reason)), right, "{as_of} {reason}");
        };
        // Sequence 2 began with green; nothing else has been confirmed.
        check(2, Reason::Clear, true);
        check(2, Reason::StatusRed, false);
        check(1, Reason::Clear, false);
        // Sequence 3, red, is being confirmed: before it counts, both may show.
        changes.latest.store(3, Ordering::Release);
        check(2, Reason::Clear, true);
        check(2, Reason::StatusRed, true);
        check(2, Reason::StatusAmber, false);
        check(3, Reason::StatusRed, true);
        check(3, Reason::Clear, false);
        let admitted = Verdict { decision: Decision::Admit, ..verdict(3, Reason::StatusRed) };
        assert!(!changes.is_right(0, &admitted));
    }
}
