//! A moment as TOML writes it, in seconds. Firmware links this, and has no room for a library of calendars.

use hufu_wire::days_since_1970;
use toml::value::{Datetime, Offset};

/// Seconds since 1970. `None` for what lacks its date, its time or its zone, and for what is before 1970 or after 2106.
pub(super) fn unix_seconds(written: &Datetime) -> Option<u32> {
    let (date, time, offset) = (written.date?, written.time?, written.offset?);
    let minutes_ahead = match offset {
        Offset::Z => 0,
        Offset::Custom { minutes } => i64::from(minutes),
    };
    let days = days_since_1970(date.year.into(), date.month, date.day);
    let minutes = days * 1440 + i64::from(time.hour) * 60 + i64::from(time.minute) - minutes_ahead;
    // A leap second counts as the second before it.
    let second = i64::from(time.second.unwrap_or(0).min(59));
    u32::try_from(minutes * 60 + second).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn moments_are_those_of_the_calendar() {
        for (written, seconds) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("1970-01-01T01:00:00+01:00", Some(0)),
            ("1969-12-31T23:59:59Z", None),
            ("1970-01-01T00:59:59+01:00", None),
            ("2000-02-29T12:00:00Z", Some(951_825_600)),
            ("2000-03-01T00:00:00Z", Some(951_868_800)),
            ("2016-12-31T23:59:60Z", Some(1_483_228_799)),
            ("2026-11-30 18:00:00.999+08:00", Some(1_796_032_800)),
            ("2106-02-07T06:28:15Z", Some(u32::MAX)),
            ("2106-02-07T06:28:16Z", None),
            ("0000-01-01T00:00:00Z", None),
            ("2026-11-30T18:00:00", None),
            ("2026-11-30", None),
            ("18:00:00", None),
        ] {
            assert_eq!(unix_seconds(&written.parse().unwrap()), seconds, "{written}");
        }
    }

    proptest! {
        #[test]
        fn moments_are_those_of_a_library_of_calendars(
            year in 1900_u16..2200,
            (month, day) in (1_u8..13, 1_u8..29),
            (hour, minute, second) in (0_u8..24, 0_u8..60, 0_u8..60),
            (ahead, by) in (any::<bool>(), (0_u8..24, 0_u8..60)),
        ) {
            let sign = if ahead { '+' } else { '-' };
            let written = format!(
                "{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{sign}{:02}:{:02}", by.0, by.1
            );
            let moment: jiff::Timestamp = written.parse().unwrap();
            let found = unix_seconds(&written.parse().unwrap());
            prop_assert_eq!(found, u32::try_from(moment.as_second()).ok(), "{}", written);
        }
    }
}
