//! The text by which a device asks for an entry of a status list that the engine follows (R64).

use core::fmt;

use crate::ids::{HolderIndex, IssuerId};

/// What every such text begins with.
pub(crate) const PREFIX: &str = "SL1:";

/// An entry of a foreign issuer's status list. It proves nothing: the device says that it has verified a credential
/// (SD-JWT, mdoc) which names this entry. What was scanned is never one, whatever it looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Whose list, as the engine numbers issuers.
    pub issuer: IssuerId,
    /// Which entry: its index, counted over all lists of the issuer.
    pub index: HolderIndex,
}

impl Reference {
    /// Longest text, bytes.
    pub const BYTES_MAX: usize = PREFIX.len() + 10 + 1 + 10;

    /// Whether a text begins as these do.
    #[inline]
    pub fn begins(scan: &[u8]) -> bool {
        scan.starts_with(PREFIX.as_bytes())
    }

    /// Reads `SL1:ISSUER.INDEX`; `None` for everything that [`Display`](fmt::Display) does not write.
    pub fn read(text: &[u8]) -> Option<Reference> {
        let (issuer, index) = core::str::from_utf8(text).ok()?.strip_prefix(PREFIX)?.split_once('.')?;
        Some(Reference { issuer: IssuerId(number(issuer)?), index: HolderIndex(number(index)?) })
    }
}

/// Digits alone, without a zero in front: `parse` takes both.
fn number(digits: &str) -> Option<u32> {
    let canonical = digits == "0" || !digits.starts_with('0');
    (canonical && digits.bytes().all(|digit| digit.is_ascii_digit())).then(|| digits.parse().ok())?
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}.{}", self.issuer, self.index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn r64_a_reference_has_one_spelling() {
        let longest = Reference { issuer: IssuerId(u32::MAX), index: HolderIndex(u32::MAX) };
        assert_eq!(longest.to_string().len(), Reference::BYTES_MAX);
        for text in [
            "",
            "SL1:",
            "SL1:1",
            "SL1:1.",
            "SL1:.1",
            "sl1:1.2",
            "SL1:01.2",
            "SL1:1.02",
            "SL1:+1.2",
            "SL1:1.-2",
            "SL1: 1.2",
            "SL1:1.2 ",
            "SL1:1.2\n",
            "SL1:1.2.3",
            "SL1:4294967296.0",
            "SL1:0.4294967296",
            "SL1:1,2",
            "SL1:١.2",
            "SL2:1.2",
            "HF1:1.2",
        ] {
            assert_eq!(Reference::read(text.as_bytes()), None, "{text:?}");
        }
        let zero = Reference { issuer: IssuerId(0), index: HolderIndex(0) };
        assert_eq!(Reference::read(b"SL1:0.0"), Some(zero));
    }

    proptest! {
        #[test]
        fn r64_what_is_read_is_what_is_written(issuer: u32, index: u32, text in "SL1:[0-9]{0,11}[.]?[0-9 +]{0,11}") {
            let reference = Reference { issuer: IssuerId(issuer), index: HolderIndex(index) };
            prop_assert_eq!(Reference::read(reference.to_string().as_bytes()), Some(reference));
            if let Some(read) = Reference::read(text.as_bytes()) {
                prop_assert_eq!(read.to_string(), text);
            }
        }
    }
}
