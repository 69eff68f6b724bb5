//! Values side by side in bytes, least significant bits first (draft section 4.1).

use miniz_oxide::deflate::compress_to_vec_zlib;
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_COMPUTE_ADLER32, TINFL_FLAG_PARSE_ZLIB_HEADER, TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

use crate::fault::Fault;

/// Most bytes that a list may inflate to: 67 million holders of two bits. Deflate shrinks a thousandfold at most, so a
/// bomb of that size has 16 KiB.
pub const INFLATED_BYTES_MAX: usize = 16 << 20;

/// Draft section 4.1 asks for the highest level.
const LEVEL: u8 = 9;

/// How many bits a value has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Bits {
    /// Valid or not.
    One = 1,
    /// Also suspended, and one value of an application's own.
    Two = 2,
    /// Sixteen values.
    Four = 4,
    /// 256 values.
    Eight = 8,
}

/// The values of a list, inflated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusList {
    bits: Bits,
    bytes: Vec<u8>,
}

impl Bits {
    /// The number of bits that a token names.
    ///
    /// # Errors
    /// [`Fault::Content`] for anything but 1, 2, 4 and 8.
    pub fn of(bits: u64) -> Result<Bits, Fault> {
        match bits {
            1 => Ok(Bits::One),
            2 => Ok(Bits::Two),
            4 => Ok(Bits::Four),
            8 => Ok(Bits::Eight),
            _ => Err(Fault::Content(format!("bits is {bits}, and 1, 2, 4 or 8 is expected"))),
        }
    }

    /// Values in a byte.
    const fn in_byte(self) -> u64 {
        8 / self as u64
    }

    /// The greatest value.
    pub const fn value_max(self) -> u8 {
        u8::MAX >> (8 - self as u8)
    }
}

impl StatusList {
    /// These values, in the order of their indexes. Bits above [`Bits::value_max`] are dropped.
    pub fn of(bits: Bits, values: impl IntoIterator<Item = u8>) -> StatusList {
        let mut bytes = Vec::new();
        for (index, value) in (0_u64..).zip(values) {
            let shift = index % bits.in_byte() * bits as u64;
            if shift == 0 {
                bytes.push(0);
            }
            if let Some(last) = bytes.last_mut() {
                *last |= (value & bits.value_max()) << shift;
            }
        }
        StatusList { bits, bytes }
    }

    /// How many bits a value has.
    pub fn bits(&self) -> Bits {
        self.bits
    }

    /// Its entries, with those that only fill the last byte.
    pub fn entries(&self) -> u64 {
        self.bytes.len() as u64 * self.bits.in_byte()
    }

    /// The value at `index`; `None` beyond the end, of which nothing is said (draft section 8.3).
    pub fn get(&self, index: u64) -> Option<u8> {
        let byte = self.bytes.get(usize::try_from(index / self.bits.in_byte()).ok()?)?;
        Some(byte >> (index % self.bits.in_byte() * self.bits as u64) & self.bits.value_max())
    }

    /// The packed bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The packed bytes, deflated with a zlib header, at the highest level.
    pub fn deflate(&self) -> Vec<u8> {
        compress_to_vec_zlib(&self.bytes, LEVEL)
    }

    /// The other way. With `entries` it has exactly as many, up to the last byte.
    ///
    /// # Errors
    /// [`Fault::Inflate`] for everything but one whole zlib stream, [`Fault::TooLarge`], [`Fault::Entries`].
    pub fn inflate(bits: Bits, zlib: &[u8], entries: Option<u64>) -> Result<StatusList, Fault> {
        let wanted = entries.map(|entries| entries.div_ceil(bits.in_byte()));
        let max = wanted.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(usize::MAX);
        let max = max.min(INFLATED_BYTES_MAX);
        let bytes = match inflated(zlib, max) {
            // One byte more than agreed is too many entries, not a bomb.
            Err(Fault::TooLarge { .. }) if max < INFLATED_BYTES_MAX => {
                let expected = entries.unwrap_or_default();
                let found = (max as u64 + 1) * bits.in_byte();
                return Err(Fault::Entries { found, expected });
            }
            other => other?,
        };
        let list = StatusList { bits, bytes };
        match (entries, wanted) {
            (Some(expected), Some(wanted)) if wanted != list.bytes.len() as u64 => {
                Err(Fault::Entries { found: list.entries(), expected })
            }
            _ if list.bytes.is_empty() => Err(Fault::Content("the list is empty".to_owned())),
            _ => Ok(list),
        }
    }
}

/// One whole zlib stream of at most `max` bytes.
fn inflated(zlib: &[u8], max: usize) -> Result<Vec<u8>, Fault> {
    const FLAGS: u32 =
        TINFL_FLAG_PARSE_ZLIB_HEADER | TINFL_FLAG_COMPUTE_ADLER32 | TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
    let mut state = Box::<DecompressorOxide>::default();
    // One byte more than may be there, so that a stream which ends at the limit is seen to end.
    let room = max.saturating_add(1);
    let mut out = vec![0; zlib.len().saturating_mul(2).clamp(64.min(room), room)];
    let (mut read, mut written) = (0, 0);
    loop {
        let (status, took, gave) = decompress(&mut state, &zlib[read..], &mut out, written, FLAGS);
        (read, written) = (read + took, written + gave);
        if written > max {
            return Err(Fault::TooLarge { max });
        }
        match status {
            TINFLStatus::Done if read == zlib.len() => {
                out.truncate(written);
                return Ok(out);
            }
            TINFLStatus::Done => return Err(Fault::Inflate("more bytes follow it")),
            TINFLStatus::HasMoreOutput if out.len() < room => {
                let more = out.len().saturating_mul(2).min(room);
                out.resize(more, 0);
            }
            TINFLStatus::HasMoreOutput => return Err(Fault::TooLarge { max }),
            TINFLStatus::Adler32Mismatch => return Err(Fault::Inflate("its checksum is another")),
            TINFLStatus::FailedCannotMakeProgress | TINFLStatus::NeedsMoreInput => {
                return Err(Fault::Inflate("it is cut"));
            }
            _ => return Err(Fault::Inflate("it is damaged")),
        }
    }
}
