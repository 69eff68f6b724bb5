//! A change set: content with its place in the chain, signed by both authorities.

use core::mem::size_of;

use zerocopy::little_endian::U64;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::SIGNATURE_BYTES;
use super::content::Content;
use super::digest::ChainDigest;
use super::front::Front;
use crate::ids::{IssuerId, KeyId, Sequence};
use crate::limits;
use crate::message::{Malformed, Message, exactly, put};
use crate::time::UnixMillis;

/// Where in which chain a change set stands, by whom and when confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Whose chain.
    pub issuer: IssuerId,
    /// The place: 1 for the first, without gaps.
    pub sequence: Sequence,
    /// When the national platform confirmed it.
    pub confirmed: UnixMillis,
    /// The national platform's key that signs it.
    pub national_key: KeyId,
    /// The digest of the change set before it, [`ChainDigest::NONE`] before the first.
    pub previous: ChainDigest,
}

/// Changes that both authorities signed (R21).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeSet<'a> {
    /// Its place; the national platform signs it with the content.
    pub position: Position,
    /// What changes; the local authority signs it.
    pub content: Content<'a>,
    /// The local authority's signature.
    pub local_signature: [u8; 64],
    /// The national platform's signature.
    pub national_signature: [u8; 64],
}

/// The bytes of a change set, cut where signatures and digests need them.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// The position.
    pub position: &'a [u8; Position::BYTES],
    /// The content.
    pub content: &'a [u8],
    /// The local authority's signature.
    pub local_signature: &'a [u8; 64],
    /// The national platform's signature.
    pub national_signature: &'a [u8; 64],
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Layout {
    front: Front,
    sequence: U64,
    confirmed_ms: U64,
    national_key: [u8; 8],
    previous: [u8; 32],
}

const MAGIC: [u8; 8] = *b"HUFUCSET";

const _: () = assert!(size_of::<Layout>() == Position::BYTES);
const _: () = assert!(ChangeSet::OVERHEAD_BYTES == 392);

impl Position {
    /// Bytes of a position.
    pub const BYTES: usize = 72;

    /// Whether the place before this one is the chain's beginning.
    pub fn is_first(&self) -> bool {
        self.sequence == Sequence(1)
    }
}

impl ChangeSet<'_> {
    /// Bytes beside the changes.
    pub const OVERHEAD_BYTES: usize = Position::BYTES + Content::HEADER_BYTES + 2 * SIGNATURE_BYTES;
}

impl<'a> Parts<'a> {
    /// The parts of `bytes`, a change set that was read.
    ///
    /// # Errors
    /// [`Malformed`] when they are too few for any change set.
    pub fn of(bytes: &'a [u8]) -> Result<Parts<'a>, Malformed> {
        let short = Malformed { message: ChangeSet::NAME, fault: "too short" };
        let (position, rest) = bytes.split_first_chunk().ok_or(short)?;
        let (rest, national_signature) = rest.split_last_chunk().ok_or(short)?;
        let (content, local_signature) = rest.split_last_chunk().ok_or(short)?;
        Ok(Parts { position, content, local_signature, national_signature })
    }
}

impl Message<'_> for Position {
    const NAME: &'static str = "position of a change set";

    fn read_from(bytes: &[u8]) -> Result<Position, Malformed> {
        let malformed = |fault| Malformed { message: Self::NAME, fault };
        let layout: &Layout = exactly(Self::NAME, bytes)?;
        let issuer = layout.front.issuer(Self::NAME, MAGIC, "not a change set")?;
        let position = Position {
            issuer,
            sequence: Sequence(layout.sequence.get()),
            confirmed: UnixMillis(layout.confirmed_ms.get()),
            national_key: KeyId(layout.national_key),
            previous: ChainDigest(layout.previous),
        };
        if position.sequence == Sequence(0) {
            return Err(malformed("sequence 0 is before the first"));
        }
        if position.is_first() != (position.previous == ChainDigest::NONE) {
            return Err(malformed("the first follows nothing, and nothing else does"));
        }
        Ok(position)
    }

    fn size(&self) -> usize {
        Self::BYTES
    }

    fn write_to(&self, out: &mut [u8]) {
        let layout = Layout {
            front: Front::new(MAGIC, self.issuer),
            sequence: self.sequence.0.into(),
            confirmed_ms: self.confirmed.0.into(),
            national_key: self.national_key.0,
            previous: self.previous.0,
        };
        put(&layout, out);
    }
}

impl<'a> Message<'a> for ChangeSet<'a> {
    const NAME: &'static str = "change set";

    fn read_from(bytes: &'a [u8]) -> Result<ChangeSet<'a>, Malformed> {
        if bytes.len() > limits::CHANGE_SET_BYTES_MAX {
            return Err(Malformed { message: Self::NAME, fault: "too long" });
        }
        let parts = Parts::of(bytes)?;
        Ok(ChangeSet {
            position: Position::read_from(parts.position)?,
            content: Content::read_from(parts.content)?,
            local_signature: *parts.local_signature,
            national_signature: *parts.national_signature,
        })
    }

    fn size(&self) -> usize {
        Position::BYTES + self.content.size() + 2 * SIGNATURE_BYTES
    }

    fn write_to(&self, out: &mut [u8]) {
        let (position, rest) = out.split_at_mut(Position::BYTES);
        let (content, signatures) = rest.split_at_mut(self.content.size());
        self.position.write_to(position);
        self.content.write_to(content);
        let (local, national) = signatures.split_at_mut(SIGNATURE_BYTES);
        local.copy_from_slice(&self.local_signature);
        national.copy_from_slice(&self.national_signature);
    }
}
