//! The status word: everything a policy may know about a holder, in one atomic 64 bits (R05).

use core::fmt;

use crate::time::StatusMinute;

/// A holder's colour, numbered as the types of an IETF Token Status List: 0 valid, 1 invalid, 2 suspended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Colour {
    /// Valid: may pass where the policy admits green.
    Green = 0,
    /// Invalid: must not pass.
    Red = 1,
    /// Suspended: passes only where the policy says so.
    Amber = 2,
}

impl Colour {
    /// All, by number.
    pub const ALL: [Colour; 3] = [Colour::Green, Colour::Red, Colour::Amber];

    /// Its name in files, tables and JSON.
    pub const fn slug(self) -> &'static str {
        match self {
            Colour::Green => "green",
            Colour::Red => "red",
            Colour::Amber => "amber",
        }
    }

    /// The colour of this name.
    pub fn called(slug: &str) -> Option<Colour> {
        Colour::ALL.into_iter().find(|colour| colour.slug() == slug)
    }
}

/// What the last test said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TestResult {
    /// No test is known.
    None = 0,
    /// Not infected.
    Negative = 1,
    /// Infected.
    Positive = 2,
    /// Taken, no answer yet.
    Pending = 3,
}

/// One holder's status in 64 bits. All zero means *unknown* and is never green (R07).
///
/// | bits | meaning |
/// | --- | --- |
/// | 0..2 | colour |
/// | 2 | present: 0 makes the whole word unknown |
/// | 3..11 | credential generation |
/// | 11..35 | minute of the last test, since 2020-01-01T00:00Z |
/// | 35..37 | result of that test |
/// | 37..40 | vaccine doses, 0 to 7 |
/// | 40..64 | minute from which the colour no longer holds; 0 means it does not expire |
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct StatusWord(u64);

const PRESENT: u64 = 1 << 2;
const MINUTE_MASK: u64 = (1 << 24) - 1;
const GENERATION_SHIFT: u32 = 3;
const TEST_MINUTE_SHIFT: u32 = 11;
const TEST_RESULT_SHIFT: u32 = 35;
const DOSES_SHIFT: u32 = 37;
const UNTIL_SHIFT: u32 = 40;

impl StatusWord {
    /// Nothing is known of this holder.
    pub const UNKNOWN: StatusWord = StatusWord(0);

    /// A known holder of this colour and credential generation; no test, no doses, no expiry.
    pub const fn new(colour: Colour, generation: u8) -> StatusWord {
        StatusWord(PRESENT | colour as u64 | (generation as u64) << GENERATION_SHIFT)
    }

    /// The same status with another last test.
    #[must_use]
    pub const fn with_test(self, minute: StatusMinute, result: TestResult) -> StatusWord {
        let cleared = self.0 & !(MINUTE_MASK << TEST_MINUTE_SHIFT) & !(3 << TEST_RESULT_SHIFT);
        StatusWord(
            cleared | (minute.get() as u64) << TEST_MINUTE_SHIFT | (result as u64) << TEST_RESULT_SHIFT,
        )
    }

    /// The same status with `doses` vaccine doses, at most 7.
    #[must_use]
    pub const fn with_doses(self, doses: u8) -> StatusWord {
        let doses = if doses > 7 { 7 } else { doses };
        StatusWord(self.0 & !(7 << DOSES_SHIFT) | (doses as u64) << DOSES_SHIFT)
    }

    /// The same status whose colour holds until `minute` begins; minute 0 means without end.
    #[must_use]
    pub const fn with_until(self, minute: StatusMinute) -> StatusWord {
        StatusWord(self.0 & !(MINUTE_MASK << UNTIL_SHIFT) | (minute.get() as u64) << UNTIL_SHIFT)
    }

    /// The same status with another colour.
    #[must_use]
    pub const fn with_colour(self, colour: Colour) -> StatusWord {
        StatusWord(self.0 & !3 | colour as u64)
    }

    /// The same status with another credential generation; an unknown holder stays unknown.
    #[must_use]
    pub const fn with_generation(self, generation: u8) -> StatusWord {
        StatusWord(self.0 & !(0xff << GENERATION_SHIFT) | (generation as u64) << GENERATION_SHIFT)
    }

    /// Whether this is how an authority spells its meaning: all zero for unknown, else one of the three colours,
    /// and no minute where there was no test.
    pub const fn is_canonical(self) -> bool {
        let untested = matches!(self.test_result(), TestResult::None);
        match self.colour() {
            None => self.0 == 0,
            Some(_) => !untested || self.test_minute().get() == 0,
        }
    }

    /// The word as stored. Any 64 bits are a status: what is not present, or has no colour, is unknown.
    pub const fn from_bits(bits: u64) -> StatusWord {
        StatusWord(bits)
    }

    /// The word to store.
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// The colour, `None` when the holder is unknown or the two bits are the undefined `3`.
    pub const fn colour(self) -> Option<Colour> {
        if self.0 & PRESENT == 0 {
            return None;
        }
        match self.0 & 3 {
            0 => Some(Colour::Green),
            1 => Some(Colour::Red),
            2 => Some(Colour::Amber),
            _ => None,
        }
    }

    /// The only credential generation that is alive; older ones are superseded (a lost phone).
    pub const fn generation(self) -> u8 {
        (self.0 >> GENERATION_SHIFT & 0xff) as u8
    }

    /// Minute of the last test; meaningless while [`test_result`](Self::test_result) is `None`.
    pub const fn test_minute(self) -> StatusMinute {
        minute_at(self.0 >> TEST_MINUTE_SHIFT)
    }

