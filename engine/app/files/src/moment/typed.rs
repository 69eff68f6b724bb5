//! Times as people type them.

use std::str::FromStr;

use anyhow::{Context as _, anyhow, bail, ensure};
use hufu_wire::{StatusMinute, UnixSeconds};
use jiff::civil::{Date, DateTime};
use jiff::{Timestamp, Zoned};

use super::{Span, Zone, now, show_in, zone};

/// A typed time: `now`, `+7d` or `-1h` from now, `2026-11-21`, `2026-11-21T08:00` or `2026-11-21 08:00`, with an offset
/// or without, or `@1795883865` for Unix seconds. A day alone is its first moment.
///
/// What it means is known once a [`Clock`] reads it, because it may be counted from now or lack a zone. Each way to
/// read one says which direction makes sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(Form);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Seconds from the moment at which it is read.
    FromNow(i64),
    At(UnixSeconds),
    /// On a clock somewhere.
    Civil(DateTime),
    /// The day's first moment somewhere.
    Day(Date),
}

/// What typed times are read against.
#[derive(Clone, Debug)]
pub struct Clock {
    now: UnixSeconds,
    zone: Option<Zone>,
}

/// A test may be dated this far in the future, seconds: the clock that dated it may be ahead of this one.
const TEST_AHEAD_S: u32 = 300;

const HOW: &str = "write now, +7d, -1h, 2026-11-21, 2026-11-21T08:00+08:00, or @1795883865 for Unix seconds";

impl Clock {
    /// This moment, and the zone of this process.
    pub fn here() -> Clock {
        Clock { now: now().seconds(), zone: zone::of_process().cloned() }
    }

    /// Another moment.
    #[must_use]
    pub fn at(self, now: UnixSeconds) -> Clock {
        Clock { now, ..self }
    }

    /// The same moment in another zone.
    #[must_use]
    pub fn with_zone(self, zone: Zone) -> Clock {
        Clock { zone: Some(zone), ..self }
    }

    /// The moment that is now.
    pub fn now(&self) -> UnixSeconds {
        self.now
    }

    /// A typed time of any direction.
    ///
    /// # Errors
    /// It lacks a zone and no zone is known, or it lies before 2020 or after 2106.
    pub fn any(&self, moment: Moment) -> anyhow::Result<UnixSeconds> {
        let at = self.resolve(moment)?;
        ensure!(at >= StatusMinute::ORIGIN, "{} is before 2020", self.show(at));
        Ok(at)
    }

    /// The end of something that lasts until then.
    ///
    /// # Errors
    /// Those of [`any`](Self::any), and it is past.
    pub fn end(&self, moment: Moment) -> anyhow::Result<UnixSeconds> {
        let at = self.resolve(moment)?;
        ensure!(at > self.now, "{} is in the past; write a time after now", self.show(at));
        Ok(at)
    }

    /// The end of a colour, as a status word holds it.
    ///
    /// # Errors
    /// Those of [`end`](Self::end), and it lies in this minute or after 2051: a status word cannot hold it.
    pub fn colour_end(&self, moment: Moment) -> anyhow::Result<StatusMinute> {
        let at = self.end(moment)?;
        let minute = StatusMinute::at(at).with_context(|| {
            format!("{} is too late: a colour has an end before 2051-11-25, or none", self.show(at))
        })?;
        ensure!(minute.starts() > self.now, "{} is less than a minute from now", self.show(at));
        Ok(minute)
    }

    /// When a test was taken, as a status word holds it.
    ///
    /// # Errors
    /// Those of [`any`](Self::any), and it lies more than five minutes in the future.
    pub fn test(&self, moment: Moment) -> anyhow::Result<StatusMinute> {
        let at = self.any(moment)?;
        let latest = self.now.0.saturating_add(TEST_AHEAD_S);
        ensure!(at.0 <= latest, "{} is in the future; a test was taken before now", self.show(at));
        // Minute 0 is no time at all in a status word.
        let minute = StatusMinute::at(at).filter(|minute| minute.get() > 0);
        minute.with_context(|| format!("{} is before 2020", self.show(at)))
    }

    fn show(&self, at: UnixSeconds) -> String {
        show_in(self.zone.as_ref(), at)
    }

