//! Ages on a day, and who may be bound at which.

use hufu_wire::UnixMillis;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::fault::FamilyFault;

/// Up to this age a signed commitment stands in place of a face check, years.
pub const COMMITMENT_YEARS_MAX: u16 = 6;
/// From this age on nobody can be bound as a child, years: a child's binding ends on this birthday.
pub const ADULT_YEARS: u16 = 17;
/// From this age on people can be bound again, years.
pub const ELDER_YEARS: u16 = 60;

/// Whom an age lets be bound, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bindable {
    /// Up to [`COMMITMENT_YEARS_MAX`]: with a commitment.
    Infant,
    /// Up to 16: with a face check.
    Child,
    /// From [`ELDER_YEARS`] on: with a face check.
    Elder,
}

impl Bindable {
    /// Whom `age` years let be bound.
    pub(crate) fn at(age: u16) -> Result<Bindable, FamilyFault> {
        match age {
            ELDER_YEARS.. => Ok(Bindable::Elder),
            ADULT_YEARS.. => Err(FamilyFault::Age),
            _ if age > COMMITMENT_YEARS_MAX => Ok(Bindable::Child),
            _ => Ok(Bindable::Infant),
        }
    }
}

/// The day of a time in a zone.
pub(crate) fn day_of(at: UnixMillis, zone: &TimeZone) -> Date {
    let at = i64::try_from(at.0).ok().and_then(|at| Timestamp::from_millisecond(at).ok());
    zone.to_datetime(at.unwrap_or(Timestamp::MAX)).date()
}

/// The birthday on which somebody has lived so many years. Who was born on 29 February has it on 1 March where there is
/// no 29 February. `None` beyond the calendar.
pub(crate) fn birthday(born: Date, years: u16) -> Option<Date> {
    let year = born.year().checked_add(i16::try_from(years).ok()?)?;
    Date::new(year, born.month(), born.day()).or_else(|_| Date::new(year, 3, 1)).ok()
}

/// Whole years that somebody has lived on a day; `None` before they are born.
pub(crate) fn age(born: Date, on: Date) -> Option<u16> {
    let years = u16::try_from(on.year() - born.year()).ok()?;
    if birthday(born, years)? <= on { Some(years) } else { years.checked_sub(1) }
}

/// When a day begins in a zone.
pub(crate) fn starts(day: Date, zone: &TimeZone) -> Option<UnixMillis> {
    let at = zone.to_zoned(day.at(0, 0, 0, 0)).ok()?.timestamp().as_millisecond();
    u64::try_from(at).ok().map(UnixMillis)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn r27_years_are_counted_by_birthdays() {
        let check =
            |born: Date, on: Date, years: Option<u16>| assert_eq!(age(born, on), years, "{born} {on}");
        let born = date(2010, 9, 22);
        check(born, date(2027, 9, 21), Some(16));
        check(born, date(2027, 9, 22), Some(17));
        check(born, date(2010, 9, 22), Some(0));
        check(born, date(2010, 9, 21), None);
        check(born, date(2009, 1, 1), None);
        let leap = date(2012, 2, 29);
        check(leap, date(2029, 2, 28), Some(16));
        check(leap, date(2029, 3, 1), Some(17));
        check(leap, date(2028, 2, 28), Some(15));
        check(leap, date(2028, 2, 29), Some(16));
        check(date(1966, 12, 31), date(2026, 12, 31), Some(60));
        check(date(1966, 12, 31), date(2026, 12, 30), Some(59));
    }

    #[test]
    fn r27_nobody_from_17_to_59_can_be_bound() {
        for years in 0..130 {
            let expected = match years {
                0..=6 => Ok(Bindable::Infant),
                7..=16 => Ok(Bindable::Child),
                17..=59 => Err(FamilyFault::Age),
                _ => Ok(Bindable::Elder),
            };
            assert_eq!(Bindable::at(years), expected, "{years}");
        }
    }

    #[test]
    fn r27_a_day_is_that_of_the_zone() {
        let shanghai = TimeZone::get("Asia/Shanghai").expect("a zone");
        // 2026-09-22T00:00:00+08:00
        let midnight = UnixMillis(1_790_006_400_000);
        assert_eq!(day_of(midnight, &shanghai), date(2026, 9, 22));
        assert_eq!(day_of(UnixMillis(midnight.0 - 1), &shanghai), date(2026, 9, 21));
        assert_eq!(day_of(midnight, &TimeZone::UTC), date(2026, 9, 21));
        assert_eq!(starts(date(2026, 9, 22), &shanghai), Some(midnight));
    }
}
