//! CBOR as issuers abroad write it: lengths that end with a break, integers of any width, numbers as floats, tags.
//! Bounded in depth and in keys, and each key once.

use minicbor::Decoder;
use minicbor::data::Type;

/// A certificate that is damaged, or not of the form that its system has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the certificate is damaged or not well formed")]
pub struct Unreadable;

/// How deep arrays, maps and tags may lie in each other where nothing is looked for; certificates have 5.
const DEPTH_MAX: u8 = 16;
/// Keys of one map; certificates have at most 12.
const KEYS_MAX: usize = 32;

/// A key of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key<'b> {
    Int(i64),
    Text(&'b str),
}

/// Reads one item after another. Types are looked at before they are read: an error of the decoder may allocate.
pub(crate) struct Reader<'b>(Decoder<'b>);

impl<'b> Reader<'b> {
    pub(crate) fn new(bytes: &'b [u8]) -> Reader<'b> {
        Reader(Decoder::new(bytes))
    }

    /// Refuses bytes behind the last item.
    pub(crate) fn end(&self) -> Result<(), Unreadable> {
        if self.0.position() == self.0.input().len() { Ok(()) } else { Err(Unreadable) }
    }

    fn kind(&self) -> Result<Type, Unreadable> {
        self.0.datatype().map_err(|_| Unreadable)
    }

    /// Whether the next item is a text of definite length.
    pub(crate) fn is_text(&self) -> bool {
        self.kind() == Ok(Type::String)
    }

    /// Whether the next item is an array.
    pub(crate) fn is_array(&self) -> bool {
        matches!(self.kind(), Ok(Type::Array | Type::ArrayIndef))
    }

    /// Skips tags that `allowed` has.
    pub(crate) fn untag(&mut self, allowed: &[u64]) -> Result<(), Unreadable> {
        for _ in 0..DEPTH_MAX {
            if self.kind()? != Type::Tag {
                return Ok(());
            }
            let tag = self.0.tag().map_err(|_| Unreadable)?.as_u64();
            if !allowed.contains(&tag) {
                return Err(Unreadable);
            }
        }
        Err(Unreadable)
    }

    /// Calls `entry` for each key of a map; it reads the value. A key that comes twice is refused.
    pub(crate) fn map(
        &mut self,
        mut entry: impl FnMut(Key<'b>, &mut Reader<'b>) -> Result<(), Unreadable>,
    ) -> Result<(), Unreadable> {
        if !matches!(self.kind()?, Type::Map | Type::MapIndef) {
            return Err(Unreadable);
        }
        let count = self.0.map().map_err(|_| Unreadable)?;
        let mut seen = [Key::Int(0); KEYS_MAX];
        self.items(count, |at, reader| {
            let key = reader.key()?;
            if seen.get(..at).ok_or(Unreadable)?.contains(&key) {
                return Err(Unreadable);
            }
            *seen.get_mut(at).ok_or(Unreadable)? = key;
            entry(key, reader)
        })
    }

    /// Calls `item` for each place of an array; it reads the item.
    pub(crate) fn array(
        &mut self,
        item: impl FnMut(usize, &mut Reader<'b>) -> Result<(), Unreadable>,
    ) -> Result<(), Unreadable> {
        if !self.is_array() {
            return Err(Unreadable);
        }
        let count = self.0.array().map_err(|_| Unreadable)?;
        self.items(count, item)
    }

    /// Each item reads at least a byte, so that no count is believed.
    fn items(
        &mut self,
        count: Option<u64>,
        mut item: impl FnMut(usize, &mut Reader<'b>) -> Result<(), Unreadable>,
    ) -> Result<(), Unreadable> {
        let mut at = 0;
        while count.is_none_or(|count| (at as u64) < count) {
            if count.is_none() && self.kind()? == Type::Break {
                self.advance(1)?;
                return Ok(());
            }
            item(at, self)?;
            at += 1;
        }
        Ok(())
    }

    fn key(&mut self) -> Result<Key<'b>, Unreadable> {
        if self.is_text() { self.text().map(Key::Text) } else { self.int().map(Key::Int) }
    }

    pub(crate) fn int(&mut self) -> Result<i64, Unreadable> {
        use Type::{I8, I16, I32, I64, Int, U8, U16, U32, U64};
        if !matches!(self.kind()?, U8 | U16 | U32 | U64 | I8 | I16 | I32 | I64 | Int) {
            return Err(Unreadable);
        }
        let int = self.0.int().map_err(|_| Unreadable)?;
        i64::try_from(int).map_err(|_| Unreadable)
    }

    /// A number that is not negative, also one written as a float of which the fraction does not count. More than 32
    /// bits are the most that they hold.
    pub(crate) fn number(&mut self) -> Result<u32, Unreadable> {
        // Tag 1: seconds since 1970.
        self.untag(&[1])?;
        let number = match self.kind()? {
            Type::F32 => self.0.f32().map(f64::from).map_err(|_| Unreadable)?,
            Type::F64 => self.0.f64().map_err(|_| Unreadable)?,
            _ => {
                let int = u64::try_from(self.int()?).map_err(|_| Unreadable)?;
                return Ok(u32::try_from(int).unwrap_or(u32::MAX));
            }
        };
        if !number.is_finite() || number < 0.0 {
            return Err(Unreadable);
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it saturates")]
        Ok(number as u32)
    }

    pub(crate) fn bytes(&mut self) -> Result<&'b [u8], Unreadable> {
        if self.kind()? != Type::Bytes {
            return Err(Unreadable);
        }
        self.0.bytes().map_err(|_| Unreadable)
    }

    pub(crate) fn text(&mut self) -> Result<&'b str, Unreadable> {
        if !self.is_text() {
            return Err(Unreadable);
        }
        self.0.str().map_err(|_| Unreadable)
    }

    /// Skips one item and everything in it.
    pub(crate) fn skip(&mut self) -> Result<(), Unreadable> {
        self.skip_to(DEPTH_MAX)
    }

    fn skip_to(&mut self, depth: u8) -> Result<(), Unreadable> {
        let deeper = depth.checked_sub(1).ok_or(Unreadable)?;
        match self.kind()? {
            Type::Map | Type::MapIndef => {
                let count = self.0.map().map_err(|_| Unreadable)?;
                self.items(count, |_, reader| reader.skip_to(deeper).and_then(|()| reader.skip_to(deeper)))
            }
            Type::Array | Type::ArrayIndef => self.array(|_, reader| reader.skip_to(deeper)),
            Type::Tag => {
                self.0.tag().map_err(|_| Unreadable)?;
                self.skip_to(deeper)
            }
            // Chunks of the same kind, to the break.
            whole @ (Type::BytesIndef | Type::StringIndef) => {
                let chunk = if whole == Type::BytesIndef { Type::Bytes } else { Type::String };
                self.advance(1)?;
                self.items(None, |_, reader| {
                    if reader.kind()? == chunk { reader.skip_to(deeper) } else { Err(Unreadable) }
                })
            }
            Type::Bytes => self.bytes().map(|_| ()),
            Type::String => self.text().map(|_| ()),
            Type::F16 => self.advance(3),
            Type::F32 => self.advance(5),
            Type::F64 => self.advance(9),
            Type::Bool | Type::Null | Type::Undefined => self.advance(1),
            Type::Simple => {
                let two = self.0.input().get(self.0.position()) == Some(&0xf8);
                self.advance(1 + usize::from(two))
            }
            Type::Int => self.0.int().map(|_| ()).map_err(|_| Unreadable),
            Type::Break | Type::Unknown(_) => Err(Unreadable),
            _ => self.int().map(|_| ()),
        }
    }

    fn advance(&mut self, bytes: usize) -> Result<(), Unreadable> {
        let to = self.0.position() + bytes;
        if to > self.0.input().len() {
            return Err(Unreadable);
        }
        self.0.set_position(to);
        Ok(())
    }
}
