//! Id numbers: of residents after GB 11643-1999, of others with the kind of their document.

use core::fmt;

use hufu_wire::UnixSeconds;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, ZeroizeOnDrop, Zeroizing};

use crate::state;

/// An id number in its one spelling: `11010519491231002X`, `passport:USA:E12345678`, or `passport:E12345678` when
/// nothing says which state issued it. Wiped when dropped, never printed.
#[derive(Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct IdNumber(String);

/// What is wrong with an id number. It does not say the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdFault {
    /// Neither of the two forms.
    #[error(
        "18 characters of a resident's number, or the kind of the document and its number, like passport:E12345678"
    )]
    Form,
    /// The last character does not follow from the others.
    #[error("the check character is wrong: a digit is wrong or two are swapped")]
    Check,
    /// A resident's number with the kind of a document before it: the same person would be registered twice.
    #[error("it is a resident's number: leave out the kind before it")]
    Kind,
    /// What stands where the issuing state stands is no state.
    #[error(
        "the issuing state must be a code of three letters (ISO 3166-1, ICAO 9303), like passport:USA:E12345678"
    )]
    State,
    /// The date of birth in it is no date.
    #[error("it has a date of birth that does not exist")]
    Birth,
    /// The date of birth in it has not come.
    #[error("it has a date of birth in the future")]
    Unborn,
    /// Its first two digits are no province's.
    #[error("its first two digits are those of no province")]
    Region,
    /// A resident's number of before 1999.
    #[error("it has 15 digits, as before 1999; write the number with 18 digits")]
    Old,
    /// A spreadsheet kept it as a number.
    #[error(
        "its last digits are lost: a spreadsheet took it for a number; format the column as text and enter it again"
    )]
    Rounded,
    /// Another document's number with brackets.
    #[error("leave out the brackets: hkid:A1234567 for A123456(7)")]
    Brackets,
}

/// GB 11643-1999, 6.2: the weights of the first seventeen digits.
const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
/// The same: the check character by the weighted sum modulo 11.
const CHECKS: &[u8; 11] = b"10X98765432";

impl IdNumber {
    /// Reads a number as somebody wrote it: spaces around it, lower case letters and a document's hyphens are mended.
    ///
    /// # Errors
    /// [`IdFault`].
    pub fn read(text: &str) -> Result<IdNumber, IdFault> {
        let text = text.trim();
        match text.split_once(':') {
            Some((kind, number)) => other(kind, number),
            None => resident(text),
        }
    }

    /// The one spelling.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether its last three digits are zeroes, which is what a spreadsheet makes of a resident's number that it takes
    /// for a number. Few people have such a number, and a table with one is mostly wrong.
    pub fn may_be_rounded(&self) -> bool {
        self.0.len() == ROUNDED_DIGITS && self.0.ends_with("000") && !self.0.contains(':')
    }

    /// Whether somebody can have it who is registered `now`: numbers of before this check stay readable.
    ///
    /// # Errors
    /// [`IdFault::Region`], [`IdFault::Unborn`].
    pub fn check_new(&self, now: UnixSeconds) -> Result<(), IdFault> {
        let number = |digits: Option<&str>| digits.and_then(|digits| digits.parse::<u32>().ok());
        let (Some(region), Some(birth)) = (number(self.0.get(..2)), number(self.0.get(6..14))) else {
            return Ok(());
        };
        if !is_region(region) {
            return Err(IdFault::Region);
        }
        // It is tomorrow already in parts of the world.
        let tomorrow = Timestamp::from_second(i64::from(now.0) + 86_400).unwrap_or(Timestamp::MAX);
        let latest = TimeZone::UTC.to_datetime(tomorrow).strftime("%Y%m%d").to_string();
        if Some(birth) > number(Some(&latest)) { Err(IdFault::Unborn) } else { Ok(()) }
    }

    /// The date of birth that a resident's number says; `None` of other documents.
    pub fn born(&self) -> Option<Date> {
        let digits = |from: usize, to: usize| self.0.get(from..to)?.parse::<i16>().ok();
        if self.0.contains(':') {
            return None;
        }
        let [month, day] = [digits(10, 12)?, digits(12, 14)?].map(i8::try_from);
        Date::new(digits(6, 10)?, month.ok()?, day.ok()?).ok()
    }

    /// Without the kind of the document and the state that issued it.
    pub fn bare(&self) -> &str {
        self.0.rsplit_once(':').map_or(&self.0, |(_, number)| number)
    }

    /// Of a document with its issuing state, the number as it is without the state: several people may have that one.
    pub fn without_state(&self) -> Option<IdNumber> {
        let (kind, rest) = self.0.split_once(':')?;
        let (_, number) = rest.split_once(':')?;
        Some(IdNumber(format!("{kind}:{number}")))
    }

