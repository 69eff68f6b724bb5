//! Where a chain ends, said again every second.

use core::mem::size_of;

use zerocopy::little_endian::U64;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::digest::ChainDigest;
use super::front::Front;
use crate::ids::{IssuerId, KeyId, Sequence};
use crate::message::{Malformed, Message, exactly, put};
use crate::time::UnixMillis;

/// A publisher's word that at `time` the issuer's chain ended with `sequence` (R24).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Whose chain.
    pub issuer: IssuerId,
    /// Its last change set; 0 when there is none yet.
    pub sequence: Sequence,
    /// When it was the last.
    pub time: UnixMillis,
    /// The publisher's key that signs it.
    pub publisher_key: KeyId,
    /// The digest of that change set, [`ChainDigest::NONE`] when there is none.
    pub digest: ChainDigest,
    /// The publisher's signature over everything before.
    pub signature: [u8; 64],
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Layout {
    front: Front,
    sequence: U64,
    time_ms: U64,
    publisher_key: [u8; 8],
    digest: [u8; 32],
    signature: [u8; 64],
}

const MAGIC: [u8; 8] = *b"HUFUHEAD";

const _: () = assert!(size_of::<Layout>() == Head::BYTES);

impl Head {
    /// Bytes of a head.
    pub const BYTES: usize = 136;

    /// How many of them, from the front, its signature covers.
    pub const SIGNED_BYTES: usize = 72;
}

impl Message<'_> for Head {
    const NAME: &'static str = "head";

    fn read_from(bytes: &[u8]) -> Result<Head, Malformed> {
        let malformed = |fault| Malformed { message: Self::NAME, fault };
        let layout: &Layout = exactly(Self::NAME, bytes)?;
        let issuer = layout.front.issuer(Self::NAME, MAGIC, "not a head")?;
        let head = Head {
            issuer,
            sequence: Sequence(layout.sequence.get()),
            time: UnixMillis(layout.time_ms.get()),
            publisher_key: KeyId(layout.publisher_key),
            digest: ChainDigest(layout.digest),
            signature: layout.signature,
        };
        if (head.sequence == Sequence(0)) != (head.digest == ChainDigest::NONE) {
            return Err(malformed("an empty chain has no digest, and no other has none"));
        }
        Ok(head)
    }

    fn size(&self) -> usize {
        Self::BYTES
    }

    fn write_to(&self, out: &mut [u8]) {
        let layout = Layout {
            front: Front::new(MAGIC, self.issuer),
            sequence: self.sequence.0.into(),
            time_ms: self.time.0.into(),
            publisher_key: self.publisher_key.0,
            digest: self.digest.0,
            signature: self.signature,
        };
        put(&layout, out);
    }
}
