//! The national platform's second word for a change that sets very many holders back.

use core::mem::size_of;

use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::digest::ContentDigest;
use super::front::Front;
use crate::ids::{IssuerId, KeyId};
use crate::message::{Malformed, Message, exactly, put};
use crate::time::UnixMillis;

/// What a registry asks for before it appends a change that sets very many holders back at once ([`Turn::sets_back`](super::Turn::sets_back)). Engines never see
/// it: it guards the chain's door, not its history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release {
    /// Whose holders.
    pub issuer: IssuerId,
    /// The digest of the content that is released.
    pub content: ContentDigest,
    /// When the national platform looked again.
    pub made: UnixMillis,
    /// The national platform's key that signs it.
    pub national_key: KeyId,
    /// How many holders may be set back; at least 1.
    pub set_back: u32,
    /// Of how many, as the registry counted.
    pub holders: u32,
    /// The national platform's signature over everything before.
    pub signature: [u8; 64],
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Layout {
    front: Front,
    content: [u8; 32],
    made_ms: U64,
    national_key: [u8; 8],
    set_back: U32,
    holders: U32,
    signature: [u8; 64],
}

const MAGIC: [u8; 8] = *b"HUFURELS";

const _: () = assert!(size_of::<Layout>() == Release::BYTES);

impl Release {
    /// Bytes of a release.
    pub const BYTES: usize = 136;

    /// How many of them, from the front, its signature covers.
    pub const SIGNED_BYTES: usize = 72;
}

impl Message<'_> for Release {
    const NAME: &'static str = "release";

    fn read_from(bytes: &[u8]) -> Result<Release, Malformed> {
        let malformed = |fault| Malformed { message: Self::NAME, fault };
        let layout: &Layout = exactly(Self::NAME, bytes)?;
        let issuer = layout.front.issuer(Self::NAME, MAGIC, "not a release")?;
        if layout.set_back.get() == 0 {
            return Err(malformed("a release of nobody"));
        }
        Ok(Release {
            issuer,
            content: ContentDigest(layout.content),
            made: UnixMillis(layout.made_ms.get()),
            national_key: KeyId(layout.national_key),
            set_back: layout.set_back.get(),
            holders: layout.holders.get(),
            signature: layout.signature,
        })
    }

    fn size(&self) -> usize {
        Self::BYTES
    }

    fn write_to(&self, out: &mut [u8]) {
        let layout = Layout {
            front: Front::new(MAGIC, self.issuer),
            content: self.content.0,
            made_ms: self.made.0.into(),
            national_key: self.national_key.0,
            set_back: self.set_back.into(),
            holders: self.holders.into(),
            signature: self.signature,
        };
        put(&layout, out);
    }
}
