//! From facts to a colour.

use hufu_wire::{Colour, StatusMinute, StatusWord, TestResult, UnixSeconds};

use crate::facts::{Current, Facts, Sample, SampleResult};
use crate::file::{Parameter, Release, Rules};
use crate::known::{Known, counts_at};
use crate::moment::Moment;

/// What follows from the facts of one holder, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Ruling<'r> {
    /// The colour, or that a person must decide.
    pub outcome: Outcome,
    /// The sum of what said yes, parts per million.
    pub sum_ppm: u32,
    /// The same if everything said yes that is not known.
    pub most_ppm: u32,
    /// What each parameter gave, in the order of the file.
    pub shares: Vec<Share<'r>>,
    /// A colour that would be better by its sum, and whose time is not over.
    pub held: Option<Held>,
}

/// A colour, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// This colour, whatever is not known.
    Colour(Colour),
    /// It depends on what is not known: a person decides.
    Undecided {
        /// If nothing of it were true.
        best: Colour,
        /// If all of it were.
        worst: Colour,
    },
    /// The colour would worsen, and neither the itinerary nor a contact says why: a person decides.
    Review {
        /// What it would be.
        to: Colour,
    },
}

/// What one parameter gave.
#[derive(Clone, Copy, Debug)]
pub struct Share<'r> {
    /// The parameter.
    pub parameter: &'r Parameter,
    /// What is known of its fact.
    pub known: Known,
    /// What it says.
    pub says: Says,
}

/// What a parameter says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// Yes: its weight counts.
    Yes,
    /// No.
    No,
    /// Its fact is not known.
    Unknown,
}

/// What a colour still waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The colour.
    pub colour: Colour,
    /// Whole days that must still pass.
    pub days_left: u32,
    /// Negative samples that must still come; `None` where samples are not known.
    pub tests_left: Option<u32>,
}

impl Rules {
    /// The ruling on these facts; `None` where the rules do not hold at that instant.
    pub fn decide(&self, facts: &Facts) -> Option<Ruling<'_>> {
        if !self.hold_at(facts.at) {
            return None;
        }
        let share = |parameter| Share::of(parameter, facts);
        let shares: Vec<Share<'_>> = self.parameters.iter().map(share).collect();
        let sum_of = |says| -> u32 {
            shares.iter().filter(|share| share.says == says).map(|share| share.parameter.ppm).sum()
        };
        let sum_ppm = sum_of(Says::Yes);
        let most_ppm = sum_ppm + sum_of(Says::Unknown);
        let [best, worst] = [sum_ppm, most_ppm].map(|sum| self.colour_of(sum));
        let held = facts.current.and_then(|current| self.held(&current, facts));
        let (best, worst) = match held {
            // It waits for days that must pass, or for samples that are known to be missing.
            Some(Held { colour, days_left, tests_left }) if days_left > 0 || tests_left.is_some() => {
                (worse(best, colour), worse(worst, colour))
            }
            Some(Held { colour, .. }) => (best, worse(worst, colour)),
            None => (best, worst),
        };
        let outcome = if best != worst {
            Outcome::Undecided { best, worst }
        } else if self.is_for_review(best, &shares, facts) {
            Outcome::Review { to: best }
        } else {
            Outcome::Colour(best)
        };
        let held = held.filter(|held| rank(self.colour_of(sum_ppm)) < rank(held.colour));
        Some(Ruling { outcome, sum_ppm, most_ppm, shares, held })
    }

    fn colour_of(&self, sum_ppm: u32) -> Colour {
        match sum_ppm {
            sum if sum >= self.red_ppm => Colour::Red,
            sum if sum >= self.amber_ppm => Colour::Amber,
            _ => Colour::Green,
        }
    }

    /// Whether a person looks before the holder gets this colour.
    fn is_for_review(&self, colour: Colour, shares: &[Share<'_>], facts: &Facts) -> bool {
        let Some(review) = &self.review else { return false };
        let before = facts.current.map_or(Colour::Green, |current| current.colour);
        let stands =
            |share: &&Share<'_>| share.says == Says::Yes && review.unless.contains(&share.parameter.id);
        let alone = shares.iter().filter(stands).map(|share| share.parameter.ppm).sum();
        rank(colour) > rank(before)
            && facts.overlap_minutes.unwrap_or(0) == 0
            && !facts.had_contact()
            && rank(self.colour_of(alone)) < rank(colour)
    }

    /// What the colour of now still waits for; `None` when its time is over.
    fn held(&self, current: &Current, facts: &Facts) -> Option<Held> {
        let release = self.release.of(current.colour)?;
        let passed = u32::try_from(facts.at.since(current.since) / 86_400).unwrap_or(0);
        let days_left = release.days.saturating_sub(passed);
        let tests = release.negatives(facts, current.since);
        let tests_left = tests.map(|tests| release.negative_tests.saturating_sub(tests));
        // No sample is needed: what is not known of them does not matter.
        let tests_left = if release.negative_tests == 0 { Some(0) } else { tests_left };
        (days_left > 0 || tests_left != Some(0)).then_some(Held {
            colour: current.colour,
            days_left,
            tests_left,
        })
    }
}

impl<'r> Share<'r> {
    fn of(parameter: &'r Parameter, facts: &Facts) -> Share<'r> {
        let known = parameter.fact.of(facts);
        let says = match parameter.test.of(known) {
            Some(true) => Says::Yes,
            Some(false) => Says::No,
            None => Says::Unknown,
        };
        Share { parameter, known, says }
    }
}

impl PartialEq for Share<'_> {
    fn eq(&self, other: &Self) -> bool {
        (&self.parameter.id, self.known, self.says) == (&other.parameter.id, other.known, other.says)
    }
}

