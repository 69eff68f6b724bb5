//! What an operator is told to look at, as docs/OPERATIONS.md lists it under "What to watch".

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::ends::End;
use crate::engine::Ending;
use crate::state::{Agreement, State};

/// How much it presses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Weight {
    /// Verdicts are wrong, missing or about to be.
    Now,
    /// Somebody has to do something this week.
    Soon,
}

/// What is wrong: each has a sentence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    /// An engine or a registry does not answer.
    Silent(String),
    /// An engine says that it is not ready.
    NotReady(String),
    /// A registry's database does not answer.
    Store(String),
    /// An engine cannot write records of checks.
    Records(String),
    /// Both authorities signed two histories of an issuer.
    Forked(u32),
    /// Two sources have other content at the same place of an issuer's chain.
    Differs(u32),
    /// An issuer's data is older than three seconds at some engine that follows its chain.
    Old(u32),
    /// A certificate, list or key: the kind, whose, and the place that says so.
    Ends(Ending, String, String),
    /// The brake holds proposals of an issuer.
    Braked(u32),
    /// Proposals of an issuer have waited for an hour.
    Waiting(u32),
    /// Appeals of an issuer are overdue.
    Overdue(u32),
}

/// An alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Alarm {
    pub(crate) weight: Weight,
    pub(crate) what: What,
    /// For how long.
    pub(crate) lasts: Duration,
    /// How many proposals or appeals.
    pub(crate) count: u64,
}

/// Since when something is so.
#[derive(Debug, Default)]
pub(crate) struct Since(BTreeMap<What, Instant>);

/// What passes within this time is no alarm: sources are not read at one moment.
const PATIENCE: Duration = Duration::from_secs(30);

/// Age of an issuer's data that is too much, seconds.
const AGE_S: f64 = 3.0;

/// Age of a pending proposal that is too much, milliseconds.
const WAITING_MS: u64 = 3_600_000;

/// Time left of which an operator is told, seconds.
const fn warned_s(what: Ending) -> i64 {
    match what {
        Ending::Certificate => 86_400,
        Ending::RevocationList => 7 * 86_400,
        Ending::TrustList | Ending::Key => 14 * 86_400,
    }
}

impl End {
    /// Whether an operator should do something about it.
    pub(crate) fn presses(&self) -> bool {
        self.left_s.is_none_or(|left_s| left_s < warned_s(self.what))
    }
}

/// What is wrong now.
pub(crate) fn alarms(state: &State, now_ms: u64, since: &mut Since, now: Instant) -> Vec<Alarm> {
    let found = found(state, now_ms);
    since.0.retain(|what, _| found.iter().any(|(known, ..)| known == what));
    let mut alarms: Vec<_> = found
        .into_iter()
        .filter_map(|(what, weight, patience, count)| {
            let lasts = now.duration_since(*since.0.entry(what.clone()).or_insert(now));
            (lasts >= patience).then_some(Alarm { weight, what, lasts, count })
        })
        .collect();
    alarms.sort_by(|one, other| (one.weight, &one.what).cmp(&(other.weight, &other.what)));
    alarms
}

