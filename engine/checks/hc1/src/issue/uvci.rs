//! Unique identifiers of certificates (eHealth Network, "Guidelines on verifiable vaccination certificates", annex 2).

use core::fmt;

use aws_lc_rs::digest::{SHA256, digest};

use super::check::{Unfit, is_country};

/// The characters that the check character is computed over, in the order of their values.
const CHARACTERS: &[u8; 38] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/:";
const HEAD: &str = "URN:UVCI:01:";
/// The schema's longest, characters.
const LENGTH_MAX: usize = 80;

/// An identifier, with its check character: `URN:UVCI:01:CN:310000/...#C`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uvci(String);

impl Uvci {
    /// The identifier of a certificate of this country and issuing entity; `random` makes it the only one.
    pub fn new(country: &str, entity: u32, random: &[u8; 16]) -> Uvci {
        let mut rest = u128::from_be_bytes(*random);
        let mut text = format!("{HEAD}{country}:{entity}/");
        // 26 characters of five bits hold 128.
        for _ in 0..26 {
            let character = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[(rest % 32) as usize];
            text.push(char::from(character));
            rest /= 32;
        }
        let check = check_character(&text).map_or('#', char::from);
        Uvci(format!("{text}#{check}"))
    }

    /// Reads an identifier, of our own or of another issuer, with or without a check character.
    ///
    /// # Errors
    /// [`Unfit`] for another form, and for a check character that does not fit: a letter was mistyped.
    pub fn read(text: &str) -> Result<Uvci, Unfit> {
        let unfit = |what: &str| Unfit::new("identifier", what);
        let (body, check) = text.split_once('#').map_or((text, None), |(body, check)| (body, Some(check)));
        let country =
            body.strip_prefix(HEAD).and_then(|rest| rest.split_once(':')).map(|(country, _)| country);
        if text.len() > LENGTH_MAX || !country.is_some_and(is_country) {
            return Err(unfit(
                "it must begin with URN:UVCI:01:, a country and `:`, and have at most 80 characters",
            ));
        }
        let computed = check_character(body).ok_or_else(|| unfit("only capital letters, digits, / and :"))?;
        if check.is_some_and(|check| check.as_bytes() != [computed]) {
            return Err(unfit("the check character behind # does not fit: compare each letter"));
        }
        Ok(Uvci(text.to_owned()))
    }

    /// The identifier.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What revocation lists name it by: the first 16 bytes of SHA-256 of the identifier (type UCI).
    pub fn digest(&self) -> [u8; 16] {
        let digest = digest(&SHA256, self.0.as_bytes());
        core::array::from_fn(|at| digest.as_ref()[at])
    }
}

impl fmt::Display for Uvci {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Luhn's sum to the base of 38; `None` for a character that has no value.
fn check_character(text: &str) -> Option<u8> {
    let base = CHARACTERS.len();
    let mut sum = 0;
    for (nth, byte) in text.bytes().rev().enumerate() {
        let value = CHARACTERS.iter().position(|known| *known == byte)? * if nth % 2 == 0 { 2 } else { 1 };
        sum += value / base + value % base;
    }
    Some(CHARACTERS[(base - sum % base) % base])
}
