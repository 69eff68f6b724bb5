//! The number of an invitation.

use core::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use zeroize::{Zeroize as _, ZeroizeOnDrop};

use super::PhoneFault;
use crate::fault::Fault;

/// Letters of a number, 5 bits each: Crockford's base 32.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// What people and their keyboards write between groups.
const HYPHENS: [char; 7] = ['-', '\u{2010}', '\u{2011}', '\u{2012}', '\u{2013}', '\u{2014}', '\u{2212}'];
/// Letters of a number.
const LETTERS: usize = 16;

/// The number of an invitation: 80 random bits, as 16 letters. It opens one phone for a holder, so it is stored as a digest.
#[derive(Clone, PartialEq, Eq)]
pub struct InvitationNumber([u8; LETTERS]);

/// SHA-256 of the letters of a number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InvitationDigest(pub [u8; 32]);

impl InvitationNumber {
    /// The number of 80 bits.
    pub fn of(bits: [u8; 10]) -> InvitationNumber {
        let mut number = [0; LETTERS];
        let value = bits.iter().fold(0_u128, |value, byte| value << 8 | u128::from(*byte));
        for (place, letter) in number.iter_mut().rev().enumerate() {
            *letter = ALPHABET[(value >> (5 * place)) as usize & 31];
        }
        InvitationNumber(number)
    }

    /// A random one.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] when the operating system gives no random bytes.
    pub fn random() -> Result<InvitationNumber, Fault> {
        let mut bits = [0; 10];
        aws_lc_rs::rand::fill(&mut bits)
            .map_err(|_| Fault::Unavailable("the operating system gives no random bytes".into()))?;
        let number = InvitationNumber::of(bits);
        bits.zeroize();
        Ok(number)
    }

    /// Reads a number as people type it: blanks and hyphens anywhere, lower case, full width as input methods for Chinese and
    /// Japanese write it, `o` for `0`, `i` and `l` for `1`.
    ///
    /// # Errors
    /// [`PhoneFault::NumberMistyped`].
    pub fn read(text: &str) -> Result<InvitationNumber, PhoneFault> {
        let mut number = [0; LETTERS];
        let mut places = number.iter_mut();
        let chars = text.chars().map(half_width);
        for char in chars.filter(|char| !char.is_whitespace() && !HYPHENS.contains(char)) {
            let letter = match char.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            };
            let known = u8::try_from(letter).ok().filter(|letter| ALPHABET.contains(letter));
            *places.next().ok_or(PhoneFault::NumberMistyped)? = known.ok_or(PhoneFault::NumberMistyped)?;
        }
        if places.next().is_some() {
            return Err(PhoneFault::NumberMistyped);
        }
        Ok(InvitationNumber(number))
    }

    /// The number as it is shown: four groups of four letters.
    pub fn shown(&self) -> String {
        let groups = self.0.chunks(4).map(|group| group.iter().map(|letter| char::from(*letter)).collect());
        groups.collect::<Vec<String>>().join("-")
    }

    /// What is stored of it.
    pub fn digest(&self) -> InvitationDigest {
        InvitationDigest(digest(&SHA256, &self.0).as_ref().try_into().unwrap_or_default())
    }
}

impl Drop for InvitationNumber {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl ZeroizeOnDrop for InvitationNumber {}

impl fmt::Debug for InvitationNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InvitationNumber(not shown)")
    }
}

impl fmt::Debug for InvitationDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InvitationDigest(not shown)")
    }
}

/// The ASCII character of one in full width.
fn half_width(char: char) -> char {
    match char {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(char) - 0xFEE0).unwrap_or(char),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_contract::Hex;
    use serde_json::Value;

    #[test]
    fn r41_a_number_is_read_as_people_type_it() {
        let golden = include_str!("../../../../../fixtures/golden/phone.json");
        let golden: Value = serde_json::from_str(golden).unwrap();
        for case in golden["numbers"].as_array().unwrap() {
            let read = InvitationNumber::read(case["typed"].as_str().unwrap()).ok();
            let read = read.map(|number| number.shown().replace('-', ""));
            assert_eq!(read.as_deref(), case["reads"].as_str(), "{}", case["typed"]);
        }
        let of = &golden["number_digest"];
        let number = InvitationNumber::read(of["number"].as_str().unwrap()).unwrap();
        assert_eq!(Hex(number.digest().0).to_string(), of["sha256"].as_str().unwrap());
        assert_eq!(number.shown(), "K7QM-3ZTA-90XW-5HCD");

        assert_eq!(InvitationNumber::read("Ｋ７ｑｍ－３zta—９０XW　5HCD"), Ok(number));

        assert_eq!(InvitationNumber::of([0; 10]).shown(), "0000-0000-0000-0000");
        assert_eq!(InvitationNumber::of([0xFF; 10]).shown(), "ZZZZ-ZZZZ-ZZZZ-ZZZZ");
        assert_eq!(InvitationNumber::of([0, 0, 0, 0, 0, 0, 0, 0, 0, 33]).shown(), "0000-0000-0000-0011");
        let [one, two] = [(); 2].map(|()| InvitationNumber::random().unwrap());
        assert!(one != two && InvitationNumber::read(&one.shown()) == Ok(one));
    }
}