    /// What the last test said.
    pub const fn test_result(self) -> TestResult {
        match self.0 >> TEST_RESULT_SHIFT & 3 {
            0 => TestResult::None,
            1 => TestResult::Negative,
            2 => TestResult::Positive,
            _ => TestResult::Pending,
        }
    }

    /// Vaccine doses, 0 to 7.
    pub const fn doses(self) -> u8 {
        (self.0 >> DOSES_SHIFT & 7) as u8
    }

    /// First minute in which the colour no longer holds, `None` when it does not expire.
    pub const fn until(self) -> Option<StatusMinute> {
        let minute = minute_at(self.0 >> UNTIL_SHIFT);
        if minute.get() == 0 { None } else { Some(minute) }
    }
}

const fn minute_at(bits: u64) -> StatusMinute {
    let minute = (bits & MINUTE_MASK) as u32;
    match StatusMinute::new(minute) {
        Some(minute) => minute,
        None => StatusMinute::MAX,
    }
}

impl fmt::Debug for StatusWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(colour) = self.colour() else {
            return write!(f, "StatusWord(unknown, {:#018x})", self.0);
        };
        f.debug_struct("StatusWord")
            .field("colour", &colour)
            .field("generation", &self.generation())
            .field("test_minute", &self.test_minute().get())
            .field("test_result", &self.test_result())
            .field("doses", &self.doses())
            .field("until", &self.until().map(StatusMinute::get))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_word_of_zeroes_is_unknown_and_not_green() {
        assert_eq!(StatusWord::UNKNOWN.colour(), None);
        assert_eq!(StatusWord::from_bits(0).colour(), None);
        assert_eq!(StatusWord::from_bits(PRESENT | 3).colour(), None, "the undefined fourth colour");
    }

    /// The bits of `fixtures/golden/wire/status-word.json`.
    #[test]
    fn each_field_has_its_bits() {
        let minute = |minute| StatusMinute::new(minute).unwrap();
        let last = StatusMinute::MAX;
        let zero = StatusWord::UNKNOWN;
        let check = |word: StatusWord, bits: u64| assert_eq!(word.to_bits(), bits, "{bits:#x}");
        check(StatusWord::new(Colour::Green, 0), 4);
        check(StatusWord::new(Colour::Red, 1), 4 | 1 | 1 << 3);
        check(StatusWord::new(Colour::Amber, 255), 4 | 2 | 0xff << 3);
        check(zero.with_test(minute(1), TestResult::Negative), 1 << 11 | 1 << 35);
        check(zero.with_test(last, TestResult::Pending), 0xff_ffff << 11 | 3 << 35);
        check(zero.with_doses(1), 1 << 37);
        check(zero.with_doses(7), 7 << 37);
        check(zero.with_doses(8), 7 << 37);
        check(zero.with_until(minute(1)), 1 << 40);
        check(zero.with_until(last), 0xff_ffff << 40);
    }

    /// A field that is set a second time forgets what it was, and no other field changes.
    #[test]
    fn a_field_is_replaced_whole() {
        let full = StatusWord::from_bits(u64::MAX);
        let minute = StatusMinute::new(0).unwrap();
        let check = |word: StatusWord, cleared: u64| assert_eq!(!word.to_bits(), cleared, "{cleared:#x}");
        check(full.with_colour(Colour::Green), 3);
        check(full.with_generation(0), 0xff << 3);
        check(full.with_test(minute, TestResult::None), 0xff_ffff << 11 | 3 << 35);
        check(full.with_doses(0), 7 << 37);
        check(full.with_until(minute), 0xff_ffff << 40);
    }

    #[test]
    fn a_status_has_one_spelling() {
        let green = StatusWord::new(Colour::Green, 3);
        let minute = StatusMinute::new(9).unwrap();
        let check = |word: StatusWord, canonical| assert_eq!(word.is_canonical(), canonical, "{word:?}");
        check(StatusWord::UNKNOWN, true);
        check(StatusWord::UNKNOWN.with_generation(1), false);
        check(StatusWord::from_bits(PRESENT | 3), false);
        check(green, true);
        check(green.with_test(minute, TestResult::Negative), true);
        check(green.with_test(StatusMinute::new(0).unwrap(), TestResult::Negative), true);
        check(green.with_test(minute, TestResult::None), false);
    }

    proptest! {
        #[test]
        fn every_field_keeps_to_its_own_bits(
            colour in 0_u8..3, generation: u8, test in 0_u32..1 << 24, result in 0_u8..4, doses in 0_u8..8,
            until in 1_u32..1 << 24,
        ) {
            let colour = [Colour::Green, Colour::Red, Colour::Amber][usize::from(colour)];
            let result = [TestResult::None, TestResult::Negative, TestResult::Positive, TestResult::Pending]
                [usize::from(result)];
            let word = StatusWord::new(Colour::Amber, generation)
                .with_until(StatusMinute::new(until).unwrap())
                .with_doses(doses)
                .with_test(StatusMinute::new(test).unwrap(), result)
                .with_colour(colour);
            prop_assert_eq!(word.colour(), Some(colour));
            prop_assert_eq!(word.generation(), generation);
            prop_assert_eq!(word.test_minute().get(), test);
            prop_assert_eq!(word.test_result(), result);
            prop_assert_eq!(word.doses(), doses);
            prop_assert_eq!(word.until().map(StatusMinute::get), Some(until));
            prop_assert_eq!(StatusWord::from_bits(word.to_bits()), word);
        }

        #[test]
        fn any_bits_can_be_read_without_a_panic(bits: u64) {
            let word = StatusWord::from_bits(bits);
            let _ = format!("{word:?}");
            prop_assert_eq!(word.to_bits(), bits);
        }
    }
}
