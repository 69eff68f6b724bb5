//! An instant as rule files and facts write it: RFC 3339 with an offset.

use core::fmt;

use hufu_wire::UnixMillis;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Seconds since 1970-01-01T00:00:00Z. It is written in UTC, so that one instant has one form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub i64);

impl Moment {
    /// Whole seconds from `earlier` to this one; negative when it is later.
    pub fn since(self, earlier: Moment) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// The second that it lies in.
impl From<UnixMillis> for Moment {
    fn from(instant: UnixMillis) -> Moment {
        Moment(i64::try_from(instant.0 / 1000).unwrap_or(i64::MAX))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(self.0) {
            Ok(instant) => instant.fmt(f),
            // Beyond the year 9999.
            Err(_) => self.0.fmt(f),
        }
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Moment, D::Error> {
        let text = String::deserialize(deserializer)?;
        let instant: jiff::Timestamp = text.parse().map_err(|_| {
            D::Error::custom(format!("{text:?} is no instant such as \"2026-11-29T08:00:00+08:00\""))
        })?;
        if instant.subsec_nanosecond() != 0 {
            return Err(D::Error::custom(format!("{text:?}: facts have whole seconds")));
        }
        Ok(Moment(instant.as_second()))
    }
}
