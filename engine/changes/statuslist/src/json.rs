//! JSON in which every name of an object comes once: two readers of one token must not see two meanings.

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::fault::{Fault, shown};

/// Reads an object, and refuses a name that comes twice, at any depth. Unknown names are passed over.
pub(crate) fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T, Fault> {
    let fault = |error: serde_json::Error| {
        let text = error.to_string();
        match text.strip_prefix(TWICE) {
            Some(name) => Fault::Duplicate(shown(name.split(" at line ").next().unwrap_or_default())),
            // It may repeat a value of any length; where that stands comes last.
            None => Fault::Content(match text.rsplit_once(" at line ") {
                Some((what, line)) => format!("{} at line {}", shown(what), shown(line)),
                None => shown(&text),
            }),
        }
    };
    serde_json::from_slice::<Once>(json).map_err(fault)?;
    serde_json::from_slice(json).map_err(fault)
}

const TWICE: &str = "twice: ";

/// Any JSON without a name that comes twice.
struct Once;

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Once, D::Error> {
        deserializer.deserialize_any(Once)
    }
}

impl<'de> Visitor<'de> for Once {
    type Value = Once;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Once, E> {
        Ok(Once)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Once, E> {
        Ok(Once)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Once, E> {
        Ok(Once)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Once, E> {
        Ok(Once)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Once, E> {
        Ok(Once)
    }

    fn visit_unit<E: Error>(self) -> Result<Once, E> {
        Ok(Once)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Once, A::Error> {
        while items.next_element::<Once>()?.is_some() {}
        Ok(Once)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Once, A::Error> {
        let mut names = BTreeSet::new();
        while let Some(name) = members.next_key::<String>()? {
            members.next_value::<Once>()?;
            if !names.insert(name.clone()) {
                return Err(A::Error::custom(format!("{TWICE}{name}")));
            }
        }
        Ok(Once)
    }
}

/// A member that is there: `null` is not the same as none.
pub(crate) fn there<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
