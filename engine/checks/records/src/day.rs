//! A day, as records are kept by.

use core::fmt;
use core::str::FromStr;

use thiserror::Error;

/// A day of the engine's time zone, counted from 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub u32);

/// A text that is no day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a day; write it as in 2026-11-29")]
pub struct NoDay;

impl FromStr for Day {
    type Err = NoDay;

    fn from_str(text: &str) -> Result<Day, NoDay> {
        let date: jiff::civil::Date = text.parse().map_err(|_| NoDay)?;
        let days = date.since(jiff::civil::date(1970, 1, 1)).map_err(|_| NoDay)?.get_days();
        u32::try_from(days).map(Day).map_err(|_| NoDay)
    }
}

impl fmt::Display for Day {
    /// As in `2026-11-29`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let span = jiff::Span::new().try_days(self.0);
        let date = span.and_then(|days| jiff::civil::date(1970, 1, 1).checked_add(days));
        match date {
            Ok(date) => write!(f, "{date}"),
            // Beyond the year 9999.
            Err(_) => write!(f, "day {}", self.0),
        }
    }
}
