//! A local authority's instruction on its way to its confirmation.

use core::mem::size_of;

use super::SIGNATURE_BYTES;
use super::content::Content;
use super::front::Front;
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

const MAGIC: [u8; 8] = *b"HUFUINST";

const _: () = assert!(size_of::<Front>() == Instruction::HEADER_BYTES);

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
        let front: &Front = exactly(Self::NAME, parts.header)?;
        let issuer = front.issuer(Self::NAME, MAGIC, "not an instruction")?;
        Ok(Instruction { issuer, content: Content::read_from(parts.content)?, signature: *parts.signature })
    }

    fn size(&self) -> usize {
        Self::HEADER_BYTES + self.content.size() + SIGNATURE_BYTES
    }

    fn write_to(&self, out: &mut [u8]) {
        put(&Front::new(MAGIC, self.issuer), out);
        let (content, signature) = out[Self::HEADER_BYTES..].split_at_mut(self.content.size());
        self.content.write_to(content);
        signature.copy_from_slice(&self.signature);
    }
}