    /// Whether it is a document's number that does not say which state issued it.
    pub fn lacks_state(&self) -> bool {
        self.0.contains(':') && self.without_state().is_none()
    }
}

/// Digits of a resident's number.
const ROUNDED_DIGITS: usize = 18;

fn resident(text: &str) -> Result<IdNumber, IdFault> {
    let Ok(bytes) = <&[u8; 18]>::try_from(text.as_bytes()) else { return Err(not_18(text)) };
    let (digits, check) = (&bytes[..17], bytes[17].to_ascii_uppercase());
    if !digits.iter().all(u8::is_ascii_digit) || !(check.is_ascii_digit() || check == b'X') {
        return Err(IdFault::Form);
    }
    let digit = |at: usize| u32::from(digits[at] - b'0');
    let sum: u32 = WEIGHTS.iter().enumerate().map(|(at, weight)| weight * digit(at)).sum();
    if CHECKS[(sum % 11) as usize] != check {
        return Err(if text.ends_with("000") { IdFault::Rounded } else { IdFault::Check });
    }
    let number = |from: usize, to: usize| (from..to).fold(0, |number, at| number * 10 + digit(at));
    if !is_date(number(6, 10), number(10, 12), number(12, 14)) {
        return Err(IdFault::Birth);
    }
    Ok(IdNumber(text.to_ascii_uppercase()))
}

/// What is wrong with a number that has not 18 characters.
fn not_18(text: &str) -> IdFault {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    // 3.20101E+17
    let exponent = text.split_once(['E', 'e']).is_some_and(|(front, power)| {
        front.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && power.starts_with('+')
    });
    match text.len() {
        15 if digits => IdFault::Old,
        _ if exponent => IdFault::Rounded,
        _ => IdFault::Form,
    }
}

/// GB/T 2260: provinces, and 91 to 98 of foreigners with a permanent residence.
fn is_region(number: u32) -> bool {
    matches!(number, 11..=15 | 21..=23 | 31..=37 | 41..=46 | 50..=54 | 61..=65 | 71 | 81..=83 | 91..=98)
}

fn other(kind: &str, rest: &str) -> Result<IdNumber, IdFault> {
    if rest.contains(['(', ')', '（', '）']) {
        return Err(IdFault::Brackets);
    }
    let (state, number) = match rest.split_once(':') {
        Some((state, number)) => (state::state(state.trim()).ok_or(IdFault::State)?, number),
        None => ("", rest),
    };
    let kind_fits = (2..=16).contains(&kind.len()) && kind.bytes().all(|byte| byte.is_ascii_alphabetic());
    // Some write them and some do not, and it is the same document.
    let number = Zeroizing::new(number.replace('-', ""));
    let number_fits =
        (4..=32).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !kind_fits || !number_fits {
        return Err(IdFault::Form);
    }
    if resident(&number).is_ok() {
        return Err(IdFault::Kind);
    }
    let colon = if state.is_empty() { "" } else { ":" };
    Ok(IdNumber(format!("{}:{state}{colon}{}", kind.to_ascii_lowercase(), number.to_ascii_uppercase())))
}

fn is_date(year: u32, month: u32, day: u32) -> bool {
    let leap = year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => return false,
    };
    (1800..2100).contains(&year) && (1..=days).contains(&day)
}

impl TryFrom<String> for IdNumber {
    type Error = IdFault;

    fn try_from(mut text: String) -> Result<IdNumber, IdFault> {
        let number = IdNumber::read(&text);
        text.zeroize();
        number
    }
}

impl From<IdNumber> for String {
    fn from(number: IdNumber) -> String {
        number.0.clone()
    }
}

impl Drop for IdNumber {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl ZeroizeOnDrop for IdNumber {}

impl fmt::Debug for IdNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdNumber(not shown)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(case: &str, text: &str, read: Result<&str, IdFault>) {
        let found = IdNumber::read(text);
        assert_eq!(found.as_ref().map(IdNumber::as_str).map_err(|fault| *fault), read, "{case}");
    }

