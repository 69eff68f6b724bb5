//! The strict reader.

use super::{FALSE, Major, TRUE};

/// Why bytes are not the deterministic CBOR that was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The bytes end within an item, or an item declares more than is left.
    #[error("the bytes end too early")]
    Truncated,
    /// Bytes follow the last item.
    #[error("bytes are left over")]
    Trailing,
    /// Another type of item.
    #[error("another type of item was expected")]
    Type,
    /// An integer or length not in its shortest form.
    #[error("an integer is not in its shortest form")]
    NotShortest,
    /// An indefinite length or a reserved form.
    #[error("an indefinite length or a reserved form")]
    Indefinite,
    /// An array or map of another size, or a byte string of another length.
    #[error("another number of elements was expected")]
    Count,
    /// A map key that is unknown, missing, out of order or there twice.
    #[error("another map key was expected")]
    Key,
    /// A value outside its range.
    #[error("a value is out of range")]
    Range,
    /// Text that is not UTF-8, or has control characters.
    #[error("the text is not printable UTF-8")]
    Text,
    /// List elements that are not in strictly rising order.
    #[error("a list is not in rising order")]
    Order,
}

/// Reads items one after the other from the front of a byte string.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader at the front of `bytes`.
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { rest: bytes }
    }

    /// What has not been read yet.
    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Succeeds when everything has been read.
    ///
    /// # Errors
    /// [`Fault::Trailing`].
    #[inline]
    pub fn end(self) -> Result<(), Fault> {
        if self.rest.is_empty() { Ok(()) } else { Err(Fault::Trailing) }
    }

    /// Reads with `read` and returns the very bytes it read beside its value.
    ///
    /// # Errors
    /// Those of `read`.
    #[inline]
    pub fn spanned<T>(
        &mut self,
        read: impl FnOnce(&mut Reader<'a>) -> Result<T, Fault>,
    ) -> Result<(T, &'a [u8]), Fault> {
        let before = self.rest;
        let value = read(self)?;
        Ok((value, &before[..before.len() - self.rest.len()]))
    }

    /// An unsigned integer.
    ///
    /// # Errors
    /// [`Fault`] when something else comes next; the same holds for every method below.
    #[inline]
    pub fn uint(&mut self) -> Result<u64, Fault> {
        self.head(Major::Unsigned)
    }

    /// An unsigned integer that fits 32 bits.
    ///
    /// # Errors
    /// As [`uint`](Self::uint), and [`Fault::Range`].
    #[inline]
    pub fn u32(&mut self) -> Result<u32, Fault> {
        u32::try_from(self.uint()?).map_err(|_| Fault::Range)
    }

    /// An unsigned integer that fits 8 bits.
    ///
    /// # Errors
    /// As [`uint`](Self::uint), and [`Fault::Range`].
    #[inline]
    pub fn u8(&mut self) -> Result<u8, Fault> {
        u8::try_from(self.uint()?).map_err(|_| Fault::Range)
    }

    /// `true` or `false`.
    ///
    /// # Errors
    /// As [`uint`](Self::uint).
    #[inline]
    pub fn bool(&mut self) -> Result<bool, Fault> {
        match self.take(1)? {
            [FALSE] => Ok(false),
            [TRUE] => Ok(true),
            _ => Err(Fault::Type),
        }
    }

    /// Exactly the integer `key`, the next key of a map.
    ///
    /// # Errors
    /// [`Fault::Key`] for any other item. Since callers name keys in deterministic order, that also refuses
    /// keys that are unsorted or there twice.
    #[inline]
    pub fn key(&mut self, key: i64) -> Result<(), Fault> {
        if self.int()? == key { Ok(()) } else { Err(Fault::Key) }
    }

    /// An integer of either sign.
    ///
    /// # Errors
    /// As [`uint`](Self::uint), and [`Fault::Range`] when it does not fit.
    #[inline]
    pub fn int(&mut self) -> Result<i64, Fault> {
        let negative = self.rest.first().is_some_and(|first| first >> 5 == Major::Negative as u8);
        let major = if negative { Major::Negative } else { Major::Unsigned };
        let magnitude = i64::try_from(self.head(major)?).map_err(|_| Fault::Range)?;
        Ok(if negative { -1 - magnitude } else { magnitude })
    }

    /// A byte string.
    ///
    /// # Errors
    /// As [`uint`](Self::uint).
    #[inline]
    pub fn bytes(&mut self) -> Result<&'a [u8], Fault> {
        let length = self.head(Major::Bytes)?;
        self.take(length)
    }

    /// A byte string of exactly `N` bytes.
    ///
    /// # Errors
    /// As [`uint`](Self::uint), and [`Fault::Count`].
    #[inline]
    pub fn bytes_of<const N: usize>(&mut self) -> Result<&'a [u8; N], Fault> {
        self.bytes()?.try_into().map_err(|_| Fault::Count)
    }

    /// A text string.
    ///
    /// # Errors
    /// As [`uint`](Self::uint), and [`Fault::Text`].
    #[inline]
    pub fn text(&mut self) -> Result<&'a str, Fault> {
        let length = self.head(Major::Text)?;
        core::str::from_utf8(self.take(length)?).map_err(|_| Fault::Text)
    }

    /// The head of an array; returns how many items follow.
    ///
    /// # Errors
    /// As [`uint`](Self::uint), and [`Fault::Truncated`] when fewer bytes than items are left.
    #[inline]
    pub fn array(&mut self) -> Result<usize, Fault> {
        let count = self.head(Major::Array)?;
        // Every item takes at least one byte, so a count that cannot be true ends here.
        usize::try_from(count).ok().filter(|&count| count <= self.rest.len()).ok_or(Fault::Truncated)
    }

    /// The head of an array of exactly `count` items.
    ///
    /// # Errors
    /// As [`array`](Self::array), and [`Fault::Count`].
    #[inline]
    pub fn array_of(&mut self, count: usize) -> Result<(), Fault> {
        if self.array()? == count { Ok(()) } else { Err(Fault::Count) }
    }

    /// The head of a map of exactly `count` pairs.
    ///
    /// # Errors
    /// As [`uint`](Self::uint), and [`Fault::Count`].
    #[inline]
    pub fn map_of(&mut self, count: u64) -> Result<(), Fault> {
        if self.head(Major::Map)? == count { Ok(()) } else { Err(Fault::Count) }
    }

    #[inline]
    fn head(&mut self, major: Major) -> Result<u64, Fault> {
        let (&first, rest) = self.rest.split_first().ok_or(Fault::Truncated)?;
        // Wraps for lower major types, so that one comparison finds both another type and a longer argument.
        let info = first.wrapping_sub((major as u8) << 5);
        self.rest = rest;
        if info < 24 { Ok(u64::from(info)) } else { self.argument(info) }
    }

    /// The argument that follows a head whose `info` is not the argument itself: no shorter form could hold
    /// it.
    fn argument(&mut self, info: u8) -> Result<u64, Fault> {
        let (value, least) = match info {
            24 => (u64::from(u8::from_be_bytes(self.chunk()?)), 24),
            25 => (u64::from(u16::from_be_bytes(self.chunk()?)), 1 << 8),
            26 => (u64::from(u32::from_be_bytes(self.chunk()?)), 1 << 16),
            27 => (u64::from_be_bytes(self.chunk()?), 1 << 32),
            28..=31 => return Err(Fault::Indefinite),
            _ => return Err(Fault::Type),
        };
        if value >= least { Ok(value) } else { Err(Fault::NotShortest) }
    }

    #[inline]
    fn chunk<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let (chunk, rest) = self.rest.split_first_chunk::<N>().ok_or(Fault::Truncated)?;
        self.rest = rest;
        Ok(*chunk)
    }

    #[inline]
    fn take(&mut self, length: u64) -> Result<&'a [u8], Fault> {
        let length = usize::try_from(length).map_err(|_| Fault::Truncated)?;
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Fault::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Writer;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn r01_every_other_form_of_a_value_is_refused() {
        let uint = |bytes: &[u8]| Reader::new(bytes).uint();
        for (bytes, answer) in [
            (&[0x17][..], Ok(23)),
            (&[0x18, 24], Ok(24)),
            (&[0x18, 23], Err(Fault::NotShortest)),
            (&[0x19, 0, 255], Err(Fault::NotShortest)),
            (&[0x1a, 0, 0, 255, 255], Err(Fault::NotShortest)),
            (&[0x1b, 0, 0, 0, 0, 255, 255, 255, 255], Err(Fault::NotShortest)),
            (&[0x1b, 255, 255, 255, 255, 255, 255, 255, 255], Ok(u64::MAX)),
            (&[0x1c], Err(Fault::Indefinite)),
            (&[0x1f], Err(Fault::Indefinite)),
            (&[0x19, 1], Err(Fault::Truncated)),
            (&[0x20], Err(Fault::Type)),
            (&[0xc1, 0x00], Err(Fault::Type)),
            (&[], Err(Fault::Truncated)),
        ] {
            assert_eq!(uint(bytes), answer, "{bytes:02x?}");
        }
    }

    #[test]
    fn r01_bombs_end_at_their_head() {
        for head in [0x9b, 0xbb, 0x5b, 0x7b] {
            let bomb = [head, 0x7f, 255, 255, 255, 255, 255, 255, 255];
            assert!(Reader::new(&bomb).array().is_err());
            assert!(Reader::new(&bomb).bytes().is_err());
            assert!(Reader::new(&bomb).text().is_err());
            assert!(Reader::new(&bomb).map_of(1).is_err());
        }
        assert_eq!(Reader::new(&[0x9a, 0, 1, 0, 0, 1]).array(), Err(Fault::Truncated));
        assert_eq!(Reader::new(&[0x5f, 0x41, 0, 0xff]).bytes(), Err(Fault::Indefinite));
        assert_eq!(Reader::new(&[0x9f, 0xff]).array(), Err(Fault::Indefinite));
        assert_eq!(Reader::new(&[0xbf, 0xff]).map_of(0), Err(Fault::Indefinite));
    }

    #[test]
    fn r01_map_keys_come_once_and_in_order() {
        let read = |bytes: &[u8]| -> Result<(), Fault> {
            let mut reader = Reader::new(bytes);
            reader.map_of(2)?;
            for key in [4, 5] {
                reader.key(key)?;
                reader.uint()?;
            }
            reader.end()
        };
        assert_eq!(read(&[0xa2, 4, 0, 5, 0]), Ok(()));
        assert_eq!(read(&[0xa2, 5, 0, 4, 0]), Err(Fault::Key));
        assert_eq!(read(&[0xa2, 4, 0, 4, 0]), Err(Fault::Key));
        assert_eq!(read(&[0xa2, 4, 0, 0x18, 5, 0]), Err(Fault::NotShortest));
        assert_eq!(read(&[0xa3, 4, 0, 5, 0, 6, 0]), Err(Fault::Count));
        assert_eq!(read(&[0xa2, 4, 0, 5, 0, 0]), Err(Fault::Trailing));
    }

    proptest! {
        #[test]
        fn integers_survive(value: i64) {
            let mut writer = Writer::new();
            writer.int(value);
            let bytes = writer.into_bytes();
            let mut reader = Reader::new(&bytes);
            prop_assert_eq!(reader.int(), Ok(value));
            prop_assert_eq!(reader.end(), Ok(()));
        }

        #[test]
        fn an_integer_that_reads_writes_back_the_same(
            bytes in proptest::collection::vec(any::<u8>(), 0..10),
        ) {
            let mut reader = Reader::new(&bytes);
            if let Ok((value, read)) = reader.spanned(Reader::int) {
                let mut writer = Writer::new();
                writer.int(value);
                prop_assert_eq!(writer.into_bytes(), read);
            }
        }
    }
}
