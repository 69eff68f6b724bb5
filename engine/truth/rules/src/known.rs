//! The numbers that parameters look at.

use serde::Deserialize;

use crate::facts::{Facts, Grade, Quarantine, Risk, SampleResult, Stay};
use crate::moment::Moment;

/// What a parameter looks at: twelve facts in three classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// Whole days since the holder was last confirmed to be a case.
    CaseDays,
    /// Whole days since the last close contact.
    CloseContactDays,
    /// Whole days since the last contact of a close contact.
    SecondaryContactDays,
    /// Minutes of all contacts within 14 days.
    ContactMinutes,
    /// Minutes in places of high risk within 14 days.
    HighRiskMinutes,
    /// Minutes in places of medium risk within 14 days.
    MediumRiskMinutes,
    /// Whole days since the holder was last in a place of high or medium risk.
    RiskPlaceDays,
    /// Whole days since the last arrival from abroad.
    ArrivalDays,
    /// Whole days since the last positive sample.
    PositiveTestDays,
    /// Whole hours since the last negative sample.
    NegativeTestHours,
    /// 1 where symptoms were reported, else 0.
    Symptoms,
    /// 1 while a quarantine lasts, else 0.
    Quarantine,
}

/// What is known of a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// The number.
    Is(i64),
    /// It never was: later than any number of days.
    Never,
    /// Nothing is recorded.
    Not,
}

pub(crate) const DAY_S: i64 = 86_400;
/// How far back minutes are counted.
pub(crate) const WINDOW_S: i64 = 14 * DAY_S;

impl Fact {
    /// What these facts say of it.
    pub fn of(self, facts: &Facts) -> Known {
        let at = facts.at;
        match self {
            Fact::CaseDays => since(at, DAY_S, facts.cases.as_deref(), |case| Some(*case)),
            Fact::CloseContactDays => since(at, DAY_S, facts.contacts.as_deref(), |contact| {
                (contact.grade == Grade::Close).then_some(contact.at)
            }),
            Fact::SecondaryContactDays => since(at, DAY_S, facts.contacts.as_deref(), |contact| {
                (contact.grade == Grade::Secondary).then_some(contact.at)
            }),
            Fact::ContactMinutes => {
                let Some(contacts) = &facts.contacts else { return Known::Not };
                let within = contacts.iter().filter(|contact| counts_at(at, contact.at));
                Known::Is(within.map(|contact| i64::from(contact.minutes)).sum())
            }
            Fact::HighRiskMinutes => minutes(at, facts.stays.as_deref(), Risk::High),
            Fact::MediumRiskMinutes => minutes(at, facts.stays.as_deref(), Risk::Medium),
            Fact::RiskPlaceDays => since(at, DAY_S, facts.stays.as_deref(), |stay| {
                (stay.risk != Risk::Low && stay.from <= at).then_some(stay.to.min(at))
            }),
            Fact::ArrivalDays => since(at, DAY_S, facts.arrivals.as_deref(), |arrival| Some(arrival.at)),
            Fact::PositiveTestDays => since(at, DAY_S, facts.tests.as_deref(), |test| {
                (test.result == SampleResult::Positive).then_some(test.at)
            }),
            Fact::NegativeTestHours => since(at, 3600, facts.tests.as_deref(), |test| {
                (test.result == SampleResult::Negative).then_some(test.at)
            }),
            Fact::Symptoms => facts.symptoms.map_or(Known::Not, |has| Known::Is(has.into())),
            Fact::Quarantine => {
                let Some(ordered) = &facts.quarantines else { return Known::Not };
                let lasts = |quarantine: &Quarantine| quarantine.from <= at && at < quarantine.to;
                Known::Is(ordered.iter().any(lasts).into())
            }
        }
    }

    /// How many seconds its number counts by, where it rises with time.
    pub(crate) const fn unit_s(self) -> Option<i64> {
        match self {
            Fact::CaseDays
            | Fact::CloseContactDays
            | Fact::SecondaryContactDays
            | Fact::RiskPlaceDays
            | Fact::ArrivalDays
            | Fact::PositiveTestDays => Some(DAY_S),
            Fact::NegativeTestHours => Some(3600),
            Fact::ContactMinutes
            | Fact::HighRiskMinutes
            | Fact::MediumRiskMinutes
            | Fact::Symptoms
            | Fact::Quarantine => None,
        }
    }
}

/// Whether what ended then counts among the last 14 days.
pub(crate) fn counts_at(at: Moment, ended: Moment) -> bool {
    (0..=WINDOW_S).contains(&at.since(ended))
}

/// How many whole `unit` have passed since the last of these that was not after `at`.
fn since<T>(at: Moment, unit: i64, list: Option<&[T]>, when: impl Fn(&T) -> Option<Moment>) -> Known {
    let Some(list) = list else { return Known::Not };
    let last = list.iter().filter_map(when).filter(|when| *when <= at).max();
    last.map_or(Known::Never, |last| Known::Is(at.since(last) / unit))
}

/// Whole minutes in places of a risk; where stays overlap, an instant counts once.
fn minutes(at: Moment, stays: Option<&[Stay]>, risk: Risk) -> Known {
    let Some(stays) = stays else { return Known::Not };
    let first = Moment(at.0.saturating_sub(WINDOW_S));
    let spans = stays
        .iter()
        .filter(|stay| stay.risk == risk)
        .map(|stay| (stay.from.max(first), stay.to.min(at)))
        .filter(|(from, to)| from < to)
        .collect();
    Known::Is(together_s(spans) / 60)
}

/// Seconds of spans together; where they overlap, a second counts once.
pub(crate) fn together_s(mut spans: Vec<(Moment, Moment)>) -> i64 {
    spans.sort_unstable();
    let (mut seconds, mut counted) = (0, Moment(i64::MIN));
    for (from, to) in spans {
        let from = from.max(counted);
        if from < to {
            seconds += to.since(from);
            counted = to;
        }
    }
    seconds
}
