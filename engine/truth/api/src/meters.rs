//! What the API counts: requests by kind of route and status, refusals by cause. Refusals are also reported, in a bounded
//! form: to the log and to the trail once in a while, with a number for each cause.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hufu_wire::StrangerLines;

use super::problem::Kind;

/// Callers that are named in one report; refusals of the others are reported together.
const NAMED_MAX: usize = 16;

/// Why a connection was closed before any request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closed {
    /// As many connections as there may be in all.
    Total,
    /// As many as one source may have.
    Source,
    /// It did not complete TLS, or not in time.
    Handshake,
}

/// Counts of one API.
#[derive(Debug, Default)]
pub(super) struct Meters {
    counts: Mutex<Counts>,
    /// Refusals of callers without a valid token, in the log.
    strangers: StrangerLines,
}

#[derive(Debug, Default)]
struct Counts {
    classes: BTreeMap<String, Class>,
    refusals: BTreeMap<&'static str, u64>,
    /// Since the last report, by the label of the token that was shown.
    unreported: BTreeMap<Option<Arc<str>>, BTreeMap<&'static str, u64>>,
}

/// Answers of one class of route.
#[derive(Debug, Default)]
struct Class {
    /// How many, by status.
    answers: BTreeMap<u16, u64>,
    took: Took,
}

/// How long answers of one class of route took.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Took {
    /// Answers up to each of [`Took::BOUNDS_S`] and above the one before it; then those above all bounds.
    pub counts: [u64; Took::BOUNDS_S.len() + 1],
    /// All answers together.
    pub sum: Duration,
}

impl Took {
    /// Upper bounds, seconds: from a read to what a clerk waits for.
    pub const BOUNDS_S: [f64; 9] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 10.0];

    fn add(&mut self, took: Duration) {
        let took_s = took.as_secs_f64();
        self.counts[Took::BOUNDS_S.iter().take_while(|bound| took_s > **bound).count()] += 1;
        self.sum += took;
    }
}

/// Refusals of one caller since the last report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusals {
    /// The label of the token; none for callers without a valid one, and for those beyond [`NAMED_MAX`].
    pub(super) who: Option<Arc<str>>,
    /// Such as `3 forbidden, 1 too-many`.
    pub(super) what: String,
}

impl Closed {
    fn slug(self) -> &'static str {
        match self {
            Closed::Total => "connections-total",
            Closed::Source => "connections-source",
            Closed::Handshake => "handshake",
        }
    }
}

impl Meters {
    /// A request was answered.
    pub(super) fn request(&self, class: &str, status: u16, took: Duration) {
        let mut counts = self.counts();
        if !counts.classes.contains_key(class) {
            counts.classes.insert(class.to_owned(), Class::default());
        }
        if let Some(class) = counts.classes.get_mut(class) {
            *class.answers.entry(status).or_default() += 1;
            class.took.add(took);
        }
    }

    /// A request was refused with this problem.
    pub(super) fn problem(&self, kind: Kind, who: Option<&Arc<str>>) {
        let mut counts = self.counts();
        *counts.refusals.entry(kind.slug()).or_default() += 1;
        if kind.is_refusal() {
            counts.add(kind.slug(), who.cloned());
        }
    }

    /// Whether the log takes one more refusal of a caller without a valid token: anyone can cause these. Those left out
    /// stand in the next report.
    pub(super) fn may_log_stranger(&self, now: Instant) -> bool {
        self.strangers.may_log(now)
    }

    /// A connection was closed.
    pub(super) fn closed(&self, why: Closed) {
        let mut counts = self.counts();
        *counts.refusals.entry(why.slug()).or_default() += 1;
        counts.add(why.slug(), None);
    }

    /// Requests by class and status.
    pub(super) fn requests(&self) -> Vec<(String, u16, u64)> {
        let counts = self.counts();
        let of = |(name, class): (&String, &Class)| -> Vec<_> {
            class.answers.iter().map(|(status, count)| (name.clone(), *status, *count)).collect()
        };
        counts.classes.iter().flat_map(of).collect()
    }

    /// How long answers took, by class.
    pub(super) fn took(&self) -> Vec<(String, Took)> {
        self.counts().classes.iter().map(|(name, class)| (name.clone(), class.took.clone())).collect()
    }

    /// Refusals by cause.
    pub(super) fn refusals(&self) -> Vec<(&'static str, u64)> {
        self.counts().refusals.iter().map(|(cause, count)| (*cause, *count)).collect()
    }

    /// What was refused since the last call, at most [`NAMED_MAX`] callers and the rest.
    pub(super) fn take_unreported(&self) -> Vec<Refusals> {
        let unreported = std::mem::take(&mut self.counts().unreported);
        unreported.into_iter().map(|(who, causes)| Refusals { who, what: listed(&causes) }).collect()
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // Counts are whole at every moment.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn add(&mut self, cause: &'static str, who: Option<Arc<str>>) {
        let who = who.filter(|who| {
            self.unreported.len() < NAMED_MAX || self.unreported.contains_key(&Some(Arc::clone(who)))
        });
        *self.unreported.entry(who).or_default().entry(cause).or_default() += 1;
    }
}

fn listed(causes: &BTreeMap<&'static str, u64>) -> String {
    let mut text = String::new();
    for (cause, count) in causes {
        let comma = if text.is_empty() { "" } else { ", " };
        // Writing into a string does not fail.
        let _ = write!(text, "{comma}{count} {cause}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_without_a_token_fill_no_log() {
        let (meters, begun) = (Meters::default(), Instant::now());
        let logged =
            |ms| (0..100).filter(|_| meters.may_log_stranger(begun + Duration::from_millis(ms))).count();
        assert_eq!((logged(0), logged(999), logged(1000)), (16, 0, 16));
    }

    #[test]
    fn answers_are_counted_by_how_long_they_took() {
        let meters = Meters::default();
        for ms in [1, 2, 11_000] {
            meters.request("feed", 200, Duration::from_millis(ms));
        }
        let [(class, took)] = &meters.took()[..] else { panic!("one class") };
        assert_eq!((class.as_str(), took.counts), ("feed", [1, 1, 0, 0, 0, 0, 0, 0, 0, 1]));
        assert_eq!(took.sum, Duration::from_millis(11_003));
    }

    #[test]
    fn refusals_are_told_once_and_for_a_bounded_number_of_callers() {
        let meters = Meters::default();
        let clerk: Arc<str> = "clerk".into();
        meters.problem(Kind::Forbidden, Some(&clerk));
        meters.problem(Kind::Forbidden, Some(&clerk));
        meters.problem(Kind::TooMany, Some(&clerk));
        meters.problem(Kind::Invalid, Some(&clerk));
        meters.closed(Closed::Source);
        let told = meters.take_unreported();
        assert_eq!(
            told,
            [
                Refusals { who: None, what: "1 connections-source".into() },
                Refusals { who: Some(clerk), what: "2 forbidden, 1 too-many".into() },
            ]
        );
        assert!(meters.take_unreported().is_empty());
        assert!(meters.refusals().contains(&("invalid", 1)), "counted, and not told");

        for caller in 0..1000 {
            meters.problem(Kind::Forbidden, Some(&format!("caller {caller}").into()));
        }
        let told = meters.take_unreported();
        assert!(told.len() <= NAMED_MAX + 1, "{}", told.len());
        assert_eq!(told[0], Refusals { who: None, what: "984 forbidden".into() });
    }
}
