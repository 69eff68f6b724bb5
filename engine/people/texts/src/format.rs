//! Dates, times and numbers as each language writes them (CLDR, through ICU4X).

use std::cell::OnceCell;
use std::rc::Rc;

use icu_calendar::cal::{Buddhist, Gregorian};
use icu_datetime::fieldsets::{T, YMD, YMDT};
use icu_datetime::input::{Date, DateTime, Time};
use icu_datetime::{FixedCalendarDateTimeFormatter, NoCalendarFormatter};
use icu_decimal::DecimalFormatter;
use icu_decimal::input::Decimal;
use icu_decimal::options::DecimalFormatterOptions;
use icu_locale_core::Locale;
use icu_plurals::{PluralCategory, PluralRules};
use jiff::civil;

use crate::Language;

/// What a language writes dates with. Thailand counts years from 543 BC; the others count as Gregory did.
enum Dates {
    Gregorian(
        FixedCalendarDateTimeFormatter<Gregorian, YMD>,
        FixedCalendarDateTimeFormatter<Gregorian, YMDT>,
    ),
    Buddhist(FixedCalendarDateTimeFormatter<Buddhist, YMD>, FixedCalendarDateTimeFormatter<Buddhist, YMDT>),
}

struct Formats {
    dates: Dates,
    clock: NoCalendarFormatter<T>,
    decimal: DecimalFormatter,
    plurals: PluralRules,
}

/// A day, such as "30 Nov 2026".
pub fn date(language: Language, day: civil::Date) -> String {
    let iso = iso(day);
    match &formats(language).dates {
        Dates::Gregorian(date, _) => date.format(&iso.to_calendar(Gregorian)).to_string(),
        Dates::Buddhist(date, _) => date.format(&iso.to_calendar(Buddhist)).to_string(),
    }
}

/// A day and a time of day to the minute, such as "30 Nov 2026, 15:04". Its zone is the caller's, who says which.
pub fn moment(language: Language, moment: civil::DateTime) -> String {
    let (iso, time) = (iso(moment.date()), time(moment.time()));
    match &formats(language).dates {
        Dates::Gregorian(_, both) => {
            both.format(&DateTime { date: iso.to_calendar(Gregorian), time }).to_string()
        }
        Dates::Buddhist(_, both) => {
            both.format(&DateTime { date: iso.to_calendar(Buddhist), time }).to_string()
        }
    }
}

/// A time of day to the minute, such as "15:04".
pub fn clock(language: Language, of_day: civil::Time) -> String {
    formats(language).clock.format(&time(of_day)).to_string()
}

/// A whole number with the language's digits and separators.
pub fn number(language: Language, number: i64) -> String {
    formats(language).decimal.format(&Decimal::from(number)).to_string()
}

/// `units` over ten to the power of `digits`, with all of these digits: 1234 with 2 is "12.34".
pub fn decimal(language: Language, units: i64, digits: u8) -> String {
    let mut decimal = Decimal::from(units);
    decimal.multiply_pow10(-i16::from(digits));
    decimal.absolute.pad_end(-i16::from(digits));
    formats(language).decimal.format(&decimal).to_string()
}

/// The plural category of a number, as CLDR names it.
pub(crate) fn plural_category(language: Language, number: i64) -> &'static str {
    match formats(language).plurals.category_for(number.unsigned_abs()) {
        PluralCategory::Zero => "zero",
        PluralCategory::One => "one",
        PluralCategory::Two => "two",
        PluralCategory::Few => "few",
        PluralCategory::Many => "many",
        PluralCategory::Other => "other",
    }
}

fn iso(day: civil::Date) -> Date<icu_calendar::Iso> {
    let (month, number) = (day.month().unsigned_abs(), day.day().unsigned_abs());
    Date::try_new_iso(i32::from(day.year()), month, number).expect("jiff and ICU4X count days alike")
}

fn time(of_day: civil::Time) -> Time {
    let (hour, minute) = (of_day.hour().unsigned_abs(), of_day.minute().unsigned_abs());
    Time::try_new(hour, minute, 0, 0).expect("jiff and ICU4X count minutes alike")
}

/// Made once for each language in each thread: ICU4X's formatters stay in the thread that made them.
fn formats(language: Language) -> Rc<Formats> {
    thread_local! {
        static FORMATS: [OnceCell<Rc<Formats>>; Language::ALL.len()] =
            const { [const { OnceCell::new() }; Language::ALL.len()] };
    }
    FORMATS
        .with(|formats| Rc::clone(formats[language as usize].get_or_init(|| Rc::new(Formats::of(language)))))
}

impl Formats {
    fn of(language: Language) -> Formats {
        let locale: Locale = language.locale().parse().expect("a test makes each");
        let made = "the data of every locale is compiled in";
        let (day, both) = (YMD::medium(), YMD::medium().with_time_hm());
        let dates = if language == Language::Th {
            Dates::Buddhist(
                FixedCalendarDateTimeFormatter::try_new((&locale).into(), day).expect(made),
                FixedCalendarDateTimeFormatter::try_new((&locale).into(), both).expect(made),
            )
        } else {
            Dates::Gregorian(
                FixedCalendarDateTimeFormatter::try_new((&locale).into(), day).expect(made),
                FixedCalendarDateTimeFormatter::try_new((&locale).into(), both).expect(made),
            )
        };
        Formats {
            dates,
            clock: NoCalendarFormatter::try_new((&locale).into(), T::hm()).expect(made),
            decimal: DecimalFormatter::try_new((&locale).into(), DecimalFormatterOptions::default())
                .expect(made),
            plurals: PluralRules::try_new_cardinal((&locale).into()).expect(made),
        }
    }
}
