//! What the national platform checks before it confirms.

use hufu_signature::{Backend, Job};
use hufu_wire::chain::{Instruction, InstructionParts};
use hufu_wire::{Message, read};

use super::INSTRUCTION;
use super::authorities::Authorities;
use super::digest::content_digest;
use super::fault::{ChainFault, ChainFaultKind};
use super::role::Role;
use crate::keyring::Keyring;
use crate::verified::Verified;

/// Reads an instruction for the chain that `authorities` sign and verifies the local authority's signature.
///
/// # Errors
/// The first rule it breaks: encoding, issuer, key, signature.
pub fn open_instruction<'a>(
    bytes: &'a [u8],
    authorities: &Authorities,
    keyring: &Keyring,
    backend: &dyn Backend,
) -> Result<Verified<Instruction<'a>>, ChainFault> {
    open(bytes, authorities, keyring, backend).map_err(|kind| ChainFault {
        issuer: authorities.issuer(),
        message: Instruction::NAME,
        sequence: None,
        kind,
    })
}

fn open<'a>(
    bytes: &'a [u8],
    authorities: &Authorities,
    keyring: &Keyring,
    backend: &dyn Backend,
) -> Result<Verified<Instruction<'a>>, ChainFaultKind> {
    let instruction: Instruction<'a> = read(bytes)?;
    if instruction.issuer != authorities.issuer() {
        return Err(ChainFaultKind::AnotherIssuer { found: instruction.issuer });
    }
    let content = &instruction.content;
    let key = authorities.key(keyring, Role::Local, content.local_key, content.proposed.at())?;
    let issuer = instruction.issuer.0.to_le_bytes();
    let digest = content_digest(InstructionParts::of(bytes)?.content);
    let message = [INSTRUCTION, &issuer, &digest.0, &[]];
    let mut genuine = [false];
    backend.verify(&[Job { key: &key.prepared, message, signature: &instruction.signature }], &mut genuine);
    match genuine {
        [true] => Ok(Verified::proved(instruction, key.issuer)),
        [false] => Err(ChainFaultKind::NotGenuine { role: Role::Local }),
    }
}
