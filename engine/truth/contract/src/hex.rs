//! Bytes in JSON: short ones as hex, credentials as base64url.

use core::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::display::Base64Display;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// `N` bytes, written as `2 N` lower-case hex digits; upper-case ones are read too.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hex<const N: usize>(pub [u8; N]);

/// Bytes of any number, shown as hex digits; for secrets, which [`Hex`] would copy.
pub struct HexDigits<'b>(pub &'b [u8]);

/// A text that is not the hex digits it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {digits} hex digits")]
pub struct NotHex {
    /// How many digits it should have.
    pub digits: usize,
}

/// Bytes of any number, written as base64url without padding (RFC 4648 section 5).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Base64Url<B = Vec<u8>>(pub B);

/// Reads the hex digits of as many bytes as `into` has, without a copy on the way.
///
/// # Errors
/// [`NotHex`]; `into` may be overwritten in part.
pub fn read_hex(text: &str, into: &mut [u8]) -> Result<(), NotHex> {
    let not_hex = NotHex { digits: 2 * into.len() };
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return Err(not_hex) };
    if pairs.len() != into.len() {
        return Err(not_hex);
    }
    for (byte, pair) in into.iter_mut().zip(pairs) {
        let [high, low] = pair.map(|digit| char::from(digit).to_digit(16));
        *byte = high.zip(low).and_then(|(high, low)| u8::try_from(high << 4 | low).ok()).ok_or(not_hex)?;
    }
    Ok(())
}

impl fmt::Display for HexDigits<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl<const N: usize> fmt::Display for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        HexDigits(&self.0).fmt(f)
    }
}

impl<const N: usize> fmt::Debug for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl<const N: usize> FromStr for Hex<N> {
    type Err = NotHex;

    fn from_str(text: &str) -> Result<Hex<N>, NotHex> {
        let mut bytes = [0; N];
        read_hex(text, &mut bytes)?;
        Ok(Hex(bytes))
    }
}

impl<const N: usize> Serialize for Hex<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Hex<N>, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl<B: AsRef<[u8]>> fmt::Display for Base64Url<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Base64Display::new(self.0.as_ref(), &URL_SAFE_NO_PAD).fmt(f)
    }
}

impl fmt::Debug for Base64Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for Base64Url {
    type Err = &'static str;

    /// One byte string has one text: no padding, and nothing in the bits that carry none.
    fn from_str(text: &str) -> Result<Base64Url, &'static str> {
        URL_SAFE_NO_PAD.decode(text).map(Base64Url).map_err(|_| "not base64url")
    }
}

impl Serialize for Base64Url {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Base64Url {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Base64Url, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_has_exactly_its_digits() {
        assert_eq!("00fFa1".parse(), Ok(Hex([0, 0xff, 0xa1])));
        assert_eq!(Hex([0, 0xff, 0xa1]).to_string(), "00ffa1");
        for wrong in ["", "00ffa", "00ffa1a", "00ffg1", "+0ffa1", "00ff\u{e9}"] {
            assert_eq!(wrong.parse::<Hex<3>>(), Err(NotHex { digits: 6 }), "{wrong}");
        }
    }

    #[test]
    fn base64url_is_that_of_rfc_4648_without_padding() {
        for (bytes, text) in
            [("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE")]
        {
            let encoded = Base64Url(bytes.as_bytes().to_vec());
            assert_eq!(encoded.to_string(), text);
            assert_eq!(text.parse(), Ok(encoded));
        }
        assert_eq!(Base64Url(vec![0xfb, 0xff]).to_string(), "-_8");
        for wrong in ["Z", "Zh", "Zg=", "Zg==", "Zm9=", "Zm+v", "Zm/v", " Zm9"] {
            assert!(wrong.parse::<Base64Url>().is_err(), "{wrong}");
        }
    }
}
