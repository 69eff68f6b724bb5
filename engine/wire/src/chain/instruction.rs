//! A local authority's instruction on its way to its confirmation.

use core::mem::size_of;

use zerocopy::little_endian::U32;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::content::Content;
use super::{SIGNATURE_BYTES, VERSION};
use crate::ids::IssuerId;
use crate::limits;
use crate::message::{Malformed, Message, exactly, put};

/// What one local authority wants to change, signed by it alone. No engine applies it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction<'a> {
    /// Whose holders.
    pub issuer: IssuerId,
    /// What changes and why.
    pub content: Content<'a>,
    /// The local authority's signature; it goes into the change set as it is.
    pub signature: [u8; 64],
}

/// The bytes of an instruction, cut where its signature needs them.
#[derive(Clone, Copy, Debug)]
pub struct InstructionParts<'a> {
    /// Magic, version and issuer.
    pub header: &'a [u8; Instruction::HEADER_BYTES],
    /// The content.
    pub content: &'a [u8],
    /// The local authority's signature.
    pub signature: &'a [u8; 64],
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Layout {
    magic: [u8; 8],
    version: U32,
    issuer: U32,
}

const MAGIC: [u8; 8] = *b"HUFUINST";

const _: () = assert!(size_of::<Layout>() == Instruction::HEADER_BYTES);

impl Instruction<'_> {
    /// Bytes before the content.
    pub const HEADER_BYTES: usize = 16;
}

impl<'a> InstructionParts<'a> {
    /// The parts of `bytes`, an instruction that was read.
    ///
    /// # Errors
    /// [`Malformed`] when they are too few for any instruction.
    pub fn of(bytes: &'a [u8]) -> Result<InstructionParts<'a>, Malformed> {
        let short = Malformed { message: Instruction::NAME, fault: "too short" };
        let (header, rest) = bytes.split_first_chunk().ok_or(short)?;
        let (content, signature) = rest.split_last_chunk().ok_or(short)?;
        Ok(InstructionParts { header, content, signature })
    }
}

impl<'a> Message<'a> for Instruction<'a> {
    const NAME: &'static str = "instruction";

    fn read_from(bytes: &'a [u8]) -> Result<Instruction<'a>, Malformed> {
        let malformed = |fault| Malformed { message: Self::NAME, fault };
        if bytes.len() > limits::CHANGE_SET_BYTES_MAX {
            return Err(malformed("too long"));
        }
        let parts = InstructionParts::of(bytes)?;
        let layout: &Layout = exactly(Self::NAME, parts.header)?;
        if layout.magic != MAGIC {
            return Err(malformed("not an instruction"));
        }
        if layout.version.get() != VERSION {
            return Err(malformed("unknown version"));
        }
        Ok(Instruction {
            issuer: IssuerId(layout.issuer.get()),
            content: Content::read_from(parts.content)?,
            signature: *parts.signature,
        })
    }

    fn size(&self) -> usize {
        Self::HEADER_BYTES + self.content.size() + SIGNATURE_BYTES
    }

    fn write_to(&self, out: &mut [u8]) {
        put(&Layout { magic: MAGIC, version: VERSION.into(), issuer: self.issuer.0.into() }, out);
        let (content, signature) = out[Self::HEADER_BYTES..].split_at_mut(self.content.size());
        self.content.write_to(content);
        signature.copy_from_slice(&self.signature);
    }
}
