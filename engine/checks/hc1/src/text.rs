//! From the text of a certificate to its bytes: base45, then zlib.

use hufu_codes::text::decode_digits;
use hufu_wire::scan::HEALTH_CERTIFICATE_PREFIX as PREFIX;
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags};

use crate::cbor::Unreadable;

/// Longest certificate, bytes once inflated. The longest of the EU's public samples has about 1,600; a bomb ends here.
pub const BYTES_MAX: usize = 4096;
/// What base45 makes of the largest QR code, 4,296 characters.
const PACKED_BYTES_MAX: usize = 2864;

/// Whether a text begins as a certificate does.
pub fn is_certificate(text: &[u8]) -> bool {
    text.starts_with(PREFIX.as_bytes())
}

/// The bytes of a certificate, in `room`.
///
/// A certificate that was never compressed is refused, as the EU's published test data expects (`common/Z2`).
///
/// # Errors
/// [`Unreadable`] for another prefix, text that is not base45, and bytes that do not inflate to the end of `room` at
/// the most.
pub fn open<'r>(text: &[u8], room: &'r mut [u8; BYTES_MAX]) -> Result<&'r [u8], Unreadable> {
    let digits = text.strip_prefix(PREFIX.as_bytes()).ok_or(Unreadable)?;
    let mut packed = [0; PACKED_BYTES_MAX];
    let size = decode_digits(digits, &mut packed).ok_or(Unreadable)?;
    let packed = &packed[..size];
    let flags =
        inflate_flags::TINFL_FLAG_PARSE_ZLIB_HEADER | inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
    let (status, read, written) = decompress(&mut DecompressorOxide::new(), packed, room, 0, flags);
    if status != TINFLStatus::Done || read != packed.len() {
        return Err(Unreadable);
    }
    Ok(&room[..written])
}