fn found(state: &State, now_ms: u64) -> Vec<(What, Weight, Duration, u64)> {
    let (now, soon, none) = (Weight::Now, Weight::Soon, Duration::ZERO);
    let mut found = Vec::new();
    for engine in &state.engines {
        let name = || engine.name.clone();
        if engine.silent.is_some() {
            found.push((What::Silent(name()), now, Duration::from_secs(3), 0));
        } else if !engine.is_ready {
            found.push((What::NotReady(name()), now, Duration::from_secs(3), 0));
        }
    }
    for registry in &state.registries {
        if registry.silent.is_some() {
            found.push((What::Silent(registry.name.clone()), now, Duration::from_secs(3), 0));
        } else if registry.store_is_up == Some(false) {
            found.push((What::Store(registry.name.clone()), now, none, 0));
        }
    }
    found.extend(
        state
            .engines
            .iter()
            .filter(|engine| engine.has_failed_records)
            .map(|engine| (What::Records(engine.name.clone()), now, none, 0)),
    );
    for (id, issuer) in &state.issuers {
        if issuer.is_forked {
            found.push((What::Forked(*id), now, none, 0));
        } else if issuer.agreement() == Agreement::Differs {
            found.push((What::Differs(*id), now, Duration::from_secs(3), 0));
        }
        if !issuer.ages.is_empty() && issuer.worst_age_s().is_none_or(|age| age > AGE_S) {
            found.push((What::Old(*id), now, PATIENCE, 0));
        }
        let proposals = issuer.proposals.iter().flatten();
        let braked = proposals.clone().filter(|proposal| proposal.brake.is_some()).count() as u64;
        let old = |added_ms: u64| now_ms.saturating_sub(added_ms) > WAITING_MS;
        let waiting =
            proposals.filter(|proposal| proposal.brake.is_none() && old(proposal.added_ms)).count() as u64;
        let overdue = issuer.appeals.map_or(0, |appeals| appeals.overdue);
        let counts = [
            (What::Braked(*id), now, braked),
            (What::Waiting(*id), soon, waiting),
            (What::Overdue(*id), soon, overdue),
        ];
        let counts = counts.into_iter().filter(|(.., count)| *count > 0);
        found.extend(counts.map(|(what, weight, count)| (what, weight, none, count)));
    }
    for end in state.ends.iter().filter(|end| end.presses()) {
        let weight = if end.left_s.is_none_or(|left_s| left_s > 0) { soon } else { now };
        found.push((What::Ends(end.what, end.of.clone(), end.place.clone()), weight, none, 0));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{ChainEnd, EngineState, IssuerState, RegistryState};

    fn engine(name: &str) -> EngineState {
        EngineState { name: name.to_owned(), is_ready: true, ..EngineState::default() }
    }

    #[test]
    fn r61_alarms_begin_after_their_patience_end_with_their_cause_and_sort_by_weight() {
        let (mut since, start) = (Since::default(), Instant::now());
        let mut state = State { engines: vec![engine("east")], ..State::default() };
        let told = |state: &State, since: &mut Since, s| {
            let alarms = alarms(state, 0, since, start + Duration::from_secs(s));
            alarms.into_iter().map(|alarm| (alarm.what, alarm.lasts.as_secs())).collect::<Vec<_>>()
        };
        assert_eq!(told(&state, &mut since, 0), []);
        state.engines[0].silent = Some(Duration::ZERO);
        assert_eq!(told(&state, &mut since, 1), []);
        assert_eq!(told(&state, &mut since, 4), [(What::Silent("east".to_owned()), 3)]);
        state.ends = vec![End {
            what: Ending::Certificate,
            of: String::new(),
            place: "east".to_owned(),
            left_s: Some(100),
        }];
        let ends = What::Ends(Ending::Certificate, String::new(), "east".to_owned());
        assert_eq!(told(&state, &mut since, 5), [(What::Silent("east".to_owned()), 4), (ends.clone(), 0)]);
        state.engines[0].silent = None;
        assert_eq!(told(&state, &mut since, 6), [(ends, 1)]);
        state.ends.clear();
        assert_eq!(told(&state, &mut since, 7), []);
        assert!(since.0.is_empty());
    }

    #[test]
    fn r61_each_cause_has_its_alarm() {
        let end = |digest: &str| ChainEnd { source: String::new(), sequence: 7, digest: digest.to_owned() };
        let mut unready = engine("a");
        unready.is_ready = false;
        let mut failing = engine("b");
        failing.has_failed_records = true;
        let store =
            RegistryState { name: "r".to_owned(), store_is_up: Some(false), ..RegistryState::default() };
        let forked = IssuerState { is_forked: true, ..IssuerState::default() };
        let differs = IssuerState { ends: vec![end("ab"), end("cd")], ..IssuerState::default() };
        let old = IssuerState { ages: vec![("a".to_owned(), Some(9.0))], ..IssuerState::default() };
        let never = IssuerState { ages: vec![("a".to_owned(), None)], ..IssuerState::default() };
        let state = State {
            engines: vec![unready, failing],
            registries: vec![store],
            issuers: BTreeMap::from([(1, forked), (2, differs), (3, old), (4, never)]),
            ends: vec![End {
                what: Ending::TrustList,
                of: String::new(),
                place: "f".to_owned(),
                left_s: None,
            }],
            ..State::default()
        };
        let (mut since, start) = (Since::default(), Instant::now());
        alarms(&state, 0, &mut since, start);
        let told = alarms(&state, 0, &mut since, start + PATIENCE);
        let told: Vec<_> = told.into_iter().map(|alarm| alarm.what).collect();
        let is = [
            What::NotReady("a".to_owned()),
            What::Store("r".to_owned()),
            What::Records("b".to_owned()),
            What::Forked(1),
            What::Differs(2),
            What::Old(3),
            What::Old(4),
            What::Ends(Ending::TrustList, String::new(), "f".to_owned()),
        ];
        assert_eq!(told, is);
    }
}
