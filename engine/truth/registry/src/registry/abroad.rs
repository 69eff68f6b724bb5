//! Certificates for abroad (R63): what they are going to say is compared with what is known here. They are signed elsewhere.

use hufu_contract::{CertifyAbroad, Fact, SaidAbroad, Sample, Scope};
use hufu_wire::{HolderIndex, IssuerId, StatusMinute, StatusWord, TestResult, UnixMillis, UnixSeconds};
use jiff::civil::Date;

use super::Registry;
use super::credentials::goes_on;
use crate::caller::Caller;
use crate::fault::Fault;
use crate::person::Person;
use crate::trail::{Action, Entry};

/// Zones of the world are at most so far behind and ahead of Greenwich, milliseconds.
const BEHIND_MS: i64 = 12 * 3_600_000;
const AHEAD_MS: i64 = 14 * 3_600_000;
const DAY_MS: i64 = 86_400_000;

impl Registry {
    /// Compares a certificate for abroad with the holder's record, status and facts, and notes it in the trail; answers
    /// what a gate may show of the holder. What is refused is noted too: the refusal says something of a person.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`], [`Fault::Invalid`] for a day that there is not, [`Fault::Conflict`] when the
    /// holder is another person, was joined into another, or the registry does not know of the dose or test.
    pub async fn certify_abroad(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        holder: HolderIndex,
        wanted: &CertifyAbroad,
        now: UnixMillis,
    ) -> Result<String, Fault> {
        // It says more of a person than a credential does: so it takes the scope that may read people.
        caller.may(Scope::Holders, issuer)?;
        let (person, record) = self.person(issuer, holder).await?;
        goes_on(issuer, &record)?;
        let word = self.store.status(issuer, holder).await?;
        let facts = self.standing_facts(issuer, holder, now).await?;
        let compared = is_same_person(&person, wanted).and_then(|()| is_known(&wanted.says, word, &facts));
        let action = if compared.is_ok() { Action::AbroadNoted } else { Action::AbroadRefused };
        let kind = match wanted.says {
            SaidAbroad::Vaccination { .. } => "vaccination",
            SaidAbroad::Test { .. } => "test",
            SaidAbroad::Recovery { .. } => "recovery",
        };
        let what = format!("{kind} of holder {holder}, certificate {}", wanted.certificate);
        self.store.note(&Entry::new(now, caller, action, Some(issuer), what)).await?;
        compared.map(|()| person.display())
    }

    /// The facts of a holder that were not made void.
    async fn standing_facts(
        &self,
        issuer: IssuerId,
        holder: HolderIndex,
        now: UnixMillis,
    ) -> Result<Vec<Fact>, Fault> {
        let mut facts = Vec::new();
        for stored in self.store.facts_of(issuer, &[holder], u64::MAX, now).await? {
            facts.push((
                stored.number,
                self.vault.open_fact(issuer, stored.holder, &stored.digest, &stored.sealed)?,
            ));
        }
        // The newest first: a void may itself be void.
        let mut void = Vec::new();
        let mut standing = Vec::new();
        for (number, fact) in facts.into_iter().rev() {
            match fact {
                _ if void.contains(&number) => {}
                Fact::Void { number, .. } => void.push(number),
                fact => standing.push(fact),
            }
        }
        Ok(standing)
    }
}

fn is_same_person(person: &Person, wanted: &CertifyAbroad) -> Result<(), Fault> {
    let CertifyAbroad { surname, given, born, .. } = wanted;
    // Either order: registries write names as people say them.
    if ![format!("{surname} {given}"), format!("{given} {surname}")].iter().any(|name| person.is_called(name))
    {
        return Err(Fault::Conflict(
            "the holder is registered with another name: compare the passport, the claim's surname and given, and the holder's \
             index; `hufu holder correct` puts a misspelt record right"
                .into(),
        ));
    }
    let is_form = matches!(born.len(), 4 | 7 | 10);
    match person.id_number().birth() {
        Some(birth) if !is_form || !birth.to_string().starts_with(born.as_str()) => Err(Fault::Conflict(
            "the holder's id number says another date of birth: compare it with the passport".into(),
        )),
        _ => Ok(()),
    }
}

/// Whether what is certified is known of the holder. A dose that was recorded with its number must be of that day.
fn is_known(says: &SaidAbroad, word: StatusWord, facts: &[Fact]) -> Result<(), Fault> {
    match says {
        SaidAbroad::Vaccination { dose, day } => {
            let day = read_day(day)?;
            let doses = word.doses();
            if *dose == 0 || *dose > doses {
                return Err(Fault::Conflict(format!(
                    "the holder's status has {doses} doses, and dose {dose} is claimed: have the dose recorded and confirmed first"
                )));
            }
            let recorded = facts.iter().filter_map(|fact| match fact {
                Fact::Dose { at_ms, number, .. } if number == dose => Some(*at_ms),
                _ => None,
            });
            let recorded: Vec<_> = recorded.collect();
            if recorded.is_empty() || recorded.iter().any(|at_ms| is_on(day, *at_ms)) {
                return Ok(());
            }
            Err(Fault::Conflict(format!(
                "dose {dose} is recorded with another day: compare it with the card"
            )))
        }
        SaidAbroad::Test { taken_ms } => {
            let taken = StatusMinute::at(UnixMillis(*taken_ms).seconds());
            let is_known = word.test_result() == TestResult::Negative && taken == Some(word.test_minute());
            is_known.then_some(()).ok_or_else(|| {
                Fault::Conflict(
                    "the holder's last test is not a negative one of that minute: compare the time on the report, or have the \
                     test recorded and confirmed first"
                        .into(),
                )
            })
        }
        SaidAbroad::Recovery { day } => {
            let day = read_day(day)?;
            let minute = UnixSeconds(word.test_minute().starts().0).millis().0;
            let is_last = word.test_result() == TestResult::Positive && is_on(day, minute);
            let is_fact = |fact: &Fact| match fact {
                Fact::Test { at_ms, result: Sample::Positive, .. } | Fact::Case { at_ms } => {
                    is_on(day, *at_ms)
                }
                _ => false,
            };
            (is_last || facts.iter().any(is_fact)).then_some(()).ok_or_else(|| {
                Fault::Conflict(
                    "no positive test of that day is known of the holder: compare the report, or hand the fact in first \
                     (`hufu facts add`)"
                        .into(),
                )
            })
        }
    }
}

fn read_day(text: &str) -> Result<Date, Fault> {
    let day = text.parse::<Date>().ok().filter(|day| day.to_string() == text);
    day.ok_or_else(|| Fault::invalid("day", "a day that there is, as 2021-09-01"))
}

/// Whether it was this day at that instant, somewhere.
fn is_on(day: Date, at_ms: u64) -> bool {
    let Ok(midnight) = day.to_zoned(jiff::tz::TimeZone::UTC) else { return false };
    let midnight = midnight.timestamp().as_millisecond();
    i64::try_from(at_ms).is_ok_and(|at| (midnight - AHEAD_MS..midnight + DAY_MS + BEHIND_MS).contains(&at))
}
