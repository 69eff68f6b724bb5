//! People whose colours change while the load runs, and a gate that watches whether verdicts follow.
//!
//! The changes are as real as a snapshot makes them: one hand rewrites the issuer's snapshot file with the next
//! sequence, the running engine notices and its table's writer applies it. The watching gate knows for each
//! verdict what it must be from the verdict's own `as of`: at or after a change the new status alone is right;
//! before it, the new one may show already, the old one must not be gone for anything else.

use std::ops::RangeInclusive;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use hufu_client::Gate;
use hufu_codes::issue::{IssuerSigner, code_text};
use hufu_codes::{Credential, Detail};
use hufu_fixtures::sites::MARKET;
use hufu_fixtures::{Expected, HOME, Shown, expect};
use hufu_wire::{
    CodeKind, Colour, HolderIndex, Lane, Sequence, StatusWord, UnixMillis, UnixSeconds, Verdict,
};

use crate::moment;
use crate::statusfile::StatusFile;

/// How many people change.
const PEOPLE: u32 = 25;
/// One check in this time: 200 a second beside the load.
const BETWEEN_CHECKS: Duration = Duration::from_millis(5);
/// How long the engine may take to notice a new file: it looks once a second.
const SEEN_WITHIN: Duration = Duration::from_secs(5);

/// The people, their codes, and what has been written about them so far.
pub(super) struct Changes {
    first: HolderIndex,
    codes: Vec<String>,
    begun_at: Sequence,
    heard: UnixMillis,
    /// The last sequence whose writing has begun.
    latest: AtomicU64,
    /// When each change's file was in its place, in order.
    in_place: Mutex<Vec<Instant>>,
}

/// What came of it.
#[derive(Default)]
pub(super) struct Watched {
    /// Changes written.
    pub(super) changes: u64,
    /// Codes checked.
    pub(super) checks: u64,
    /// Those of them that were checked while the load ran.
    pub(super) during: u64,
    /// Verdicts that were not what they had to be.
    pub(super) wrong: u64,
    /// Checks without a verdict.
    pub(super) lost: u64,
    /// From the file being in its place to the first verdict that takes it into account.
    pub(super) delays: Vec<Duration>,
    /// The first wrong verdict, in words.
    pub(super) complaint: Option<String>,
}

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
    /// Puts people with the first of their statuses into `statuses`, from holder `first` on, and prints their
    /// paper codes.
    pub(super) fn begin(
        statuses: &mut StatusFile,
        first: HolderIndex,
        signer: &IssuerSigner,
        now: UnixSeconds,
    ) -> anyhow::Result<Changes> {
        let begun_at = statuses.next();
        for person in 0..PEOPLE {
            statuses.set(HolderIndex(first.0 + person), status(0, person))?;
        }
        statuses.store(begun_at)?;
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
        Ok(Changes {
            first,
            codes: (0..PEOPLE).map(code).collect::<anyhow::Result<_>>()?,
            begun_at,
            heard: now.millis(),
            latest: AtomicU64::new(begun_at.0),
            in_place: Mutex::default(),
        })
    }

    /// Writes a change every `interval` until `over`.
    pub(super) fn write(
        &self,
        statuses: &mut StatusFile,
        interval: Duration,
        over: &AtomicBool,
    ) -> anyhow::Result<()> {
        let mut due = Instant::now() + interval / 2;
        while !over.load(Ordering::Relaxed) {
            if Instant::now() < due {
                thread::sleep(Duration::from_millis(10));
                continue;
            }
            due += interval;
            let next = statuses.next();
            // Release: pairs with Acquire in Changes::is_right. Before the file can be seen by anybody.
            self.latest.store(next.0, Ordering::Release);
            for person in 0..PEOPLE {
                statuses.set(HolderIndex(self.first.0 + person), status(self.turn(next), person))?;
            }
            statuses.store(next).context("the changed snapshot cannot be written")?;
            self.in_place.lock().unwrap_or_else(PoisonError::into_inner).push(Instant::now());
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
            let written = self.in_place.lock().unwrap_or_else(PoisonError::into_inner).len();
            let waited_enough =
                over_since.map(|since| written <= watched.delays.len() || since.elapsed() > SEEN_WITHIN);
            if waited_enough == Some(true) {
                watched.changes = written as u64;
                break;
            }
            due += BETWEEN_CHECKS;
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

    fn judge(&self, person: u32, verdict: &Verdict, watched: &mut Watched) {
        let in_place = self.in_place.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = usize::try_from(self.turn(verdict.as_of)).unwrap_or(0);
        while watched.delays.len() < taken.min(in_place.len()) {
            watched.delays.push(in_place[watched.delays.len()].elapsed());
        }
        drop(in_place);
        if !self.is_right(person, verdict) {
            watched.wrong += 1;
            watched.complaint.get_or_insert_with(|| format!("holder {}: {verdict:?}", self.first.0 + person));
        }
    }

    fn is_right(&self, person: u32, verdict: &Verdict) -> bool {
        // Acquire: pairs with Release in Changes::write.
        let latest = Sequence(self.latest.load(Ordering::Acquire));
        let given = Expected { decision: verdict.decision, reason: verdict.reason };
        let turns: RangeInclusive<u64> = self.turn(verdict.as_of)..=self.turn(latest);
        verdict.as_of >= self.begun_at
            && turns.into_iter().any(|turn| self.expected(status(turn, person)) == given)
    }

    fn expected(&self, status: StatusWord) -> Expected {
        let shown =
            Shown { kind: Some(CodeKind::Paper), issuer: HOME, generation: 0, skewed: false, trip: None };
        expect(&MARKET, &shown, status, self.heard, moment::now().seconds())
    }

    /// How many changes have been made at `sequence`.
    fn turn(&self, sequence: Sequence) -> u64 {
        sequence.0.saturating_sub(self.begun_at.0)
    }
}

fn status(turn: u64, person: u32) -> StatusWord {
    let at = (turn + u64::from(person)) % ROUND.len() as u64;
    usize::try_from(at).map_or(StatusWord::UNKNOWN, |at| ROUND[at])
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_table::SnapshotWriter;
    use hufu_wire::{Age, CheckNumber, ClockOffset, Decision, Reason};

    fn changes() -> Changes {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("610000.snapshot");
        SnapshotWriter::create(&path, HOME, Sequence(1), None).unwrap().finish().unwrap();
        let signer = IssuerSigner::from_seed(&[1; 32], HOME);
        let mut statuses = StatusFile::open(&path).unwrap();
        Changes::begin(&mut statuses, HolderIndex(9), &signer, moment::now().seconds()).unwrap()
    }

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
        let changes = changes();
        let check = |as_of, reason, right| {
            assert_eq!(changes.is_right(0, &verdict(as_of, reason)), right, "{as_of} {reason}");
        };
        // Sequence 2 began with green; nothing else has been written.
        check(2, Reason::Clear, true);
        check(2, Reason::StatusRed, false);
        check(1, Reason::Clear, false);
        // Sequence 3, red, is being written: before it counts, both may show.
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
