//! Both authorities' word for a whole table.

use core::mem::size_of;

use zerocopy::little_endian::U64;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::digest::ChainDigest;
use super::front::Front;
use super::proposed::Proposed;
use crate::ids::{IssuerId, KeyId, Sequence};
use crate::message::{Malformed, Message, exactly, put};
use crate::time::UnixMillis;

/// The issuer's table at one place of its chain, signed like a change: a snapshot speaks for every holder, so it
/// takes both keys too (R21, R22).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Whose table.
    pub issuer: IssuerId,
    /// Every change up to this one is in it; at least 1.
    pub sequence: Sequence,
    /// When both agreed on it.
    pub made: UnixMillis,
    /// When the last instruction in it was proposed: the next one is later.
    pub proposed: Proposed,
    /// The local authority's key.
    pub local_key: KeyId,
    /// The national platform's key.
    pub national_key: KeyId,
    /// The digest that the change set after it follows.
    pub digest: ChainDigest,
    /// The digest of the snapshot file (`docs/SNAPSHOT.md`).
    pub snapshot: [u8; 32],
    /// The local authority's signature over everything before.
    pub local_signature: [u8; 64],
    /// The national platform's signature over the same.
    pub national_signature: [u8; 64],
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Layout {
    front: Front,
    sequence: U64,
    made_ms: U64,
    proposed: U64,
    local_key: [u8; 8],
    national_key: [u8; 8],
    digest: [u8; 32],
    snapshot: [u8; 32],
    local_signature: [u8; 64],
    national_signature: [u8; 64],
}

const MAGIC: [u8; 8] = *b"HUFUCKPT";

const _: () = assert!(size_of::<Layout>() == Checkpoint::BYTES);

impl Checkpoint {
    /// Bytes of a checkpoint.
    pub const BYTES: usize = 248;

    /// How many of them, from the front, both signatures cover.
    pub const SIGNED_BYTES: usize = 120;
}

impl Message<'_> for Checkpoint {
    const NAME: &'static str = "checkpoint";

    fn read_from(bytes: &[u8]) -> Result<Checkpoint, Malformed> {
        let malformed = |fault| Malformed { message: Self::NAME, fault };
        let layout: &Layout = exactly(Self::NAME, bytes)?;
        let issuer = layout.front.issuer(Self::NAME, MAGIC, "not a checkpoint")?;
        if layout.sequence.get() == 0 || layout.digest == ChainDigest::NONE.0 {
            return Err(malformed("a checkpoint of an empty chain"));
        }
        Ok(Checkpoint {
            issuer,
            sequence: Sequence(layout.sequence.get()),
            made: UnixMillis(layout.made_ms.get()),
            proposed: Proposed::read(Self::NAME, layout.proposed.get())?,
            local_key: KeyId(layout.local_key),
            national_key: KeyId(layout.national_key),
            digest: ChainDigest(layout.digest),
            snapshot: layout.snapshot,
            local_signature: layout.local_signature,
            national_signature: layout.national_signature,
        })
    }

    fn size(&self) -> usize {
        Self::BYTES
    }

    fn write_to(&self, out: &mut [u8]) {
        let layout = Layout {
            front: Front::new(MAGIC, self.issuer),
            sequence: self.sequence.0.into(),
            made_ms: self.made.0.into(),
            proposed: self.proposed.bits().into(),
            local_key: self.local_key.0,
            national_key: self.national_key.0,
            digest: self.digest.0,
            snapshot: self.snapshot,
            local_signature: self.local_signature,
            national_signature: self.national_signature,
        };
        put(&layout, out);
    }
}
