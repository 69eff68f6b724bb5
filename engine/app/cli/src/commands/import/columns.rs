//! What a line of a population says: its columns, and what is made of them.

use hufu_files::moment::Clock;
use hufu_sheets::{Column, GROUP, ID_NUMBER, NAME, optional, required};
use hufu_wire::StatusWord;
use hufu_wire::text::is_hidden;

use crate::kept::Kept;
use crate::written::WrittenStatus;

/// The columns of a population: those of [`Fields`], and the group, which only a list of names repeats.
pub(super) const COLUMNS: [Column; 9] = [
    required("name", NAME),
    required("id_number", ID_NUMBER),
    optional("phone", &["手机号", "手机号码"]),
    optional("colour", &[]),
    optional("valid_until", &[]),
    optional("test_at", &[]),
    optional("test_result", &[]),
    optional("doses", &[]),
    optional("group", GROUP),
];

/// The text of a line's columns without the group; what is missing is empty.
pub(super) type Fields<'f> = [&'f str; COLUMNS.len() - 1];

/// A person as the registry takes one, with the status that the file gives, if it gives any.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Person<'f> {
    pub(super) name: &'f str,
    pub(super) id_number: &'f str,
    pub(super) phone: Option<&'f str>,
    pub(super) status: Option<StatusWord>,
    pub(super) kept: Kept,
}

impl<'f> Person<'f> {
    /// Makes sense of a line.
    ///
    /// # Errors
    /// The cause, for the person who corrects the file. It repeats nothing of the line: names and numbers stay there.
    pub(super) fn read(fields: &Fields<'f>, clock: &Clock) -> Result<Person<'f>, String> {
        let [name, id_number, phone, colour, valid_until, test_at, test_result, doses] = *fields;
        // A passport's machine-readable lines have the name in them.
        let has_name = !name.is_empty() || id_number.contains('<');
        for (what, is_there) in [("name", has_name), ("id_number", !id_number.is_empty())] {
            if !is_there {
                return Err(format!("{what} is empty"));
            }
        }
        for (what, text) in [("name", name), ("id_number", id_number), ("phone", phone)] {
            if text.chars().any(is_hidden) {
                return Err(format!("{what} has control characters, or others that are not seen"));
            }
        }
        if name.contains(is_garbled) {
            return Err("name is garbled: it was written or read in a wrong encoding".to_owned());
        }
        let phone = (!phone.is_empty()).then_some(phone);
        let status = WrittenStatus { colour, valid_until, test_at, test_result, doses };
        let kept = Kept { test: test_result.is_empty(), doses: doses.is_empty() };
        Ok(Person { name, id_number, phone, status: status.read(clock)?, kept })
    }
}

/// What no name has, but a name has that was read in a wrong encoding: 陈一 as é™ˆä¸€.
const fn is_garbled(char: char) -> bool {
    matches!(char, '\u{fffd}' | '\u{a1}'..='\u{a9}' | '\u{ab}'..='\u{b3}' | '\u{b5}' | '\u{b6}' | '\u{b8}' | '\u{b9}'
        | '\u{bb}'..='\u{bf}' | '€' | '™' | '†' | '‡' | 'ˆ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_taken_whole_or_refused_with_its_cause() {
        let red = Some(StatusWord::new(hufu_wire::Colour::Red, 0));
        let check = |line: Fields<'_>, wanted: Result<Option<StatusWord>, &str>| {
            let found = Person::read(&line, &Clock::here()).map(|person| person.status);
            match (found, wanted) {
                (Err(cause), Err(wanted)) => assert!(cause.starts_with(wanted), "{line:?}: {cause}"),
                (found, wanted) => assert_eq!(found, wanted.map_err(str::to_owned), "{line:?}"),
            }
        };
        check(["Li", "P:1", "", "", "", "", "", ""], Ok(None));
        check(["Li", "P:1", "139", "red", "", "", "", ""], Ok(red));
        check(["", "P:1", "", "red", "", "", "", ""], Err("name is empty"));
        check(["Li", "", "", "red", "", "", "", ""], Err("id_number is empty"));
        check(["L\u{7}i", "P:1", "", "red", "", "", "", ""], Err("name has control characters"));
        check(["\u{202e}Li", "P:1", "", "red", "", "", "", ""], Err("name has control characters"));
        check(["L\u{200b}i", "P:1", "", "red", "", "", "", ""], Err("name has control characters"));
        check(["é™ˆä¸€", "P:1", "", "red", "", "", "", ""], Err("name is garbled"));
        check(["L\u{fffd}", "P:1", "", "red", "", "", "", ""], Err("name is garbled"));
        check(["阿依古丽·买买提", "P:1", "", "red", "", "", "", ""], Ok(red));
        check(["D´Angelo Muñoz", "P:1", "", "red", "", "", "", ""], Ok(red));
        check(["Li", "P:1", "", "", "", "", "", "2"], Err("doses needs a colour"));
    }
}
