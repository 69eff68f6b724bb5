//! A holder's status as people write it into files: the columns of a CSV file, the keys of a TOML table.

use hufu_files::moment::Moment;
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
    pub(crate) fn read(&self) -> Result<Option<StatusWord>, String> {
        let Some(colour) = self.colour()? else { return Ok(None) };
        let mut word = StatusWord::new(colour, 0);
        if let Some(until) = minute("valid_until", self.valid_until)? {
            word = word.with_until(until);
        }
        let result = match self.test_result {
            "" | "none" => TestResult::None,
            "negative" => TestResult::Negative,
            "positive" => TestResult::Positive,
            "pending" => TestResult::Pending,
            _ => return Err("test_result must be none, negative, positive or pending".to_owned()),
        };
        match (result, minute("test_at", self.test_at)?) {
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

/// An instant of the file, never one that is counted from now: the file must say the same tomorrow.
fn minute(name: &str, text: &str) -> Result<Option<StatusMinute>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let absolute = text.starts_with(|c: char| c.is_ascii_digit());
    let instant = if absolute { text.parse().ok() } else { None };
    let Some(Moment(at)) = instant else {
        return Err(format!("{name} is not a time such as 2026-11-21, 2026-11-21T08:00Z or Unix seconds"));
    };
    let minute = StatusMinute::at(at);
    // Minute 0 is no time at all in a status word, and the last one is all that comes later.
    if minute.get() == 0 || minute == StatusMinute::MAX {
        return Err(format!("{name} must be between 2020 and 2051"));
    }
    Ok(Some(minute))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Colour, valid_until, test_at, test_result, doses.
    fn check(texts: [&str; 5], wanted: Result<Option<StatusWord>, &str>) {
        let [colour, valid_until, test_at, test_result, doses] = texts;
        match (WrittenStatus { colour, valid_until, test_at, test_result, doses }.read(), wanted) {
            (Ok(found), Ok(wanted)) => assert_eq!(found, wanted, "{texts:?}"),
            (Err(cause), Err(wanted)) => assert!(cause.contains(wanted), "{texts:?}: {cause}"),
            (found, _) => panic!("{texts:?}: {found:?}"),
        }
    }

    #[test]
    fn a_status_is_read_whole_or_refused_with_its_cause() {
        let minute = StatusMinute::at("2026-11-21T08:00Z".parse::<Moment>().unwrap().0);
        let [red, green] = [Colour::Red, Colour::Green].map(|colour| StatusWord::new(colour, 0));
        check(["", "", "", "", ""], Ok(None));
        check(["red", "", "", "none", ""], Ok(Some(red)));
        check(
            ["green", "2026-11-21T08:00Z", "1795248000", "negative", "3"],
            Ok(Some(green.with_until(minute).with_test(minute, TestResult::Negative).with_doses(3))),
        );
        check(["Red", "", "", "", ""], Err("must be green, amber or red"));
        check(["", "", "", "", "2"], Err("doses needs a colour"));
        check(["red", "+7d", "", "", ""], Err("valid_until is not a time"));
        check(["red", "2019-12-31", "", "", ""], Err("must be between 2020 and 2051"));
        check(["red", "2060-01-01", "", "", ""], Err("must be between 2020 and 2051"));
        check(["red", "", "2026-11-21", "", ""], Err("test_at needs a test_result"));
        check(["red", "", "", "positive", ""], Err("test_result needs test_at"));
        check(["red", "", "", "perhaps", ""], Err("test_result must be"));
        check(["red", "", "", "", "8"], Err("doses must be a number"));
    }
}
