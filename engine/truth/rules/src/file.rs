//! The rule file: read, and accepted only when it is free of contradictions and its own tests come out.

use std::collections::{BTreeMap, BTreeSet};

use hufu_wire::Colour;
use serde::Deserialize;

use crate::decide::Outcome;
use crate::digest::RulesDigest;
use crate::facts::Facts;
use crate::fault::RulesFault;
use crate::known::{Fact, Known};
use crate::moment::Moment;

/// The rules of a file. Only [`Rules::parse`] makes them.
#[derive(Debug)]
pub struct Rules {
    /// What people call them.
    pub name: String,
    /// Who wrote them.
    pub author: String,
    /// The first instant at which they hold.
    pub from: Moment,
    /// From here on they do not hold any more.
    pub until: Moment,
    /// From this sum on a holder is amber, parts per million.
    pub amber_ppm: u32,
    /// From this sum on red.
    pub red_ppm: u32,
    /// The classes, in the order of the file.
    pub classes: Vec<Class>,
    /// The parameters, in the order of the file.
    pub parameters: Vec<Parameter>,
    /// Of which kinds everything is recorded: what is not recorded of them did not happen.
    pub complete: Vec<Kind>,
    /// When a colour ends.
    pub release: Releases,
    /// When a person looks before a colour worsens.
    pub review: Option<Review>,
    digest: RulesDigest,
}

/// A class of parameters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// Its name.
    pub id: String,
    /// What it weighs, per mille; all classes together 1000.
    pub weight: u32,
}

/// One parameter.
#[derive(Debug)]
pub struct Parameter {
    /// Its name.
    pub id: String,
    /// Its class.
    pub class: String,
    /// What it looks at.
    pub fact: Fact,
    /// When it says yes.
    pub test: Test,
    /// What a yes adds, parts per million of everything.
    pub ppm: u32,
    /// What people are told, by language tag; the same languages everywhere.
    pub says: BTreeMap<String, String>,
}

/// When a parameter says yes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Test {
    /// The number is this or less; what never was is not.
    Within(i64),
    /// The number is this or more; what never was is.
    AtLeast(i64),
}

/// When a colour ends (R28).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Releases {
    /// Red.
    pub red: Release,
    /// Amber.
    pub amber: Release,
}

/// What must have passed before a colour ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// Whole days since the colour began.
    pub days: u32,
    /// Negative samples since then and since the last positive one.
    pub negative_tests: u32,
    /// Samples closer together than so many hours count as one.
    #[serde(default)]
    pub apart_h: u32,
}

/// A kind of what is recorded of a holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Confirmed cases.
    Cases,
    /// Contacts.
    Contacts,
    /// Stays in places of risk.
    Stays,
    /// Arrivals from abroad.
    Arrivals,
    /// Samples.
    Tests,
    /// Symptoms.
    Symptoms,
    /// Quarantines.
    Quarantines,
    /// Doses.
    Doses,
    /// The itinerary.
    Visits,
}

