//! A code: a credential, and on a phone the presentation that proves it live.

use hufu_wire::{CodeKind, Reason, limits};

use crate::cbor::{Fault, Reader, Writer};
use crate::credential::SignedCredential;
use crate::presentation::Presentation;
use crate::text;

/// A code that has been read and is believed in nothing yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code<'a> {
    /// What the issuer signed.
    pub credential: SignedCredential<'a>,
    /// What the phone adds; never there on paper and trip codes.
    pub presentation: Option<Presentation<'a>>,
}

/// Reads a code's binary form: structure only, nothing is verified, nothing allocated.
///
/// # Errors
/// [`Reason::BadEncoding`] for every byte string but the one encoding of its content.
pub fn parse(binary: &[u8]) -> Result<Code<'_>, Reason> {
    read(binary).map_err(|_| Reason::BadEncoding)
}

/// [`parse`] that tells what is wrong, for people who look into a code.
///
/// # Errors
/// The first [`Fault`].
pub fn read(binary: &[u8]) -> Result<Code<'_>, Fault> {
    let mut reader = Reader::new(binary);
    let items = reader.array()?;
    let credential = SignedCredential::read(&mut reader)?;
    let presentation = match (items, credential.claims().kind()) {
        (1, _) => None,
        // On any other kind a presentation would mean nothing: one code would have many spellings.
        (2, CodeKind::Phone) => Some(Presentation::read(&mut reader)?),
        _ => return Err(Fault::Count),
    };
    reader.end()?;
    Ok(Code { credential, presentation })
}

/// Reads a code's text, using `binary` for its binary form.
///
/// # Errors
/// Those of [`text::decode`] and [`parse`].
pub fn parse_text<'b>(
    text: &[u8],
    binary: &'b mut [u8; limits::CODE_BINARY_BYTES_MAX],
) -> Result<Code<'b>, Reason> {
    parse(text::decode(text, binary)?)
}

/// The binary form of a signed credential and, on a phone, a presentation.
pub fn write(credential: &[u8], presentation: Option<Presentation<'_>>) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.array(1 + usize::from(presentation.is_some())).raw(credential);
    if let Some(presentation) = presentation {
        presentation.write(&mut writer);
    }
    writer.into_bytes()
}
