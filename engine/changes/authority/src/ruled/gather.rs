//! From what a registry recorded to a ruling and the word that follows.

use std::collections::{BTreeSet, HashSet};

use anyhow::ensure;
use hufu_contract::{Fact, Grade, Hex, HolderFacts, RecordedFact, Sample as Said};
use hufu_rules::{
    Arrival, Contact, Current, ENTRIES_MAX, Facts, FactsDigest, Kind, Moment, Outcome, Quarantine,
    RiskPlaces, Rules, Sample, SampleResult, Stay, Visit, inputs,
};
use hufu_wire::chain::{Change, InputsDigest, Record};
use hufu_wire::{Colour, HolderIndex, StatusWord, UnixMillis};

use super::Workings;

/// A rule file with its places of risk.
#[derive(Debug)]
pub struct Rulebook {
    rules: Rules,
    places: RiskPlaces,
    places_digest: Option<Hex<32>>,
    texts: (String, Option<String>),
}

/// Rules that do not hold when colours are computed. A person must name others.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the rules {name:?} hold from {from} until {until}, not at {at}: use others")]
pub struct NotInForce {
    name: String,
    from: Moment,
    until: Moment,
    at: Moment,
}

/// What was computed of one holder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Computed {
    /// Whose.
    pub holder: HolderIndex,
    /// The word there is.
    pub before: StatusWord,
    /// The word that follows; the same where nothing changes.
    pub after: StatusWord,
    /// The ruling's outcome.
    pub outcome: Outcome,
    /// The facts.
    pub facts: Facts,
    /// When time alone may make another ruling, or ends the colour that the rules give.
    pub next: Option<Moment>,
}

/// Days of the itinerary that count where the rule file says nothing of a review.
const REVIEW_DAYS: u32 = 7;

