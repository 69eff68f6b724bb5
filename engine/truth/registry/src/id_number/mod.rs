//! Id numbers: of residents after GB 11643-1999, of others with the kind of their document.

mod document;
mod fault;
mod passport;
mod resident;

use core::fmt;

use hufu_wire::UnixSeconds;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, ZeroizeOnDrop};

pub use fault::IdFault;
pub use passport::Document;

/// An id number in its one spelling: `11010519491231002X`, `passport:USA:E12345678`, or `passport:E12345678` when
/// nothing says which state issued it. Wiped when dropped, never printed.
#[derive(Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct IdNumber(String);

/// Who has seen the document that somebody is registered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The request does not say: a list, or the person themselves.
    Unsaid,
    /// A clerk had it in hand.
    ByClerk,
}

impl IdNumber {
    /// Reads a number as somebody wrote it, or the machine-readable lines of a passport as a reader gives them. Spaces
    /// around it, lower case letters and a document's hyphens count for nothing.
    ///
    /// # Errors
    /// [`IdFault`].
    pub fn read(text: &str) -> Result<IdNumber, IdFault> {
        Document::read(text).map(|document| document.number.clone())
    }

    /// The one spelling.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether its last three digits are zeroes, which is what a spreadsheet makes of a resident's number that it takes
    /// for a number. Few people have such a number, and a table with one is mostly wrong.
    pub fn may_be_rounded(&self) -> bool {
        self.0.len() == resident::CHARACTERS && self.0.ends_with("000") && !self.0.contains(':')
    }

    /// Whether somebody can have it who is registered `now`: numbers of before this check stay readable.
    ///
    /// # Errors
    /// [`IdFault`]: of a resident's number the region or the birth, of a known kind of document its form; of a military
    /// document that no clerk has `seen`, [`IdFault::Clerk`].
    pub fn check_new(&self, now: UnixSeconds, seen: Seen) -> Result<(), IdFault> {
        if let Some(kind) = self.kind() {
            return document::check_new(kind, self.bare(), seen);
        }
        resident::check_region(&self.0)?;
        // It is tomorrow already in parts of the world.
        let tomorrow = Timestamp::from_second(i64::from(now.0) + 86_400).unwrap_or(Timestamp::MAX);
        let latest = TimeZone::UTC.to_datetime(tomorrow).date();
        if self.birth().is_some_and(|birth| birth > latest) { Err(IdFault::Unborn) } else { Ok(()) }
    }

    /// The date of birth, which numbers of 18 characters say and those of other documents do not.
    pub fn birth(&self) -> Option<Date> {
        if self.kind().is_some() { None } else { resident::birth(&self.0) }
    }

    /// The kind of the document; none of a number of 18 characters.
    fn kind(&self) -> Option<&str> {
        self.0.split_once(':').map(|(kind, _)| kind)
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

    /// Whether it is a document's number that does not say which state issued it, though several may have.
    pub fn lacks_state(&self) -> bool {
        self.kind().is_some_and(|kind| !document::is_of_one_state(kind)) && self.without_state().is_none()
    }
}

/// Reads a number that somebody typed; no machine-readable lines.
fn typed(text: &str) -> Result<IdNumber, IdFault> {
    let text = text.trim();
    match text.split_once(':') {
        Some((kind, number)) => document::read(kind, number),
        None if document::looks_like_residence(text) => document::read(document::RESIDENCE, text),
        None => resident::read(text).map(IdNumber),
    }
}

impl TryFrom<String> for IdNumber {
    type Error = IdFault;

