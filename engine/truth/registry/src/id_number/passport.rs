//! Passports after ICAO 9303: the check digit of their number, and the two machine-readable lines that a reader gives.

use core::fmt;

use zeroize::{Zeroize as _, ZeroizeOnDrop, Zeroizing};

use super::{IdFault, IdNumber, document};

/// The kind of a passport.
pub(super) const KIND: &str = "passport";
/// Most characters of a number: as many as the machine-readable line has room for (ICAO 9303-4, 4.2.2).
const NUMBER_CHARS_MAX: usize = 9;
/// Characters of one machine-readable line of a passport (ICAO 9303-4, TD3).
const LINE: usize = 44;

/// A document as it was handed in: its number, and the name on it where that was read by a machine.
pub struct Document {
    /// The number.
    pub number: IdNumber,
    /// The name in the machine-readable lines: the surname, then given names, in Latin capitals.
    name: Option<String>,
}

impl Document {
    /// Reads what [`IdNumber::read`] does.
    ///
    /// # Errors
    /// [`IdFault`].
    pub fn read(text: &str) -> Result<Document, IdFault> {
        if text.contains('<') && !text.contains(':') {
            return lines(text);
        }
        Ok(Document { number: super::typed(text)?, name: None })
    }

    /// The name on the document, if a machine read it.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The name that somebody entered, or else the one on the document.
    #[must_use]
    pub fn called(&self, entered: String) -> String {
        match &self.name {
            Some(name) if entered.trim().is_empty() => name.clone(),
            _ => entered,
        }
    }
}

impl Drop for Document {
    fn drop(&mut self) {
        self.name.zeroize();
    }
}

impl ZeroizeOnDrop for Document {}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Document(not shown)")
    }
}

/// The number of `E12345678<2`, whose last character is a check digit.
pub(super) fn checked(text: &str) -> Result<&str, IdFault> {
    let Some((number, rest)) = text.split_once('<') else { return Ok(text) };
    let check = rest.trim_start_matches('<');
    if number.len() > NUMBER_CHARS_MAX {
        return Err(IdFault::PassportLength);
    }
    let filled = Zeroizing::new(format!("{number:<<NUMBER_CHARS_MAX$}"));
    match (check_digit(filled.as_bytes()), check.as_bytes()) {
        (Some(digit), [check]) if digit == *check => Ok(number),
        _ => Err(IdFault::PassportCheck),
    }
}

/// Whether a number can be a passport's that is registered now.
pub(super) fn check_new(number: &str) -> Result<(), IdFault> {
    if number.len() <= NUMBER_CHARS_MAX { Ok(()) } else { Err(IdFault::PassportLength) }
}

/// The check digit of ICAO 9303-3, 4.9: weights 7, 3, 1, modulo 10; `None` when a character has no value.
fn check_digit(bytes: &[u8]) -> Option<u8> {
    let mut sum = 0;
    for (byte, weight) in bytes.iter().zip([7, 3, 1].into_iter().cycle()) {
        let value = match byte.to_ascii_uppercase() {
            digit @ b'0'..=b'9' => digit - b'0',
            letter @ b'A'..=b'Z' => letter - b'A' + 10,
            b'<' => 0,
            _ => return None,
        };
        sum = (sum + u32::from(value) * weight) % 10;
    }
    Some(b'0' + u8::try_from(sum).ok()?)
}

/// Reads two machine-readable lines, however they are broken.
fn lines(text: &str) -> Result<Document, IdFault> {
    let mut both = Zeroizing::new(String::with_capacity(text.len()));
    both.extend(text.chars().filter(|char| !char.is_whitespace()));
    both.make_ascii_uppercase();
    if both.len() != 2 * LINE || !both.is_ascii() || !both.starts_with('P') {
        return Err(IdFault::Lines);
    }
    let (first, second) = both.split_at(LINE);
    for (part, from, to) in [("number", 0, 9), ("date of birth", 13, 19), ("date of expiry", 21, 27)] {
        check_part(part, &second.as_bytes()[from..to], second.as_bytes()[to])?;
    }
    let bytes = second.as_bytes();
    // It may be left out with the optional data that it is for.
    let is_without = bytes[28..43].iter().all(|byte| *byte == b'<');
    if !is_without {
        check_part("optional data", &bytes[28..42], bytes[42])?;
    }
    let whole = Zeroizing::new([&bytes[..10], &bytes[13..20], &bytes[21..43]].concat());
    check_part("second line", &whole, bytes[43])?;
    let name = name(&first[5..])?;
    let number = second[..9].trim_end_matches('<');
    let number = Zeroizing::new(format!("{}:{number}", &first[2..5]));
    Ok(Document { number: document::read(KIND, &number)?, name: Some(name) })
}

fn check_part(part: &'static str, bytes: &[u8], check: u8) -> Result<(), IdFault> {
    match check_digit(bytes) {
        None => Err(IdFault::LineCharacter(part)),
        Some(digit) if digit == check => Ok(()),
        Some(_) => Err(IdFault::LineCheck(part)),
    }
}

