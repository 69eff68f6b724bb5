//! A holder's status as people write it into files: the columns of a CSV file, the keys of a TOML table.

use hufu_files::moment::{Clock, Moment};
use hufu_wire::{Colour, StatusMinute, StatusWord, TestResult};

/// The texts of one status; what is not said is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct WrittenStatus<'t> {
    /// `green`, `amber` or `red`.
    pub(crate) colour: &'t str,
    /// When the colour expires.
    pub(crate) valid_until: &'t str,
    /// When the last test was taken.
    pub(crate) test_at: &'t str,
    /// `none`, `negative`, `positive` or `pending`.
    pub(crate) test_result: &'t str,
    /// 0 to 7.
    pub(crate) doses: &'t str,
}

impl WrittenStatus<'_> {
    /// The word, of generation 0; none when nothing is said at all.
    ///
    /// # Errors
    /// The cause, for the person who corrects the file.
    pub(crate) fn read(&self, clock: &Clock) -> Result<Option<StatusWord>, String> {
        let Some(colour) = self.colour()? else { return Ok(None) };
        let mut word = StatusWord::new(colour, 0);
        if let Some(until) = minute("valid_until", self.valid_until, |moment| clock.colour_end(moment))? {
            word = word.with_until(until);
        }
        let result = match self.test_result {
            "" | "none" => TestResult::None,
            "negative" => TestResult::Negative,
            "positive" => TestResult::Positive,
            "pending" => TestResult::Pending,
            _ => return Err("test_result must be none, negative, positive or pending".to_owned()),
        };
        match (result, minute("test_at", self.test_at, |moment| clock.test(moment))?) {
            (TestResult::None, None) => {}
            (TestResult::None, Some(_)) => return Err("test_at needs a test_result".to_owned()),
            (_, None) => return Err("test_result needs test_at".to_owned()),
            (result, Some(at)) => word = word.with_test(at, result),
        }
        match self.doses {
            "" => {}
            doses => match doses.parse::<u8>() {
                Ok(doses @ 0..=7) => word = word.with_doses(doses),
                _ => return Err("doses must be a number from 0 to 7".to_owned()),
            },
        }
        Ok(Some(word))
    }

    fn colour(&self) -> Result<Option<Colour>, String> {
        match self.colour {
            "green" => Ok(Some(Colour::Green)),
            "amber" => Ok(Some(Colour::Amber)),
            "red" => Ok(Some(Colour::Red)),
            "" => {
                let rest = [
                    ("valid_until", self.valid_until),
                    ("test_at", self.test_at),
                    ("test_result", self.test_result),
                    ("doses", self.doses),
                ];
                match rest.into_iter().find(|(_, text)| !text.is_empty()) {
                    Some((name, _)) => Err(format!("{name} needs a colour")),
                    None => Ok(None),
                }
            }
            _ => Err("colour must be green, amber or red".to_owned()),
        }
    }
}

fn minute(
    name: &str,
    text: &str,
    read: impl FnOnce(Moment) -> anyhow::Result<StatusMinute>,
) -> Result<Option<StatusMinute>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().and_then(read).map(Some).map_err(|error| format!("{name}: {error:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_wire::UnixSeconds;

    /// 2026-11-21T12:00Z, in China.
    fn clock() -> Clock {
        Clock::here().at(UnixSeconds(1_795_262_400)).with_zone("Asia/Shanghai".parse().unwrap())
    }

    /// Colour, valid_until, test_at, test_result, doses.
    fn check(texts: [&str; 5], wanted: Result<Option<StatusWord>, &str>) {
        let [colour, valid_until, test_at, test_result, doses] = texts;
        let written = WrittenStatus { colour, valid_until, test_at, test_result, doses };
        match (written.read(&clock()), wanted) {
            (Ok(found), Ok(wanted)) => assert_eq!(found, wanted, "{texts:?}"),
            (Err(cause), Err(wanted)) => assert!(cause.contains(wanted), "{texts:?}: {cause}"),
            (found, _) => panic!("{texts:?}: {found:?}"),
        }
    }

    #[test]
    fn a_status_is_read_whole_or_refused_with_its_cause() {
        let at = |text: &str| StatusMinute::at(clock().any(text.parse().unwrap()).unwrap()).unwrap();
        let [red, green] = [Colour::Red, Colour::Green].map(|colour| StatusWord::new(colour, 0));
        check(["", "", "", "", ""], Ok(None));
        check(["red", "", "", "none", ""], Ok(Some(red)));
        let tested = green.with_test(at("2026-11-21T08:00Z"), TestResult::Negative).with_doses(3);
        check(["green", "", "@1795248000", "negative", "3"], Ok(Some(tested)));
        check(["green", "", "2026-11-21 16:00", "negative", "3"], Ok(Some(tested)));
        check(["red", "2026-12-24", "", "", ""], Ok(Some(red.with_until(at("2026-12-23T16:00Z")))));
        check(["red", "+14d", "", "", ""], Ok(Some(red.with_until(at("2026-12-05T12:00Z")))));
        check(["Red", "", "", "", ""], Err("must be green, amber or red"));
        check(["", "", "", "", "2"], Err("doses needs a colour"));
        check(["red", "7d", "", "", ""], Err("valid_until: write now"));
        check(["red", "20261224", "", "", ""], Err("valid_until: a bare number is no time"));
        check(
            ["red", "2016-12-01", "", "", ""],
            Err("valid_until: 2016-12-01T00:00:00+08:00 is in the past"),
        );
        check(["red", "-14d", "", "", ""], Err("in the past"));
        check(["red", "2060-01-01", "", "", ""], Err("too late"));
        check(
            ["red", "", "2030-01-01", "negative", ""],
            Err("test_at: 2030-01-01T00:00:00+08:00 is in the future"),
        );
        check(["red", "", "2026-11-21", "", ""], Err("test_at needs a test_result"));
        check(["red", "", "", "positive", ""], Err("test_result needs test_at"));
        check(["red", "", "", "perhaps", ""], Err("test_result must be"));
        check(["red", "", "", "", "8"], Err("doses must be a number"));
    }
}