impl Rulebook {
    /// A rule file and a file of places, with their names for errors.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn parse(rules: (String, &str), places: Option<(String, &str)>) -> anyhow::Result<Rulebook> {
        let (places_text, places) = match places {
            Some((text, file)) => {
                let places = RiskPlaces::parse(&text, file)?;
                (Some(text), places)
            }
            None => (None, RiskPlaces::default()),
        };
        let (text, file) = rules;
        let rules = Rules::parse(&text, file)?;
        let places_digest = places_text.as_deref().map(|text| Hex(RiskPlaces::digest_of(text)));
        Ok(Rulebook { rules, places, places_digest, texts: (text, places_text) })
    }

    /// The rules.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The two files, as the registry keeps them for auditors.
    pub(super) fn texts(&self) -> (&str, Option<&str>) {
        (&self.texts.0, self.texts.1.as_deref())
    }

    /// The workings of colours that are computed now.
    pub fn workings(&self, until: u64, at: Moment, salt: [u8; 16]) -> Workings {
        Workings { rules: Hex(self.rules.digest().0), places: self.places_digest, until, at, salt: Hex(salt) }
    }

    /// Whether others computed by these files.
    ///
    /// # Errors
    /// By others.
    pub fn check(&self, workings: &Workings) -> anyhow::Result<()> {
        ensure!(
            workings.rules.0 == self.rules.digest().0,
            "it was computed by another rule file, {}",
            workings.rules
        );
        let known = |places: Option<Hex<32>>| places.map_or("none".to_owned(), |digest| digest.to_string());
        ensure!(
            workings.places == self.places_digest,
            "it was computed with other places of risk: {}, and here are {}",
            known(workings.places),
            known(self.places_digest)
        );
        Ok(())
    }

    /// What follows for a holder.
    ///
    /// # Errors
    /// [`NotInForce`].
    pub fn compute(&self, workings: &Workings, recorded: &HolderFacts) -> anyhow::Result<Computed> {
        let before = StatusWord::from_bits(u64::from_be_bytes(recorded.word.0));
        self.rule(self.gather(workings, recorded, before), before)
    }

    /// What follows from facts for a holder with this word.
    ///
    /// # Errors
    /// [`NotInForce`].
    pub fn rule(&self, facts: Facts, before: StatusWord) -> anyhow::Result<Computed> {
        let Rules { name, from, until, .. } = &self.rules;
        let ruling = self.rules.decide(&facts);
        let ruling = ruling.ok_or_else(|| NotInForce {
            name: name.clone(),
            from: *from,
            until: *until,
            at: facts.at,
        })?;
        let after = ruling.word(&facts, before).unwrap_or(before);
        let (outcome, next) = (ruling.outcome, self.rules.next_change(&facts));
        // A colour that the rules give is given again when it ends; what a person decides about stays as it is.
        let end = after.until().filter(|_| matches!(outcome, Outcome::Colour(_)));
        let end = end.map(|end| Moment(end.starts().0.into())).filter(|end| *end > facts.at);
        let next = next.into_iter().chain(end).min();
        Ok(Computed { holder: HolderIndex(facts.holder), before, after, outcome, facts, next })
    }

    /// The facts of a holder as rules see them.
    fn gather(&self, workings: &Workings, recorded: &HolderFacts, word: StatusWord) -> Facts {
        let known = |kind| self.rules.complete.contains(&kind);
        let mut facts = Facts {
            salt: workings.salt.to_string(),
            current: word
                .colour()
                .zip(recorded.since_ms)
                .map(|(colour, since_ms)| Current { colour, since: moment(since_ms) }),
            cases: known(Kind::Cases).then(Vec::new),
            contacts: known(Kind::Contacts).then(Vec::new),
            stays: known(Kind::Stays).then(Vec::new),
            arrivals: known(Kind::Arrivals).then(Vec::new),
            tests: known(Kind::Tests).then(Vec::new),
            symptoms: known(Kind::Symptoms).then_some(false),
            quarantines: known(Kind::Quarantines).then(Vec::new),
            doses: known(Kind::Doses).then(Vec::new),
            ..Facts::unknown(recorded.holder, workings.at)
        };
        let mut visits: Option<Vec<Visit>> = known(Kind::Visits).then(Vec::new);
        let mut reported = None;
        let (counting, void) = counting(&recorded.facts);
        for recorded in void {
            match &recorded.fact {
                Fact::Test { at_ms, result, .. } => facts.void_tests.push(sample(*at_ms, *result)),
                Fact::Dose { .. } => facts.void_doses = facts.void_doses.saturating_add(1),
                _ => {}
            }
        }
        for recorded in counting {
            match &recorded.fact {
                Fact::Test { at_ms, result, .. } => push(&mut facts.tests, sample(*at_ms, *result)),
                Fact::Dose { at_ms, .. } => push(&mut facts.doses, moment(*at_ms)),
                Fact::Visit { from_ms, to_ms, place } => {
                    let (from, to) = (moment(*from_ms), moment(*to_ms));
                    push(&mut visits, Visit { from, to, place: place.clone() });
                }
                Fact::Stay { from_ms, to_ms, risk } => {
                    let risk = match risk {
                        hufu_contract::Risk::High => hufu_rules::Risk::High,
                        hufu_contract::Risk::Medium => hufu_rules::Risk::Medium,
                        hufu_contract::Risk::Low => hufu_rules::Risk::Low,
                    };
                    push(&mut facts.stays, Stay { from: moment(*from_ms), to: moment(*to_ms), risk });
                }
                Fact::Contact { at_ms, grade, minutes } => {
                    let grade = match grade {
                        Grade::Close => hufu_rules::Grade::Close,
                        Grade::Secondary => hufu_rules::Grade::Secondary,
                    };
                    push(&mut facts.contacts, Contact { at: moment(*at_ms), grade, minutes: *minutes });
                }
                Fact::Case { at_ms } => push(&mut facts.cases, moment(*at_ms)),
                Fact::Arrival { at_ms } => push(&mut facts.arrivals, Arrival { at: moment(*at_ms) }),
                Fact::Quarantine { from_ms, to_ms } => {
                    push(&mut facts.quarantines, Quarantine { from: moment(*from_ms), to: moment(*to_ms) });
                }
                Fact::Symptoms { at_ms, has } if moment(*at_ms) <= workings.at => {
                    reported = reported.max(Some((*at_ms, recorded.number, *has)));
                }
                Fact::Symptoms { .. } | Fact::Void { .. } | Fact::Record { .. } => {}
            }
        }
        if let Some((_, _, has)) = reported {
            facts.symptoms = Some(has);
        }
        bounded(&mut facts);
        let days = self.rules.review.as_ref().map_or(REVIEW_DAYS, |review| review.days);
        facts.overlap_minutes = visits.map(|visits| self.places.overlap_minutes(&visits, workings.at, days));
        facts
    }

    /// The digest of what all these were computed from.
    pub fn inputs<'c>(&self, computed: impl IntoIterator<Item = &'c Computed>) -> InputsDigest {
        inputs(self.rules.digest(), computed.into_iter().map(|one| FactsDigest::of(&one.facts)))
    }
}

impl Computed {
    /// Whether the word becomes another.
    pub fn changes(&self) -> bool {
        self.before != self.after
    }

    /// Whether the holder turns red who was not.
    pub fn reddens(&self) -> bool {
        self.after.colour() == Some(Colour::Red) && self.before.colour() != Some(Colour::Red)
    }

    /// Whether a person decides.
    pub fn is_for_a_person(&self) -> bool {
        !matches!(self.outcome, Outcome::Colour(_))
    }

    /// The change of an instruction: the generation stays.
    pub fn record(&self) -> Record {
        Record::new(self.holder, Change::Status(self.after.with_generation(0)))
    }
}

