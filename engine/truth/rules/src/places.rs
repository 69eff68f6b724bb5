//! Places of risk, and what an itinerary has in common with them (R28).

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::facts::Risk;
use crate::fault::RulesFault;
use crate::known::DAY_S;
use crate::moment::Moment;

/// Places of risk, from a file. Only [`RiskPlaces::parse`] makes them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RiskPlaces {
    places: Vec<RiskPlace>,
}

/// A place of risk, and when it was one.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RiskPlace {
    /// How the codes of places in it begin: `310105` is a district, `310105-0042` one house in it.
    pub prefix: String,
    /// From when.
    pub from: Moment,
    /// Until when.
    pub until: Moment,
    /// The risk.
    pub risk: Risk,
}

/// A place where a holder was, and when.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Visit {
    /// When it began.
    pub from: Moment,
    /// When it ended.
    pub to: Moment,
    /// The code of the place.
    pub place: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    place: Vec<RiskPlace>,
}

impl RiskPlaces {
    /// Reads a file of places. `file` is only a name for the error.
    ///
    /// # Errors
    /// [`RulesFault`]: what is not well formed; a place without a code or with an end before its beginning.
    pub fn parse(text: &str, file: &str) -> Result<RiskPlaces, RulesFault> {
        let File { place: places } = toml::from_str(text)
            .map_err(|error| RulesFault::Unreadable { file: file.to_owned(), error: Box::new(error) })?;
        let odd = places.iter().find(|place| place.prefix.is_empty() || place.until <= place.from);
        match odd {
            Some(RiskPlace { prefix, from, until, .. }) => Err(RulesFault::Contradicts {
                file: file.to_owned(),
                what: format!("the place {prefix:?} from {from} until {until}"),
                to_do: "write how the codes of its places begin, and an end after the beginning",
            }),
            None => Ok(RiskPlaces { places }),
        }
    }

    /// SHA-256 of a file of places.
    pub fn digest_of(text: &str) -> [u8; 32] {
        Sha256::digest(text.as_bytes()).into()
    }

    /// Whole minutes of the last `days` before `at` that a holder spent in places of high or medium risk while they were that;
    /// a minute counts once.
    pub fn overlap_minutes(&self, visits: &[Visit], at: Moment, days: u32) -> u32 {
        let first = Moment(at.0.saturating_sub(i64::from(days) * DAY_S));
        let mut spans = Vec::new();
        for visit in visits {
            let there = self
                .places
                .iter()
                .filter(|place| place.risk != Risk::Low && visit.place.starts_with(place.prefix.as_str()));
            let spent = |place: &RiskPlace| {
                let from = visit.from.max(place.from).max(first);
                let to = visit.to.min(place.until).min(at);
                (from < to).then_some((from, to))
            };
            spans.extend(there.filter_map(spent));
        }
        u32::try_from(crate::known::together_s(spans) / 60).unwrap_or(u32::MAX)
    }
}