    fn resolve(&self, Moment(form): Moment) -> anyhow::Result<UnixSeconds> {
        let seconds = match form {
            Form::At(at) => return Ok(at),
            Form::FromNow(s) => i64::from(self.now.0) + s,
            Form::Civil(civil) => {
                let ambiguous = self.zone()?.time_zone().to_ambiguous_timestamp(civil);
                // A clock that is set forward or back shows some times never or twice.
                let time = ambiguous.unambiguous().map_err(|_| {
                    anyhow!("the clock of this zone shows {civil} never or twice that day; write its offset, such as +08:00")
                })?;
                time.as_second()
            }
            // Where a day begins without its midnight, it begins after it.
            Form::Day(day) => {
                let midnight = day.to_datetime(jiff::civil::Time::midnight());
                self.zone()?.time_zone().to_timestamp(midnight).map_err(|_| out_of_range())?.as_second()
            }
        };
        u32::try_from(seconds).map(UnixSeconds).map_err(|_| out_of_range())
    }

    fn zone(&self) -> anyhow::Result<&Zone> {
        self.zone.as_ref().context(
            "which zone? write an offset after the time (2026-11-21T08:00+08:00), or give --time-zone Asia/Shanghai, \
             HUFU_TIME_ZONE, or `time_zone` in hufu.toml",
        )
    }
}

impl Moment {
    /// The moment at which it is read.
    pub const NOW: Moment = Moment(Form::FromNow(0));
}

impl From<UnixSeconds> for Moment {
    fn from(at: UnixSeconds) -> Moment {
        Moment(Form::At(at))
    }
}

impl FromStr for Moment {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Moment> {
        Ok(Moment(match text.as_bytes() {
            b"now" => Form::FromNow(0),
            [b'+', ..] => Form::FromNow(i64::from(text[1..].parse::<Span>()?.s)),
            [b'-', ..] => Form::FromNow(-i64::from(text[1..].parse::<Span>()?.s)),
            [b'@', ..] => Form::At(UnixSeconds(text[1..].parse().map_err(|_| anyhow!(HOW))?)),
            // 20261127 is a day to one reader and a second of 1970 to another, and 46353 is a day to a spreadsheet.
            digits
                if !digits.is_empty() && digits.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.') =>
            {
                bail!("a bare number is no time; {HOW}")
            }
            _ => dated(text)?,
        }))
    }
}

fn dated(text: &str) -> anyhow::Result<Form> {
    let text = &*with_hyphens(text);
    // With the name of its zone, which must fit an offset beside it (RFC 9557).
    if text.contains('[') {
        let zoned: Zoned = text.parse().map_err(|_| anyhow!(HOW))?;
        return instant(zoned.timestamp());
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return instant(time);
    }
    let has_clock = text.contains(':');
    match (text.parse::<DateTime>(), text.parse::<Date>()) {
        (_, Ok(day)) if !has_clock && day.year() > 0 => Ok(Form::Day(day)),
        (Ok(civil), _) if has_clock => Ok(Form::Civil(civil)),
        _ => bail!(HOW),
    }
}

fn instant(time: Timestamp) -> anyhow::Result<Form> {
    let seconds = u32::try_from(time.as_second()).map_err(|_| out_of_range())?;
    Ok(Form::At(UnixSeconds(seconds)))
}

fn out_of_range() -> anyhow::Error {
    anyhow!("it is not between 1970 and 2106")
}