/// When a person looks before a colour worsens (R28): the itinerary has nothing in common with places of risk, and no contact
/// is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// How many days of the itinerary are looked at.
    pub days: u32,
    /// Parameters that speak for themselves: where those of them that say yes give the colour alone, no person looks.
    #[serde(default)]
    pub unless: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    author: String,
    from: Moment,
    until: Moment,
    #[serde(default)]
    complete: Vec<Kind>,
    thresholds: Thresholds,
    class: Vec<Class>,
    parameter: Vec<Written>,
    release: Releases,
    review: Option<Review>,
    test: Vec<OwnTest>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Thresholds {
    amber: u32,
    red: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: String,
    class: String,
    fact: Fact,
    within: Option<u32>,
    at_least: Option<u32>,
    weight: u32,
    says: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnTest {
    name: String,
    gives: String,
    facts: Facts,
}

/// All of it: a sum of weights, and of thresholds.
const WHOLE: u32 = 1000;
/// Parameters of one file, at most.
const PARAMETERS_MAX: usize = 256;

impl Rules {
    /// Reads a rule file. `file` is only a name for the error.
    ///
    /// # Errors
    /// [`RulesFault`]: what is not well formed, what contradicts itself, and the first of its own tests that does not come
    /// out.
    pub fn parse(text: &str, file: &str) -> Result<Rules, RulesFault> {
        let read: File = toml::from_str(text)
            .map_err(|error| RulesFault::Unreadable { file: file.to_owned(), error: Box::new(error) })?;
        let contradicts = |(what, to_do)| RulesFault::Contradicts { file: file.to_owned(), what, to_do };
        read.check().map_err(contradicts)?;
        let File { name, author, from, until, complete, thresholds, class, parameter, release, review, test } =
            read;
        let of_class = |id: &str| class.iter().find(|class| class.id == id).map_or(0, |class| class.weight);
        let parameters = parameter.into_iter().map(|written| written.weighed(of_class)).collect();
        let rules = Rules {
            name,
            author,
            from,
            until,
            amber_ppm: thresholds.amber * WHOLE,
            red_ppm: thresholds.red * WHOLE,
            classes: class,
            parameters,
            complete,
            release,
            review,
            digest: RulesDigest::of(text),
        };
        for own in &test {
            rules.passes(own, file)?;
        }
        Ok(rules)
    }

    /// The digest of the file.
    pub fn digest(&self) -> RulesDigest {
        self.digest
    }

    /// Whether they hold at this instant.
    pub fn hold_at(&self, at: Moment) -> bool {
        self.from <= at && at < self.until
    }

    /// The language tags of its texts.
    pub fn languages(&self) -> impl Iterator<Item = &str> {
        self.parameters.first().into_iter().flat_map(|parameter| parameter.says.keys().map(String::as_str))
    }

    fn passes(&self, own: &OwnTest, file: &str) -> Result<(), RulesFault> {
        let fails = |given: String| RulesFault::TestFails {
            file: file.to_owned(),
            name: own.name.clone(),
            wanted: own.gives.clone(),
            given,
        };
        own.facts.check().map_err(|fault| fails(fault.to_string()))?;
        let Some(ruling) = self.decide(&own.facts) else {
            return Err(fails(format!("nothing, because they do not hold at {}", own.facts.at)));
        };
        let given = ruling.outcome.name();
        if given == own.gives { Ok(()) } else { Err(fails(given.to_owned())) }
    }
}

impl File {
    /// What is wrong, and what to write instead.
    fn check(&self) -> Result<(), (String, &'static str)> {
        let File { from, until, thresholds, class, parameter, test, .. } = self;
        if from >= until {
            return Err((format!("from {from} is not before until {until}"), "give them some time"));
        }
        if !(0 < thresholds.amber && thresholds.amber < thresholds.red && thresholds.red <= WHOLE) {
            let what = format!("thresholds: amber {} and red {}", thresholds.amber, thresholds.red);
            return Err((what, "write 0 < amber < red, and at most 1000"));
        }
        let sum: u64 = class.iter().map(|class| u64::from(class.weight)).sum();
        if sum != u64::from(WHOLE) {
            return Err((format!("the classes weigh {sum} together"), "all classes together weigh 1000"));
        }
        if let Some(twice) = twice(class.iter().map(|class| &class.id)) {
            return Err((format!("two classes are called {twice:?}"), "give each an id of its own"));
        }
        if let Some(twice) = twice(parameter.iter().map(|parameter| &parameter.id)) {
            return Err((format!("two parameters are called {twice:?}"), "give each an id of its own"));
        }
        if parameter.len() > PARAMETERS_MAX {
            return Err((format!("{} parameters", parameter.len()), "write at most 256"));
        }
        let languages = parameter.first().map(|parameter| parameter.says.keys().collect::<Vec<_>>());
        for written in parameter {
            written.check(class, languages.as_deref().unwrap_or_default())?;
        }
        for Class { id, .. } in class {
            let within = parameter.iter().filter(|parameter| parameter.class == *id);
            let sum: u64 = within.map(|parameter| u64::from(parameter.weight)).sum();
            if sum != u64::from(WHOLE) {
                let what = format!("the parameters of class {id:?} weigh {sum} together");
                return Err((what, "the parameters of a class weigh 1000 together"));
            }
        }
        let colours = Colour::ALL.map(|wanted| test.iter().any(|test| test.gives == wanted.slug()));
        if colours != [true; 3] {
            return Err((
                "its tests do not show every colour".to_owned(),
                "write a [[test]] for green, amber and red",
            ));
        }
        let unless = self.review.iter().flat_map(|review| &review.unless);
        if let Some(odd) = unless.into_iter().find(|id| parameter.iter().all(|known| known.id != **id)) {
            return Err((format!("review.unless: there is no parameter {odd:?}"), "name one of this file"));
        }
        let odd = test
            .iter()
            .find(|test| Colour::called(&test.gives).is_none() && !Outcome::NAMES.contains(&&*test.gives));
        odd.map_or(Ok(()), |test| {
            let what = format!("the test {:?} gives {:?}", test.name, test.gives);
            Err((what, "write green, amber, red, undecided or review"))
        })
    }
}

impl Written {
    fn check(&self, classes: &[Class], languages: &[&String]) -> Result<(), (String, &'static str)> {
        let Written { id, class, within, at_least, says, .. } = self;
        if !classes.iter().any(|known| known.id == *class) {
            return Err((format!("{id}: there is no class {class:?}"), "name a [[class]] of this file"));
        }
        if within.is_some() == at_least.is_some() {
            return Err((format!("{id}: when does it say yes?"), "write either within or at_least"));
        }
        if says.is_empty() || says.keys().collect::<Vec<_>>() != languages {
            return Err((
                format!("{id}: says"),
                "write the same languages for every parameter, at least one",
            ));
        }
        if says.values().any(|text| text.trim().is_empty()) {
            return Err((format!("{id}: says has an empty text"), "say what the parameter found"));
        }
        Ok(())
    }

    fn weighed(self, of_class: impl Fn(&str) -> u32) -> Parameter {
        let Written { id, class, fact, within, at_least, weight, says } = self;
        // One of the two is there.
        let test = within
            .map_or_else(|| Test::AtLeast(at_least.unwrap_or(0).into()), |days| Test::Within(days.into()));
        Parameter { ppm: of_class(&class) * weight, id, class, fact, test, says }
    }
}

impl Test {
    /// What it says of a fact; `None` where that is not known.
    pub(crate) fn of(self, known: Known) -> Option<bool> {
        match (self, known) {
            (_, Known::Not) => None,
            (Test::Within(limit), Known::Is(number)) => Some(number <= limit),
            (Test::AtLeast(limit), Known::Is(number)) => Some(number >= limit),
            (Test::Within(_), Known::Never) => Some(false),
            (Test::AtLeast(_), Known::Never) => Some(true),
        }
    }
}

impl Releases {
    /// What must have passed before `colour` ends; nothing for green.
    pub(crate) fn of(&self, colour: Colour) -> Option<&Release> {
        match colour {
            Colour::Green => None,
            Colour::Amber => Some(&self.amber),
            Colour::Red => Some(&self.red),
        }
    }
}

fn twice<'s>(names: impl Iterator<Item = &'s String>) -> Option<&'s String> {
    let mut seen = BTreeSet::new();
    names.into_iter().find(|name| !seen.insert(*name))
}
