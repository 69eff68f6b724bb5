//! The clock, lengths of time, and times as people type them and read them.
//!
//! [`Moment`] is the one reader of typed times: arguments, tables and settings go through it, so that a time means the
//! same everywhere.

mod typed;
mod zone;

use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, anyhow};
use hufu_wire::{UnixMillis, UnixSeconds};
use jiff::Timestamp;

pub use typed::{Clock, Moment};
pub use zone::{Zone, set_zone};

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

/// An instant as people read it, with its offset from UTC: in the zone of [`set_zone`], else UTC.
pub fn show(instant: UnixSeconds) -> String {
    show_in(zone::of_process(), instant)
}

fn show_in(zone: Option<&Zone>, instant: UnixSeconds) -> String {
    let Ok(time) = Timestamp::from_second(i64::from(instant.0)) else { return instant.0.to_string() };
    zone.map_or_else(|| time.to_string(), |zone| zone.show(time))
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