/// `2026/1/5 8:30`, as spreadsheets in China write it, in the standard's spelling. The year must come first.
fn with_hyphens(text: &str) -> std::borrow::Cow<'_, str> {
    let rewritten = || {
        let (day, clock) = text.split_once(' ').unwrap_or((text, ""));
        let mut parts = day.split('/');
        let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
        let fits = year.len() == 4 && (1..=2).contains(&month.len()) && (1..=2).contains(&day.len());
        if !fits || parts.next().is_some() {
            return None;
        }
        let pad = if clock.find(':') == Some(1) { "0" } else { "" };
        let gap = if clock.is_empty() { "" } else { " " };
        Some(format!("{year}-{month:0>2}-{day:0>2}{gap}{pad}{clock}"))
    };
    rewritten().map_or(text.into(), Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: u32 = 1_795_219_200 + 12 * 3600; // 2026-11-21T12:00Z

    fn clock(zone: &str) -> Clock {
        let clock = Clock { now: UnixSeconds(NOON), zone: None };
        if zone.is_empty() { clock } else { clock.with_zone(zone.parse().unwrap()) }
    }

    fn read(zone: &str, text: &str) -> Result<u32, String> {
        let read = text.parse::<Moment>().and_then(|moment| clock(zone).any(moment));
        read.map(|at| at.0).map_err(|error| format!("{error:#}"))
    }

    fn check(zone: &str, text: &str, wanted: Result<u32, &str>) {
        match (read(zone, text), wanted) {
            (Ok(found), Ok(wanted)) => assert_eq!(found, wanted, "{text}"),
            (Err(said), Err(wanted)) => assert!(said.contains(wanted), "{text}: {said}"),
            (found, _) => panic!("{text}: {found:?}"),
        }
    }

    #[test]
    fn r47_a_time_means_what_it_says_or_is_refused() {
        let (day, eight) = (1_795_219_200, 1_795_248_000);
        check("", "2026-11-21T08:00Z", Ok(eight));
        check("", "2026-11-21T16:00:00+08:00", Ok(eight));
        check("", "2026-11-21 16:00+08:00", Ok(eight));
        check("", "2026-11-21T16:00+08:00[Asia/Shanghai]", Ok(eight));
        check("", "2026-11-21T16:00[Asia/Shanghai]", Ok(eight));
        check("", "2026-11-21T16:00+07:00[Asia/Shanghai]", Err("write now"));
        check("UTC", "2026-11-21", Ok(day));
        check("Asia/Shanghai", "2026-11-21", Ok(day - 8 * 3600));
        check("Asia/Shanghai", "2026/11/21 16:00", Ok(eight));
        check("Asia/Shanghai", "2026/1/5 8:30", Ok(1_767_573_000));
        check("+08:00", "2026-11-21 16:00:00", Ok(eight));
        check("Asia/Shanghai", "2026-11-21T08:00Z", Ok(eight));
        check("", "now", Ok(NOON));
        check("", "+14d", Ok(NOON + 14 * 86_400));
        check("", "-1h", Ok(NOON - 3600));
        check("", "@1795219200", Ok(day));
        for no_zone in ["2026-11-21", "2026-11-21T08:00", "2026-11-21 08:30:00", "2026/11/21"] {
            check("", no_zone, Err("which zone?"));
        }
        for number in ["1795219200", "20261127", "2026", "0", "46353.5"] {
            check("UTC", number, Err("a bare number is no time"));
        }
        for nonsense in
            ["", "tomorrow", "+7", "7d", "2026-13-01", "+99999d", "@9999999999", "@-1", "+d", "@", "-"]
        {
            assert!(read("UTC", nonsense).is_err(), "{nonsense}");
        }
        for other_order in ["21/11/2026", "11/21/2026", "26/11/21", "2026/11", "2026/11/21/1"] {
            check("UTC", other_order, Err("write now"));
        }
        check("UTC", "2019-12-31", Err("is before 2020"));
        check("UTC", "1969-12-31", Err("not between 1970 and 2106"));
        // Madrid sets its clocks forward and back.
        check("Europe/Madrid", "2027-03-28 02:30", Err("never or twice"));
        check("Europe/Madrid", "2026-10-25 02:30", Err("never or twice"));
    }

    #[test]
    fn r47_each_use_of_a_time_knows_its_direction() {
        let clock = clock("Asia/Shanghai");
        let said = |read: anyhow::Result<String>| read.unwrap_or_else(|error| format!("{error:#}"));
        let end = |text: &str| said(clock.end(text.parse().unwrap()).map(|at| at.0.to_string()));
        assert_eq!(end("+1s"), (NOON + 1).to_string());
        assert_eq!(end("2106-01-01"), "4291718400");
        assert_eq!(end("2016-12-01"), "2016-12-01T00:00:00+08:00 is in the past; write a time after now");
        assert!(end("-14d").contains("in the past") && end("now").contains("in the past"));

        let until =
            |text: &str| said(clock.colour_end(text.parse().unwrap()).map(|at| at.starts().0.to_string()));
        assert_eq!(until("+1h"), (NOON + 3600).to_string());
        assert!(until("2060-01-01").contains("too late"), "no colour without end by a slip");
        assert!(until("+30s").contains("less than a minute"));
        assert!(until("2016-12-01").contains("in the past"));

        let test = |text: &str| said(clock.test(text.parse().unwrap()).map(|at| at.starts().0.to_string()));
        assert_eq!(test("-1h"), (NOON - 3600).to_string());
        assert_eq!(test("+2m"), (NOON + 120).to_string());
        assert!(test("2030-01-01").contains("in the future"));
        assert!(test("2019-06-01").contains("before 2020") && test("@0").contains("before 2020"));
    }

    #[test]
    fn what_is_shown_has_its_offset() {
        let day = UnixSeconds(1_795_219_200);
        assert_eq!(show_in(None, day), "2026-11-21T00:00:00Z");
        assert_eq!(show_in(Some(&"Asia/Shanghai".parse().unwrap()), day), "2026-11-21T08:00:00+08:00");
    }
}
