//! The one door in and the one door out.

use core::fmt;

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// A message with exactly one byte string per meaning.
///
/// Implementations live beside the type; callers use [`read`] and [`write()`].
pub trait Message<'a>: Sized {
    /// The name that errors carry.
    const NAME: &'static str;

    /// Reads a whole message; bytes that are left over are an error.
    ///
    /// # Errors
    /// [`Malformed`] when `bytes` is not exactly one message.
    fn read_from(bytes: &'a [u8]) -> Result<Self, Malformed>;

    /// Bytes that [`write_to`](Self::write_to) fills.
    fn size(&self) -> usize;

    /// Fills `out`, which is exactly [`size`](Self::size) bytes long.
    fn write_to(&self, out: &mut [u8]);
}

/// Reads `bytes` as exactly one message.
///
/// # Errors
/// [`Malformed`] names the message and what was wrong with it. The peer is at fault.
pub fn read<'a, M: Message<'a>>(bytes: &'a [u8]) -> Result<M, Malformed> {
    M::read_from(bytes)
}

/// Writes `message` to the front of `out` and returns how many bytes it took.
///
/// # Errors
/// [`NoRoom`] when `out` is too short; nothing is written then.
pub fn write<'a, M: Message<'a>>(message: &M, out: &mut [u8]) -> Result<usize, NoRoom> {
    let size = message.size();
    let room = out.len();
    let out = out.get_mut(..size).ok_or(NoRoom { message: M::NAME, needed: size, room })?;
    message.write_to(out);
    Ok(size)
}

/// The peer sent bytes that are not this message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Which message was expected.
    pub message: &'static str,
    /// What is wrong with the bytes.
    pub fault: &'static str,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "malformed {}: {}", self.message, self.fault)
    }
}

impl core::error::Error for Malformed {}

/// The caller's buffer is too short for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRoom {
    /// Which message was to be written.
    pub message: &'static str,
    /// Bytes it takes.
    pub needed: usize,
    /// Bytes there were.
    pub room: usize,
}

impl fmt::Display for NoRoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a {} takes {} bytes, the buffer has {}", self.message, self.needed, self.room)
    }
}

impl core::error::Error for NoRoom {}

/// Reads one fixed layout that takes all of `bytes`.
pub(crate) fn exactly<'a, L>(message: &'static str, bytes: &'a [u8]) -> Result<&'a L, Malformed>
where
    L: FromBytes + KnownLayout + Immutable + zerocopy::Unaligned,
{
    L::ref_from_bytes(bytes).map_err(|_| Malformed { message, fault: "wrong length" })
}

/// Reads one fixed layout from the front of `bytes` and returns the rest.
pub(crate) fn front<'a, L>(message: &'static str, bytes: &'a [u8]) -> Result<(&'a L, &'a [u8]), Malformed>
where
    L: FromBytes + KnownLayout + Immutable + zerocopy::Unaligned,
{
    L::ref_from_prefix(bytes).map_err(|_| Malformed { message, fault: "too short" })
}

/// Copies one fixed layout to the front of `out`, which the caller has made long enough.
pub(crate) fn put<L: IntoBytes + Immutable>(layout: &L, out: &mut [u8]) {
    let bytes = layout.as_bytes();
    out[..bytes.len()].copy_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_message_and_what_is_wrong() {
        let malformed = Malformed { message: "cookie", fault: "wrong length" };
        assert_eq!(malformed.to_string(), "malformed cookie: wrong length");
        let no_room = NoRoom { message: "cookie", needed: 64, room: 63 };
        assert_eq!(no_room.to_string(), "a cookie takes 64 bytes, the buffer has 63");
    }
}