    #[test]
    fn a_resident_s_number_is_checked_and_others_name_their_document() {
        check("the standard's first example", "11010519491231002X", Ok("11010519491231002X"));
        check("the standard's second example", "440524188001010014", Ok("440524188001010014"));
        check("lower case, spaces around", " 11010519491231002x ", Ok("11010519491231002X"));
        check("another check character", "110105194912310021", Err(IdFault::Check));
        check("one digit wrong", "11010519491231012X", Err(IdFault::Check));
        check("two digits swapped", "11010519492131002X", Err(IdFault::Check));
        check("a letter", "1101051949123100AX", Err(IdFault::Form));
        check("too short", "11010519491231002", Err(IdFault::Form));
        check("not ASCII", "１1010519491231002X", Err(IdFault::Form));
        check("a passport", "Passport:e12345678", Ok("passport:E12345678"));
        check("hyphens", "passport:e-1234-5678", Ok("passport:E12345678"));
        check("nothing but hyphens", "passport:----", Err(IdFault::Form));
        check("a resident's number as a document", "id:11010519491231002x", Err(IdFault::Kind));
        check("the same with hyphens", "id:110105-19491231-002X", Err(IdFault::Kind));
        check("nothing but a kind", "passport:", Err(IdFault::Form));
        check("no kind", ":E12345678", Err(IdFault::Form));
        check("empty", "", Err(IdFault::Form));
    }

    #[test]
    fn r47_each_kind_of_slip_has_a_message_of_its_own() {
        check("an old number", "110105491231002", Err(IdFault::Old));
        check("rounded by a spreadsheet", "110105194912310000", Err(IdFault::Rounded));
        check("as a spreadsheet shows it", "1.10105E+17", Err(IdFault::Rounded));
        check("no province", "990105194912310023", Ok("990105194912310023"));
        check("brackets", "hkid:A123456(7)", Err(IdFault::Brackets));
        check("wide brackets", "hkid:A123456（7）", Err(IdFault::Brackets));
        let read = |text| IdNumber::read(text).unwrap();
        assert!(read("320101198007013000").may_be_rounded(), "its check character is right by chance");
        assert!(!read("11010519491231002X").may_be_rounded());
        assert!(!read("passport:E0000000000").may_be_rounded());
    }

    #[test]
    fn r47_who_is_not_born_has_no_number() {
        let unborn = IdNumber::read("320101209801010019").unwrap();
        let at = |now| unborn.check_new(UnixSeconds(now));
        assert_eq!(at(1_795_219_200), Err(IdFault::Unborn));
        // 2098-01-01 is 4039372800.
        assert_eq!((at(4_039_372_800 - 86_401), at(4_039_372_800 - 86_400)), (Err(IdFault::Unborn), Ok(())));
        let passport = IdNumber::read("passport:E12999912310000").unwrap();
        assert_eq!(passport.check_new(UnixSeconds(0)), Ok(()));
        let nowhere = IdNumber::read("990105194912310023").unwrap();
        assert_eq!(nowhere.check_new(UnixSeconds(1_795_219_200)), Err(IdFault::Region));
    }

    #[test]
    fn r47_a_document_carries_the_state_that_issued_it() {
        check("as ICAO 9303 writes it", "Passport:usa:e-1234 5678", Err(IdFault::Form));
        check("hyphens", "Passport:usa:e-1234-5678", Ok("passport:USA:E12345678"));
        check("Germany in the machine-readable zone", "passport:D<<:C01X00T47", Ok("passport:DEU:C01X00T47"));
        check("no such state", "passport:UAS:E12345678", Err(IdFault::State));
        check("two letters", "passport:US:E12345678", Err(IdFault::State));
        check("no state", "passport::E12345678", Err(IdFault::State));
        check("a resident's number", "id:CHN:11010519491231002x", Err(IdFault::Kind));
        let [stated, bare] = ["passport:USA:E12345678", "passport:E12345678"];
        let [stated, bare, resident] =
            [stated, bare, "11010519491231002X"].map(|text| IdNumber::read(text).unwrap());
        assert_eq!(stated.without_state(), Some(bare.clone()));
        assert_eq!((bare.without_state(), resident.without_state()), (None, None));
        assert_eq!([&stated, &bare, &resident].map(IdNumber::lacks_state), [false, true, false]);
        assert_eq!((stated.bare(), bare.bare()), ("E12345678", "E12345678"));
    }

    #[test]
    fn a_birth_that_was_not_is_refused() {
        let numbered = |front: &str| {
            let sum: u32 =
                front.bytes().zip(WEIGHTS).map(|(byte, weight)| u32::from(byte - b'0') * weight).sum();
            format!("{front}{}", char::from(CHECKS[(sum % 11) as usize]))
        };
        let check_birth = |birth: &str, is: bool| {
            let found = IdNumber::read(&numbered(&format!("110105{birth}002")));
            assert_eq!(found.err(), (!is).then_some(IdFault::Birth), "{birth}");
        };
        check_birth("20000229", true);
        check_birth("19000229", false);
        check_birth("20230431", false);
        check_birth("20231301", false);
        check_birth("20230100", false);
    }
}
