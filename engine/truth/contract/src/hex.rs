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

/// A text that is not the hex digits it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {digits} hex digits")]
pub struct NotHex {
    /// How many digits it should have.
    pub digits: usize,
}

/// Bytes of any number, written as base64url without padding (RFC 4648 section 5).
#[derive(Clone, PartialEq, Eq)]
pub struct Base64Url(pub Vec<u8>);

impl<const N: usize> fmt::Display for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
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
        let not_hex = NotHex { digits: 2 * N };
        let digits = text.as_bytes();
        if digits.len() != 2 * N {
            return Err(not_hex);
        }
        let mut bytes = [0; N];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = nibble(pair[0]).zip(nibble(pair[1])).map(|(high, low)| high << 4 | low).ok_or(not_hex)?;
        }
        Ok(Hex(bytes))
    }
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
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

impl fmt::Display for Base64Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Base64Display::new(&self.0, &URL_SAFE_NO_PAD).fmt(f)
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