    fn try_from(mut text: String) -> Result<IdNumber, IdFault> {
        // As it was registered: a number that got another spelling here would not be found any more.
        let number = match text.split_once(':') {
            Some((kind, number)) => document::stored(kind, number),
            None => resident::read(&text).map(IdNumber),
        };
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
    use super::resident::{CHECKS, WEIGHTS};
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
        check("nothing but hyphens", "passport:----", Err(IdFault::Passport));
        check("a resident's number as a document", "id:11010519491231002x", Err(IdFault::Kind));
        check("the same with hyphens", "id:110105-19491231-002X", Err(IdFault::Kind));
        check("nothing but a kind", "passport:", Err(IdFault::Passport));
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
        let at = |now| unborn.check_new(UnixSeconds(now), Seen::Unsaid);
        assert_eq!(at(1_795_219_200), Err(IdFault::Unborn));
        // 2098-01-01 is 4039372800.
        assert_eq!((at(4_039_372_800 - 86_401), at(4_039_372_800 - 86_400)), (Err(IdFault::Unborn), Ok(())));
        let other = IdNumber::read("other:E12999912310000").unwrap();
        assert_eq!(other.check_new(UnixSeconds(0), Seen::Unsaid), Ok(()));
    }

    #[test]
    fn r47_a_document_carries_the_state_that_issued_it() {
        check("as ICAO 9303 writes it", "Passport:usa:e-1234 5678", Err(IdFault::Passport));
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

    /// A number of 17 digits with its check character.
    fn numbered(front: &str) -> String {
        let sum: u32 = front.bytes().zip(WEIGHTS).map(|(byte, weight)| u32::from(byte - b'0') * weight).sum();
        format!("{front}{}", char::from(CHECKS[(sum % 11) as usize]))
    }

    #[test]
    fn r47_the_first_digits_are_a_province_or_say_which_permit_it_is() {
        let region = |front: &str| {
            let number = IdNumber::read(&numbered(&format!("{front}19491231002"))).unwrap();
            number.check_new(UnixSeconds(1_795_219_200), Seen::Unsaid)
        };
        for taken in ["110105", "710000", "810000", "820000", "830000", "911840", "931840"] {
            assert_eq!(region(taken), Ok(()), "{taken}");
        }
        assert_eq!(region("010105"), Err(IdFault::Region));
        assert_eq!(region("840000"), Err(IdFault::Region));
        for permit in ["810001", "821000", "830100"] {
            assert_eq!(region(permit), Err(IdFault::Permit), "{permit}");
        }
        assert_eq!(region("990105"), Err(IdFault::ResidenceRegion));
    }

    /// MOD 11-2 finds every wrong character, and every swap of two that differ and stand less than ten places apart.
    #[test]
    fn r47_what_gb_11643_promises_is_refused() {
        let mut seed = 0x2545_f491_4f6c_dd1d_u64;
        for _ in 0..48 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (order, day) = (seed % 1000, seed / 1000 % 28 + 1);
            let good = numbered(&format!("{:02}0105198802{day:02}{order:03}", 11 + seed / 100_000 % 5));
            assert!(IdNumber::read(&good).is_ok(), "{good}");
            let refused = |bytes: &[u8], at: usize| {
                let wrong = String::from_utf8(bytes.to_vec()).unwrap();
                assert!(IdNumber::read(&wrong).is_err(), "{good} became {wrong} at {at}");
            };
            for at in 0..18 {
                let mut bytes = good.clone().into_bytes();
                let was = bytes[at];
                for digit in (b'0'..=b'9').filter(|digit| *digit != was) {
                    bytes[at] = digit;
                    refused(&bytes, at);
                }
                bytes[at] = was;
                for other in (at + 1..18.min(at + 10)).filter(|other| good.as_bytes()[*other] != was) {
                    bytes.swap(at, other);
                    refused(&bytes, at);
                    bytes.swap(at, other);
                }
            }
        }
    }

    #[test]
    fn a_number_says_when_its_holder_was_born() {
        let birth = |text: &str| IdNumber::read(text).unwrap().birth().map(|date| date.to_string());
        assert_eq!(birth("11010519491231002X").as_deref(), Some("1949-12-31"));
        assert_eq!(birth("passport:USA:E12345678"), None);
    }

    #[test]
    fn a_birth_that_was_not_is_refused() {
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
