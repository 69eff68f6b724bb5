//! Figures as the reader's language writes them.

use std::borrow::Borrow;
use std::time::Duration;

use hufu_texts::{Arg, Language, decimal, number, say};

/// The language of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Words(pub(crate) Language);

/// A count of any width, also one that a template lends.
pub(crate) trait Whole {
    /// As it is written.
    fn whole(&self) -> u64;
}

impl Whole for u64 {
    fn whole(&self) -> u64 {
        *self
    }
}

impl Whole for u32 {
    fn whole(&self) -> u64 {
        u64::from(*self)
    }
}

impl Whole for usize {
    fn whole(&self) -> u64 {
        *self as u64
    }
}

impl<T: Whole> Whole for &T {
    fn whole(&self) -> u64 {
        (*self).whole()
    }
}

/// What stands for a figure that is not known.
const NONE: &str = "–";

impl Words {
    /// A sentence.
    pub(crate) fn say(self, id: &str) -> String {
        say(self.0, id, &[])
    }

    /// A sentence with arguments.
    pub(crate) fn with(self, id: &str, args: &[(&str, Arg<'_>)]) -> String {
        say(self.0, id, args)
    }

    /// A sentence with a length of time.
    pub(crate) fn timed(self, id: &str, lasts: impl Borrow<Duration>) -> String {
        self.with(id, &[("time", Arg::Text(&self.lasts(lasts)))])
    }

    /// A sentence with a count.
    pub(crate) fn counted(self, id: &str, count: impl Whole) -> String {
        self.with(id, &[("count", count.whole().into())])
    }

    /// A whole number.
    pub(crate) fn count(self, count: impl Whole) -> String {
        number(self.0, i64::try_from(count.whole()).unwrap_or(i64::MAX))
    }

    /// Verdicts a second: with one digit after the point below ten.
    #[expect(clippy::cast_possible_truncation, reason = "rates are far below 2^53")]
    pub(crate) fn rate(self, rate: Option<f64>) -> String {
        match rate {
            None => NONE.to_owned(),
            Some(rate) if rate > 0.0 && rate < 10.0 => decimal(self.0, (rate * 10.0).round() as i64, 1),
            Some(rate) => number(self.0, rate.round() as i64),
        }
    }

    /// How long an answer took.
    #[expect(clippy::cast_possible_truncation, reason = "times are far below 2^53 microseconds")]
    pub(crate) fn took(self, took_s: Option<f64>) -> String {
        let Some(took_s) = took_s else { return NONE.to_owned() };
        let us = (took_s * 1e6).round() as i64;
        let (value, unit) = match us {
            0..1000 => (number(self.0, us), "console-us"),
            1000..100_000 => (decimal(self.0, us / 100, 1), "console-ms"),
            _ => (number(self.0, us / 1000), "console-ms"),
        };
        self.with(unit, &[("n", Arg::Text(&value))])
    }

    /// A share of a whole, in hundredths.
    pub(crate) fn share(self, part: impl Whole, whole: impl Whole) -> String {
        let mille = part.whole().saturating_mul(1000).checked_div(whole.whole()).unwrap_or(0);
        let value = decimal(self.0, i64::try_from(mille).unwrap_or(0), 1);
        self.with("console-percent", &[("n", Arg::Text(&value))])
    }

    /// A length of time, in its largest unit of which there are two.
    pub(crate) fn lasts(self, lasts: impl Borrow<Duration>) -> String {
        let s = lasts.borrow().as_secs();
        let (value, unit) = match s {
            0..120 => (s, "console-s"),
            120..7_200 => (s / 60, "console-min"),
            7_200..172_800 => (s / 3600, "console-h"),
            _ => (s / 86_400, "console-d"),
        };
        self.with(unit, &[("n", Arg::Text(&self.count(value)))])
    }

    /// Seconds, as a length of time.
    pub(crate) fn seconds(self, s: u64) -> String {
        self.lasts(Duration::from_secs(s))
    }

    /// An age in seconds; tenths count below ten.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "ages are positive and far below 2^53"
    )]
    pub(crate) fn age(self, age_s: impl Borrow<Option<f64>>) -> String {
        match *age_s.borrow() {
            None => self.say("console-never"),
            Some(age_s) if age_s < 10.0 => {
                let value = decimal(self.0, (age_s.max(0.0) * 10.0).round() as i64, 1);
                self.with("console-s", &[("n", Arg::Text(&value))])
            }
            Some(age_s) => self.seconds(age_s as u64),
        }
    }

    /// The time that something has left.
    pub(crate) fn left(self, left_s: impl Borrow<Option<i64>>) -> String {
        match *left_s.borrow() {
            None => self.say("console-unread"),
            Some(left_s) => match u64::try_from(left_s) {
                Ok(left_s) if left_s > 0 => self.seconds(left_s),
                _ => self.say("console-over"),
            },
        }
    }

    /// A name, or the number where there is none.
    #[expect(clippy::unused_self, reason = "templates have no functions but those of what they are given")]
    pub(crate) fn name(self, name: &str, id: impl Borrow<u32>) -> String {
        if name.is_empty() { id.borrow().to_string() } else { name.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r61_figures_are_written_in_the_readers_language() {
        let (en, de) = (Words(Language::En), Words(Language::De));
        assert_eq!(
            (en.rate(Some(0.25)), en.rate(Some(1234.4)), en.rate(None)),
            ("0.3".into(), "1,234".into(), "–".into())
        );
        assert_eq!(de.rate(Some(1.5)), "1,5");
        assert_eq!([0.000_25, 0.0021, 0.25].map(|s| en.took(Some(s))), ["250 µs", "2.1 ms", "250 ms"]);
        assert_eq!([5, 600, 90_000, 900_000].map(|s| en.seconds(s)), ["5 s", "10 min", "25 h", "10 d"]);
        assert_eq!((en.left(Some(-5)), en.left(None)), (en.say("console-over"), en.say("console-unread")));
        assert_eq!((en.share(1_u64, 8_u64), en.share(0_u64, 0_u64)), ("12.5 %".into(), "0.0 %".into()));
        assert_eq!((en.age(Some(0.44)), en.age(None)), ("0.4 s".into(), en.say("console-never")));
    }
}