/// ICAO 9303-4, 4.2.2: the primary identifier, `<<`, the secondary one; `<` stands between the words of each.
fn name(field: &str) -> Result<String, IdFault> {
    let field = field.trim_end_matches('<');
    if field.is_empty() || !field.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'<') {
        return Err(IdFault::LineCharacter("name"));
    }
    let mut name = String::with_capacity(field.len());
    for word in field.split('<').filter(|word| !word.is_empty()) {
        if !name.is_empty() {
            name.push(' ');
        }
        name.push_str(word);
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The specimen of ICAO 9303-4, appendix B, with a state that exists: the state has no check digit.
    const FIRST: &str = "P<SWEERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<";
    const SECOND: &str = "L898902C36UTO7408122F1204159ZE184226B<<<<<10";

    fn number(text: &str) -> Result<String, IdFault> {
        Document::read(text).map(|document| document.number.as_str().to_owned())
    }

    #[test]
    fn r47_a_passport_s_lines_give_state_number_and_name() {
        for text in [
            format!("{FIRST}\n{SECOND}"),
            format!("{FIRST}{SECOND}").to_lowercase(),
            format!(" {FIRST}\r\n {SECOND} "),
        ] {
            let document = Document::read(&text).unwrap();
            assert_eq!(document.number.as_str(), "passport:SWE:L898902C3");
            assert_eq!(document.name(), Some("ERIKSSON ANNA MARIA"));
            assert_eq!(document.called(String::new()), "ERIKSSON ANNA MARIA");
            assert_eq!(document.called("安娜".into()), "安娜");
        }
        let without_data = "L898902C36UTO7408122F1204159<<<<<<<<<<<<<<<8";
        assert!(number(&format!("{FIRST}{without_data}")).is_ok());
    }

    #[test]
    fn r47_each_part_of_the_lines_is_checked_and_named() {
        let altered = |at: usize, byte: u8| {
            let mut second = SECOND.as_bytes().to_vec();
            second[at] = byte;
            number(&format!("{FIRST}{}", String::from_utf8(second).unwrap())).err()
        };
        assert_eq!(altered(1, b'7'), Some(IdFault::LineCheck("number")));
        assert_eq!(altered(14, b'5'), Some(IdFault::LineCheck("date of birth")));
        assert_eq!(altered(22, b'3'), Some(IdFault::LineCheck("date of expiry")));
        assert_eq!(altered(30, b'2'), Some(IdFault::LineCheck("optional data")));
        assert_eq!(altered(43, b'1'), Some(IdFault::LineCheck("second line")));
        assert_eq!(altered(2, b'*'), Some(IdFault::LineCharacter("number")));
        assert_eq!(number(&format!("{FIRST}{}", &SECOND[..43])).err(), Some(IdFault::Lines));
        assert_eq!(number(&format!("I{}{SECOND}", &FIRST[1..])).err(), Some(IdFault::Lines));
        let nowhere = FIRST.replace("SWE", "UTO");
        assert_eq!(number(&format!("{nowhere}{SECOND}")).err(), Some(IdFault::State));
        let digits = FIRST.replace("ANNA", "4NNA");
        assert_eq!(number(&format!("{digits}{SECOND}")).err(), Some(IdFault::LineCharacter("name")));
    }

    #[test]
    fn r47_a_passport_s_number_may_come_with_its_check_digit() {
        assert_eq!(number("passport:SWE:L898902C3<6").as_deref(), Ok("passport:SWE:L898902C3"));
        assert_eq!(number("passport:l898902c3<6").as_deref(), Ok("passport:L898902C3"));
        assert_eq!(number("passport:SWE:D23145890<7").as_deref(), Ok("passport:SWE:D23145890"));
        assert_eq!(number("passport:SWE:AB2134<5").as_deref(), Ok("passport:SWE:AB2134"), "filled up");
        assert_eq!(number("passport:SWE:AB2134<<<5").as_deref(), Ok("passport:SWE:AB2134"));
        assert_eq!(number("passport:SWE:AB2134<").err(), Some(IdFault::PassportCheck));
        assert_eq!(number("passport:SWE:AB2134<55").err(), Some(IdFault::PassportCheck));
        assert_eq!(number("passport:SWE:L898902C31<6").err(), Some(IdFault::PassportLength));
        assert_eq!(number("other:L898902C3<6").err(), Some(IdFault::Form), "only of a passport");
    }

    #[test]
    fn r47_what_icao_9303_promises_is_refused() {
        // Weights 7, 3 and 1 find every wrong digit, and every swap of neighbours whose values do not differ by 5.
        let good = "L898902C3";
        let with = |number: &[u8]| checked(&format!("{}<6", String::from_utf8_lossy(number))).is_ok();
        assert!(with(good.as_bytes()));
        for at in 0..good.len() {
            for digit in b'0'..=b'9' {
                let mut wrong = good.as_bytes().to_vec();
                if wrong[at].is_ascii_digit() && wrong[at] != digit {
                    wrong[at] = digit;
                    assert!(!with(&wrong), "{at} {digit}");
                }
            }
        }
        for at in 0..good.len() - 1 {
            let mut swapped = good.as_bytes().to_vec();
            swapped.swap(at, at + 1);
            let values = [at, at + 1].map(|at| char::from(good.as_bytes()[at]).to_digit(36).unwrap());
            assert_eq!(with(&swapped), values[0].abs_diff(values[1]) % 5 == 0, "{at}");
        }
    }
}
