//! The writer: shortest forms, definite lengths. Keys come in the order the caller writes them.

use super::{FALSE, Major, TRUE};

/// Appends items to a growing byte string.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// An empty byte string.
    pub fn new() -> Writer {
        Writer::default()
    }

    /// Everything written so far.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// An unsigned integer.
    pub fn uint(&mut self, value: impl Into<u64>) -> &mut Writer {
        self.head(Major::Unsigned, value.into())
    }

    /// An integer of either sign; also a map's key.
    pub fn int(&mut self, value: i64) -> &mut Writer {
        let major = if value < 0 { Major::Negative } else { Major::Unsigned };
        // `!value` is `-1 - value`, the argument of a negative integer.
        self.head(major, if value < 0 { !value } else { value }.unsigned_abs())
    }

    /// `true` or `false`.
    pub fn bool(&mut self, value: bool) -> &mut Writer {
        self.bytes.push(if value { TRUE } else { FALSE });
        self
    }

    /// A byte string.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Writer {
        self.head(Major::Bytes, bytes.len() as u64).raw(bytes)
    }

    /// A text string.
    pub fn text(&mut self, text: &str) -> &mut Writer {
        self.head(Major::Text, text.len() as u64).raw(text.as_bytes())
    }

    /// The head of an array; `count` items follow.
    pub fn array(&mut self, count: usize) -> &mut Writer {
        self.head(Major::Array, count as u64)
    }

    /// The head of a map; `count` pairs follow.
    pub fn map(&mut self, count: usize) -> &mut Writer {
        self.head(Major::Map, count as u64)
    }

    /// An item that is encoded already.
    pub fn raw(&mut self, item: &[u8]) -> &mut Writer {
        self.bytes.extend_from_slice(item);
        self
    }

    fn head(&mut self, major: Major, argument: u64) -> &mut Writer {
        let argument = argument.to_be_bytes();
        let (info, following): (u8, &[u8]) = match &argument {
            [0, 0, 0, 0, 0, 0, 0, small @ 0..=23] => (*small, &[]),
            [0, 0, 0, 0, 0, 0, 0, one @ ..] => (24, one),
            [0, 0, 0, 0, 0, 0, two @ ..] => (25, two),
            [0, 0, 0, 0, four @ ..] => (26, four),
            eight => (27, eight),
        };
        self.bytes.push((major as u8) << 5 | info);
        self.raw(following)
    }
}
