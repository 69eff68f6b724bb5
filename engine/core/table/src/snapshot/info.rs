//! What a snapshot file says about itself.

use std::fmt;

use hufu_wire::{IssuerId, Sequence, UnixMillis};

/// What a snapshot file says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SnapshotInfo {
    /// Whose holders these are.
    pub issuer: IssuerId,
    /// Every change up to this one is in the words.
    pub sequence: Sequence,
    /// When the issuer's head was made, `None` if none was heard.
    pub heard: Option<UnixMillis>,
    /// Words that are not all zero: the holders something is known of.
    pub holders: u64,
    /// Segments stored; those in which every holder is unknown are left out.
    pub segments: u32,
    /// Size of the file.
    pub bytes: u64,
    /// Covers every byte of the file.
    pub digest: SnapshotDigest,
}

/// The name of a snapshot's content: the same words at the same head give the same digest.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SnapshotDigest(pub [u8; 32]);

impl fmt::Display for SnapshotDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for SnapshotDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SnapshotDigest({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::SnapshotDigest;

    #[test]
    fn a_digest_is_shown_in_hexadecimal() {
        let digest = SnapshotDigest(std::array::from_fn(|i| u8::try_from(8 * i).expect("below 256")));
        assert_eq!(digest.to_string(), "0008101820283038404850586068707880889098a0a8b0b8c0c8d0d8e0e8f0f8");
    }
}
