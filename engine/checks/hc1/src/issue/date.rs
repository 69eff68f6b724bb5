//! Dates and times as clerks write them, in one spelling.

use hufu_wire::UnixSeconds;

/// The day of `2021-09-01`, counted from 1970-01-01; `None` for another form and for days that there are not.
pub(super) fn day(text: &str) -> Option<i64> {
    let [year, month, day] = parts(text)?;
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=days).contains(&day) || !(1900..=2099).contains(&year) {
        return None;
    }
    // Days before a month of a year that begins in March, so that a leap day comes last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let before_month = (153 * month + 2) / 5;
    let before_year = 365 * year + year / 4 - year / 100 + year / 400;
    // 719468: from 0000-03-01 to 1970-01-01.
    Some(before_year + before_month + day - 1 - 719_468)
}

fn parts(text: &str) -> Option<[i64; 3]> {
    let [year, month, day] = [text.get(..4)?, text.get(5..7)?, text.get(8..)?];
    let marks = text.len() == 10 && [4, 7].map(|at| text.as_bytes()[at]) == *b"--";
    marks.then_some([number(year)?, number(month)?, number(day)?])
}

fn number(digits: &str) -> Option<i64> {
    digits.bytes().all(|digit| digit.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// Whether this is a date of birth as the schema has it: a day, a month, or a year, where no more is known.
pub(super) fn birth(text: &str) -> Option<i64> {
    match text.len() {
        4 => day(&format!("{text}-01-01")),
        7 => day(&format!("{text}-01")),
        _ => day(text),
    }
}

/// The instant of `2021-09-01T08:00:00+08:00`: with seconds, and with an offset or `Z`.
pub(super) fn instant(text: &str) -> Option<UnixSeconds> {
    let (date, rest) = text.split_at_checked(10)?;
    let (time, zone) = rest.strip_prefix('T')?.split_at_checked(8)?;
    let of_day = |time: &str| {
        let (hour, minute) = (number(time.get(..2)?)?, number(time.get(3..5)?)?);
        (time.as_bytes()[2] == b':' && hour < 24 && minute < 60).then_some(hour * 3600 + minute * 60)
    };
    let second = number(time.get(6..)?).filter(|second| *second < 60 && time.as_bytes()[5] == b':')?;
    let offset = match (zone.split_at_checked(1)?, zone.len()) {
        (("Z", ""), _) => 0,
        (("+", offset), 6) => of_day(offset)?,
        (("-", offset), 6) => -of_day(offset)?,
        _ => return None,
    };
    let at = day(date)? * 86_400 + of_day(time.get(..5)?)? + second - offset;
    u32::try_from(at).ok().map(UnixSeconds)
}
