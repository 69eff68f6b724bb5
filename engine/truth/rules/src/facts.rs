//! What is recorded of one holder.

use hufu_wire::Colour;
use serde::{Deserialize, Serialize};

use crate::fault::FactsFault;
use crate::moment::Moment;

/// The facts of one holder at an instant. A list that is left out is not known; an empty one says that there was nothing.
/// What lies after `at` does not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// The holder's number at the issuer.
    pub holder: u32,
    /// When the colour is computed.
    pub at: Moment,
    /// Random digits that make the digest of the facts tell nothing to those who guess them; the same for all rulings that
    /// are to have one digest.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub salt: String,
    /// The colour that the holder has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<Current>,
    /// When the holder was confirmed to be a case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cases: Option<Vec<Moment>>,
    /// Contacts with cases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contacts: Option<Vec<Contact>>,
    /// Stays in places of a risk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stays: Option<Vec<Stay>>,
    /// Arrivals from abroad.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arrivals: Option<Vec<Arrival>>,
    /// Samples that were taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tests: Option<Vec<Sample>>,
    /// Whether symptoms were reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symptoms: Option<bool>,
    /// Quarantines that were ordered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantines: Option<Vec<Quarantine>>,
    /// Vaccine doses that were given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doses: Option<Vec<Moment>>,
    /// Samples that were recorded by mistake: a word that has one of them loses it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub void_tests: Vec<Sample>,
    /// How many doses were recorded by mistake.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub void_doses: u8,
    /// Minutes that the itinerary of the last days has in common with places of risk; the itinerary itself is not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap_minutes: Option<u32>,
}

/// A colour, and since when the holder has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Current {
    /// The colour.
    #[serde(with = "colour")]
    pub colour: Colour,
    /// Since when.
    pub since: Moment,
}

/// A contact with a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// When it ended.
    pub at: Moment,
    /// How close it was.
    pub grade: Grade,
    /// How long it was, minutes.
    pub minutes: u32,
}

/// How close a contact was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// A close contact.
    Close,
    /// A contact of a close contact.
    Secondary,
}

/// A stay in a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stay {
    /// When it began.
    pub from: Moment,
    /// When it ended; not before it began.
    pub to: Moment,
    /// The risk of the place while the holder was there.
    pub risk: Risk,
}

/// The risk of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Risk {
    /// High.
    High,
    /// Medium.
    Medium,
    /// Low.
    Low,
}

/// An arrival from abroad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arrival {
    /// When.
    pub at: Moment,
}

/// A sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// When it was taken.
    pub at: Moment,
    /// What it said.
    pub result: SampleResult,
}

/// What a sample said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SampleResult {
    /// Nothing yet.
    Pending,
    /// Negative.
    Negative,
    /// Positive.
    Positive,
}

/// A quarantine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quarantine {
    /// When it began.
    pub from: Moment,
    /// When it ended or is to end; not before it began.
    pub to: Moment,
}

/// Entries of one list, at most: far more than anyone has in 60 days.
pub const ENTRIES_MAX: usize = 10_000;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_zero(number: &u8) -> bool {
    *number == 0
}

impl Facts {
    /// Of this holder nothing is known.
    pub const fn unknown(holder: u32, at: Moment) -> Facts {
        Facts {
            holder,
            at,
            salt: String::new(),
            current: None,
            cases: None,
            contacts: None,
            stays: None,
            arrivals: None,
            tests: None,
            symptoms: None,
            quarantines: None,
            doses: None,
            void_tests: Vec::new(),
            void_doses: 0,
            overlap_minutes: None,
        }
    }

    /// Reads facts, one JSON object.
    ///
    /// # Errors
    /// [`FactsFault`]: an unknown key, a wrong type, a span that ends before it begins, a list that is too long.
    pub fn read(json: &str) -> Result<Facts, FactsFault> {
        let facts: Facts = serde_json::from_str(json)?;
        facts.check()?;
        Ok(facts)
    }

    pub(crate) fn check(&self) -> Result<(), FactsFault> {
        let lengths = [
            ("cases", self.cases.as_ref().map_or(0, Vec::len)),
            ("contacts", self.contacts.as_ref().map_or(0, Vec::len)),
            ("stays", self.stays.as_ref().map_or(0, Vec::len)),
            ("arrivals", self.arrivals.as_ref().map_or(0, Vec::len)),
            ("tests", self.tests.as_ref().map_or(0, Vec::len)),
            ("quarantines", self.quarantines.as_ref().map_or(0, Vec::len)),
            ("doses", self.doses.as_ref().map_or(0, Vec::len)),
            ("void_tests", self.void_tests.len()),
        ];
        if let Some((list, _)) = lengths.into_iter().find(|(_, length)| *length > ENTRIES_MAX) {
            return Err(FactsFault::TooMany { list, max: ENTRIES_MAX });
        }
        let stays = self.stays.iter().flatten().map(|stay| ("stays", stay.from, stay.to));
        let quarantines = self.quarantines.iter().flatten();
        let quarantines = quarantines.map(|quarantine| ("quarantines", quarantine.from, quarantine.to));
        match stays.chain(quarantines).find(|(_, from, to)| to < from) {
            Some((list, from, to)) => Err(FactsFault::Backwards { list, from, to }),
            None => Ok(()),
        }
    }
}

mod colour {
    use hufu_wire::Colour;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
    pub(super) fn serialize<S: Serializer>(colour: &Colour, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(colour.slug())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Colour, D::Error> {
        let name = String::deserialize(deserializer)?;
        Colour::called(&name).ok_or_else(|| D::Error::unknown_variant(&name, &["green", "amber", "red"]))
    }
}
