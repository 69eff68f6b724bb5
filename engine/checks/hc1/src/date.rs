//! Dates and moments as certificates write them (ISO 8601).

use hufu_wire::{UnixSeconds, days_since_1970};

const DAYS: [u8; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const DAY_S: i64 = 86_400;

/// The first second in UTC of a date, `YYYY-MM-DD`; of a moment its date counts. `None` for days that no calendar has
/// and those outside 1970 to 2105.
pub fn day(text: &str) -> Option<UnixSeconds> {
    let (date, rest) = text.split_at_checked(10)?;
    if !(rest.is_empty() || rest.starts_with(['T', 't', ' '])) {
        return None;
    }
    u32::try_from(days(date)? * DAY_S).ok().map(UnixSeconds)
}

/// A moment: a date, a time, and a zone. A fraction of a second does not count; without a zone it is UTC.
pub fn moment(text: &str) -> Option<UnixSeconds> {
    let (date, time) = text.split_at_checked(10)?;
    let time = time.strip_prefix(['T', 't', ' '])?;
    let (hours, rest) = pair(time)?;
    let (minutes, rest) = pair(rest.strip_prefix(':')?)?;
    let (seconds, mut rest) = match rest.strip_prefix(':') {
        Some(rest) => pair(rest)?,
        None => (0, rest),
    };
    if let Some(fraction) = rest.strip_prefix(['.', ',']) {
        rest = fraction.trim_start_matches(|digit: char| digit.is_ascii_digit());
    }
    if hours > 23 || minutes > 59 || seconds > 60 {
        return None;
    }
    // A leap second counts as the second before it.
    let local = days(date)? * DAY_S + seconds_of(hours, minutes) + i64::from(seconds.min(59));
    u32::try_from(local - ahead(rest)?).ok().map(UnixSeconds)
}

/// Seconds that a zone is ahead of UTC: `Z`, `+02:00`, `+0200` or `+02`.
fn ahead(zone: &str) -> Option<i64> {
    if matches!(zone, "" | "Z" | "z") {
        return Some(0);
    }
    let sign = match zone.as_bytes()[0] {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, rest) = pair(&zone[1..])?;
    let (minutes, rest) =
        if rest.is_empty() { (0, "") } else { pair(rest.strip_prefix(':').unwrap_or(rest))? };
    (rest.is_empty() && hours <= 14 && minutes <= 59).then_some(sign * seconds_of(hours, minutes))
}

fn seconds_of(hours: u8, minutes: u8) -> i64 {
    i64::from(hours) * 3600 + i64::from(minutes) * 60
}

/// Days since 1970-01-01 of `YYYY-MM-DD`, from 1900 on: people who travel were born before 1970.
pub(crate) fn days(date: &str) -> Option<i64> {
    let (century, rest) = pair(date)?;
    let (year, rest) = pair(rest)?;
    let (month, rest) = pair(rest.strip_prefix('-')?)?;
    let (day, rest) = pair(rest.strip_prefix('-')?)?;
    let year = i64::from(century) * 100 + i64::from(year);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = DAYS.get(usize::from(month.checked_sub(1)?))? + u8::from(leap && month == 2);
    let is_a_day = rest.is_empty() && (1900..2106).contains(&year) && (1..=longest).contains(&day);
    is_a_day.then(|| days_since_1970(year, month, day))
}

/// Two digits.
fn pair(text: &str) -> Option<(u8, &str)> {
    let (digits, rest) = text.split_at_checked(2)?;
    let [tens, ones] = digits.as_bytes() else { return None };
    let both = tens.is_ascii_digit() && ones.is_ascii_digit();
    both.then(|| ((tens - b'0') * 10 + ones - b'0', rest))
}
