//! Time zones, by their name in the IANA database or by their offset.

use std::str::FromStr;
use std::sync::OnceLock;

use anyhow::anyhow;
use hufu_wire::UnixSeconds;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::temporal::DateTimeParser;
use jiff::tz::{TimeZone, TimeZoneDatabase};

/// A time zone: `Asia/Shanghai`, `UTC` or `+08:00`.
///
/// Names come from the machine's database, and from a copy in the program where the machine has none. Abbreviations
/// are no zones: CST is three of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(TimeZone);

/// No clock on earth is further from UTC, seconds.
const OFFSET_S_MAX: i32 = 14 * 3600;

/// The zone of this process.
static ZONE: OnceLock<Zone> = OnceLock::new();

/// Says in which zone this process reads times that name none, and in which it shows times. The first call counts.
pub fn set_zone(zone: Zone) {
    let _ = ZONE.set(zone);
}

/// The zone that [`set_zone`] said.
pub(super) fn of_process() -> Option<&'static Zone> {
    ZONE.get()
}

impl Zone {
    pub(super) fn time_zone(&self) -> &TimeZone {
        &self.0
    }

    /// The day that this time, in seconds since 1970, is of in this zone, counted from 1970-01-01.
    ///
    /// A zone's offset moves by whole days nowhere, so days follow each other.
    pub fn day_of(&self, seconds: u32) -> u32 {
        let offset =
            Timestamp::from_second(seconds.into()).map_or(0, |time| self.0.to_offset(time).seconds());
        u32::try_from((i64::from(seconds) + i64::from(offset)).div_euclid(86_400)).unwrap_or(0)
    }

    /// Date and time of day on a clock of this zone, for a page that writes them as its language does.
    pub fn civil(&self, instant: UnixSeconds) -> DateTime {
        self.0.to_datetime(Timestamp::from_second(i64::from(instant.0)).unwrap_or_default())
    }

    /// A time with this zone's offset.
    pub(super) fn show(&self, time: Timestamp) -> String {
        time.to_zoned(self.0.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    }
}

impl FromStr for Zone {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Zone> {
        let wrong =
            || anyhow!("no such time zone; write a name such as Asia/Shanghai, or an offset such as +08:00");
        if text == "Z" {
            return Ok(Zone(TimeZone::UTC));
        }
        if text.starts_with(['+', '-']) {
            let zone = DateTimeParser::new().parse_time_zone(text).map_err(|_| wrong())?;
            let offset = zone.to_fixed_offset().map_err(|_| wrong())?;
            return if offset.seconds().abs() <= OFFSET_S_MAX { Ok(Zone(zone)) } else { Err(wrong()) };
        }
        let named = |database: &TimeZoneDatabase| database.get(text).ok();
        named(jiff::tz::db()).or_else(|| named(&TimeZoneDatabase::bundled())).map(Zone).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_has_a_name_or_an_offset() {
        for zone in ["Asia/Shanghai", "Europe/Madrid", "UTC", "Z", "+08:00", "-0330"] {
            assert!(zone.parse::<Zone>().is_ok(), "{zone}");
        }
        for nonsense in
            ["", "Asia/Beijing", "CST-8", "CST", "8", "+25:00", "../../etc/passwd", "/etc/localtime"]
        {
            assert!(nonsense.parse::<Zone>().is_err(), "{nonsense}");
        }
    }

    #[test]
    fn zones_are_known_where_the_machine_has_no_database() {
        assert!(TimeZoneDatabase::bundled().get("Asia/Shanghai").is_ok());
    }
}
