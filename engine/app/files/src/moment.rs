//! Instants and durations as people write them on a command line.

use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, anyhow};
use hufu_wire::{UnixMillis, UnixSeconds};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;

/// An instant: `now`, `+7d` or `-1h` from now, `2026-11-21`, `2026-11-21T08:00Z` or Unix seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(pub UnixSeconds);

/// A length of time: a number and `s`, `m`, `h` or `d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Seconds.
    pub s: u32,
}

/// The clock of this machine.
pub fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// An instant as people read it, UTC.
pub fn show(instant: UnixSeconds) -> String {
    Timestamp::from_second(i64::from(instant.0))
        .map_or_else(|_| instant.0.to_string(), |time| time.to_string())
}

/// A length of time as people read it.
pub fn show_span(seconds: u32) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

impl FromStr for Span {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Span> {
        let wrong = || anyhow!("write a number and s, m, h or d, for example 7d");
        let unit = text.chars().last().ok_or_else(wrong)?;
        let unit_s = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return Err(wrong()),
        };
        let count: u32 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
        let s = count.checked_mul(unit_s).context("that is longer than a century")?;
        Ok(Span { s })
    }
}

impl FromStr for Moment {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Moment> {
        let wrong = || anyhow!("write now, +7d, -1h, 2026-11-21, 2026-11-21T08:00Z or Unix seconds");
        let now = now().seconds().0;
        if text == "now" {
            return Ok(Moment(UnixSeconds(now)));
        }
        if let Some(span) = text.strip_prefix('+') {
            return Ok(Moment(UnixSeconds(now.saturating_add(span.parse::<Span>()?.s))));
        }
        if let Some(span) = text.strip_prefix('-') {
            return Ok(Moment(UnixSeconds(now.saturating_sub(span.parse::<Span>()?.s))));
        }
        if let Ok(seconds) = text.parse() {
            return Ok(Moment(UnixSeconds(seconds)));
        }
        let timestamp = text.parse::<Timestamp>().ok().or_else(|| {
            let civil = text
                .parse::<DateTime>()
                .ok()
                .or_else(|| Some(text.parse::<Date>().ok()?.to_datetime(jiff::civil::Time::midnight())))?;
            Offset::UTC.to_timestamp(civil).ok()
        });
        let seconds = timestamp.ok_or_else(wrong)?.as_second();
        u32::try_from(seconds)
            .map(|seconds| Moment(UnixSeconds(seconds)))
            .map_err(|_| anyhow!("{text} is not between 1970 and 2106"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, wanted: Option<u32>) {
        assert_eq!(text.parse::<Moment>().ok().map(|moment| moment.0.0), wanted, "{text}");
    }

    #[test]
    fn instants_are_read_as_people_write_them() {
        check("2026-11-21", Some(1_795_219_200));
        check("2026-11-21T08:00Z", Some(1_795_248_000));
        check("2026-11-21T08:00:00", Some(1_795_248_000));
        check("2026-11-21T16:00:00+08:00", Some(1_795_248_000));
        check("1795219200", Some(1_795_219_200));
        for nonsense in
            ["", "tomorrow", "+7", "7d", "2026-13-01", "1969-12-31", "+99999d", "9999999999", "+d"]
        {
            check(nonsense, None);
        }
    }

    #[test]
    fn a_moment_from_now_is_counted_from_now() {
        let now = now().seconds().0;
        let in_a_day = "+1d".parse::<Moment>().unwrap().0.0;
        assert!((now + 86_400..now + 86_460).contains(&in_a_day));
        assert_eq!(show(UnixSeconds(1_795_219_200)), "2026-11-21T00:00:00Z");
    }
}