impl Release {
    /// Negative samples since `since` and since the last positive one; `None` where none are recorded at all.
    fn negatives(&self, facts: &Facts, since: Moment) -> Option<u32> {
        let tests = facts.tests.as_ref()?;
        let until_now = || tests.iter().filter(|test| test.at <= facts.at);
        let positive =
            until_now().filter(|test| test.result == SampleResult::Positive).map(|test| test.at).max();
        let after = positive.map_or(since, |positive| positive.max(since));
        let mut negatives: Vec<Moment> = until_now()
            .filter(|test| test.result == SampleResult::Negative && test.at > after)
            .map(|test| test.at)
            .collect();
        negatives.sort_unstable();
        let apart_s = i64::from(self.apart_h) * 3600;
        let (mut count, mut last) = (0, None::<Moment>);
        for at in negatives {
            if last.is_none_or(|last| at > last && at.since(last) >= apart_s) {
                (count, last) = (count + 1, Some(at));
            }
        }
        Some(count)
    }
}

impl SampleResult {
    /// As words have it.
    const fn as_word(self) -> TestResult {
        match self {
            SampleResult::Pending => TestResult::Pending,
            SampleResult::Negative => TestResult::Negative,
            SampleResult::Positive => TestResult::Positive,
        }
    }
}

impl Outcome {
    /// The names of no colour.
    pub const NAMES: [&str; 2] = ["undecided", "review"];

    /// Its name: a colour's, `undecided` or `review`.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Colour(colour) => colour.slug(),
            Outcome::Undecided { .. } => Outcome::NAMES[0],
            Outcome::Review { .. } => Outcome::NAMES[1],
        }
    }
}

impl Ruling<'_> {
    /// The word that a holder gets who has `current`: the colour of the ruling, else the one there is; the last test and the
    /// doses of the facts where they are newer or more, and without those that were recorded by mistake. A colour that changes, or
    /// that the ruling gives again after its end, has no end; the generation stays. `None` for a holder without a colour who gets
    /// none.
    pub fn word(&self, facts: &Facts, current: StatusWord) -> Option<StatusWord> {
        let colour = match self.outcome {
            Outcome::Colour(colour) => colour,
            Outcome::Undecided { .. } | Outcome::Review { .. } => current.colour()?,
        };
        let now = minute(facts.at)?;
        // Minute 0 is no end.
        let endless = |word: StatusWord| word.with_until(StatusMinute::nearest(StatusMinute::ORIGIN));
        // What a person decides about goes on as it is: an end that has passed stays one.
        let is_given = matches!(self.outcome, Outcome::Colour(_));
        let is_over = is_given && current.until().is_some_and(|until| until <= now);
        let word = match current.colour() {
            None => StatusWord::new(colour, current.generation()),
            Some(had) if had != colour || is_over => endless(current.with_colour(colour)),
            Some(_) => current,
        };
        let given = facts.doses.iter().flatten().filter(|dose| **dose <= facts.at).count();
        let given = u8::try_from(given).unwrap_or(u8::MAX);
        // More than were ever recorded were given by hand.
        let by_hand = word.doses() > given.saturating_add(facts.void_doses);
        let word = if by_hand { word } else { word.with_doses(given) };
        let is_void =
            |test: &Sample| minute(test.at).map(|at| (at, test.result.as_word())) == Some(tested(word));
        let word = if facts.void_tests.iter().any(is_void) {
            word.with_test(StatusMinute::nearest(StatusMinute::ORIGIN), TestResult::None)
        } else {
            word
        };
        Some(facts.last_test().map_or(word, |(minute, result)| {
            let is_news = minute > word.test_minute() || word.test_result() != TestResult::Positive;
            let tells = result != TestResult::Pending || word.test_result() == TestResult::None;
            if minute >= word.test_minute() && is_news && tells {
                word.with_test(minute, result)
            } else {
                word
            }
        }))
    }
}

/// The last test of a word.
const fn tested(word: StatusWord) -> (StatusMinute, TestResult) {
    (word.test_minute(), word.test_result())
}

/// The minute as words have it; none before 2020 and after what words can say.
fn minute(at: Moment) -> Option<StatusMinute> {
    StatusMinute::at(UnixSeconds(u32::try_from(at.0).ok()?))
}

impl Facts {
    /// Whether a contact of the last 14 days is recorded.
    fn had_contact(&self) -> bool {
        self.contacts.iter().flatten().any(|contact| counts_at(self.at, contact.at))
    }

    /// The last test that said something, else the last sample whose answer is awaited.
    fn last_test(&self) -> Option<(StatusMinute, TestResult)> {
        let taken = self.tests.iter().flatten().filter(|test| test.at <= self.at);
        let last = taken.max_by_key(|test| (test.result != SampleResult::Pending, test.at, test.result))?;
        Some((minute(last.at)?, last.result.as_word()))
    }
}

/// Green is better than amber, and amber than red.
fn rank(colour: Colour) -> u8 {
    match colour {
        Colour::Green => 0,
        Colour::Amber => 1,
        Colour::Red => 2,
    }
}

fn worse(one: Colour, other: Colour) -> Colour {
    if rank(one) >= rank(other) { one } else { other }
}