/// The facts that count, each once, and those that were recorded by mistake. A void speaks of what came before it, and of the same
/// fact wherever it was recorded; the newest has the last word, so a void can be made void.
fn counting(recorded: &[RecordedFact]) -> (Vec<&RecordedFact>, Vec<&RecordedFact>) {
    let mut void_numbers = BTreeSet::new();
    for one in recorded.iter().rev() {
        if let Fact::Void { number, .. } = one.fact
            && number < one.number
            && !void_numbers.contains(&one.number)
        {
            void_numbers.insert(number);
        }
    }
    let (void, mut counting): (Vec<_>, Vec<_>) =
        recorded.iter().partition(|one| void_numbers.contains(&one.number));
    // Two records of one person that were joined may have the same fact.
    let mut seen: HashSet<&Fact> = void.iter().map(|one| &one.fact).collect();
    counting.retain(|one| seen.insert(&one.fact));
    (counting, void)
}

/// Far more than anyone has: what was recorded last counts.
fn bounded(facts: &mut Facts) {
    fn keep<T>(list: Option<&mut Vec<T>>) {
        if let Some(list) = list {
            list.drain(..list.len().saturating_sub(ENTRIES_MAX));
        }
    }
    keep(facts.cases.as_mut());
    keep(facts.contacts.as_mut());
    keep(facts.stays.as_mut());
    keep(facts.arrivals.as_mut());
    keep(facts.tests.as_mut());
    keep(facts.quarantines.as_mut());
    keep(facts.doses.as_mut());
    keep(Some(&mut facts.void_tests));
}

fn sample(at_ms: u64, said: Said) -> Sample {
    let result = match said {
        Said::Negative => SampleResult::Negative,
        Said::Positive => SampleResult::Positive,
        Said::Pending => SampleResult::Pending,
    };
    Sample { at: moment(at_ms), result }
}

fn push<T>(list: &mut Option<Vec<T>>, one: T) {
    list.get_or_insert_default().push(one);
}

fn moment(at_ms: u64) -> Moment {
    Moment::from(UnixMillis(at_ms))
}

#[cfg(test)]
mod tests {
    use hufu_wire::{StatusMinute, UnixSeconds};

    use super::*;

    fn numbers(list: &[&RecordedFact]) -> Vec<u64> {
        list.iter().map(|one| one.number).collect()
    }

    #[test]
    fn r28_a_void_speaks_of_what_came_before_it_and_the_newest_has_the_last_word() {
        let case = |number, at_ms| RecordedFact { number, fact: Fact::Case { at_ms } };
        let void = |number, of| {
            let fact = Fact::Void { at_ms: number, number: of, reason: "wrong".into() };
            RecordedFact { number, fact }
        };
        let check = |facts: &[RecordedFact], counts: &[u64], voided: &[u64]| {
            let (counting, void) = counting(facts);
            let cases: Vec<_> =
                counting.into_iter().filter(|one| matches!(one.fact, Fact::Case { .. })).collect();
            assert_eq!((&numbers(&cases)[..], &numbers(&void)[..]), (counts, voided), "{facts:?}");
        };
        check(&[case(1, 10), case(2, 20)], &[1, 2], &[]);
        check(&[case(1, 10), case(2, 20), void(3, 1)], &[2], &[1]);
        check(&[void(1, 2), case(2, 20)], &[2], &[]);
        check(&[case(1, 10), void(2, 1), void(3, 2)], &[1], &[2]);
        check(&[case(1, 10), void(2, 1), void(3, 2), void(4, 3)], &[], &[1, 3]);
        // The same fact of two records that were joined counts once, and is void in both.
        check(&[case(1, 10), case(2, 10)], &[1], &[]);
        check(&[case(1, 10), case(2, 10), void(3, 2)], &[], &[2]);
    }

    #[test]
    fn r28_a_colour_that_the_rules_give_is_computed_again_when_it_ends() {
        let rules = include_str!("../../../../../docs/examples/rules.toml");
        let book = Rulebook::parse((rules.to_owned(), "rules.toml"), None).unwrap();
        // 2026-11-29T08:00:00+08:00.
        let at_s: u32 = 1_795_910_400;
        let at = Moment(at_s.into());
        let green = Facts {
            cases: Some(vec![]),
            contacts: Some(vec![]),
            stays: Some(vec![]),
            arrivals: Some(vec![]),
            tests: Some(vec![Sample { at, result: SampleResult::Negative }]),
            symptoms: Some(false),
            quarantines: Some(vec![]),
            ..Facts::unknown(7, at)
        };
        let undecided = Facts { contacts: None, ..green.clone() };
        let word = StatusWord::new(Colour::Green, 0);
        let until = |s| word.with_until(StatusMinute::nearest(UnixSeconds(s)));
        let next = |facts: &Facts, word| book.rule(facts.clone(), word).unwrap().next;
        let facts_alone = next(&green, word);
        assert!(facts_alone.is_some_and(|next| next > Moment(at.0 + 3600)), "{facts_alone:?}");
        assert_eq!(next(&green, until(at_s + 3600)), Some(Moment(at.0 + 3600)));
        assert_eq!(next(&green, until(at_s)), facts_alone, "it is over, and given without end");
        assert_eq!(next(&undecided, until(at_s + 3600)), next(&undecided, word), "a person decides");
    }
}
