//! Which set of which chain some bytes are, by what they say of themselves.

use hufu_codes::chain::{chain_digest, content_digest};
use hufu_wire::chain::{ChainDigest, ChangeSet, Parts, Position};
use hufu_wire::{IssuerId, Message as _, Sequence, limits};

/// A set's place. No signature was verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    /// Its sequence.
    pub(crate) sequence: Sequence,
    /// Its chain digest.
    pub(crate) digest: ChainDigest,
    /// The digest of the set before it.
    pub(crate) previous: ChainDigest,
}

/// Whether bytes may be a set, by their number.
pub(crate) fn may_be_set(bytes: &[u8]) -> bool {
    (ChangeSet::OVERHEAD_BYTES..=limits::CHANGE_SET_BYTES_MAX).contains(&bytes.len())
}

/// The sequence of `issuer`'s set that these bytes say they are.
pub(crate) fn sequence(bytes: &[u8], issuer: IssuerId) -> Option<Sequence> {
    position(bytes, issuer).map(|position| position.sequence)
}

impl Placed {
    /// `None` for what is no set of `issuer`.
    pub(crate) fn read(bytes: &[u8], issuer: IssuerId) -> Option<Placed> {
        let Position { sequence, previous, .. } = position(bytes, issuer)?;
        let parts = Parts::of(bytes).ok()?;
        let digest = chain_digest(parts.position, &content_digest(parts.content));
        Some(Placed { sequence, digest, previous })
    }
}

fn position(bytes: &[u8], issuer: IssuerId) -> Option<Position> {
    if !may_be_set(bytes) {
        return None;
    }
    let position = Position::read_from(Parts::of(bytes).ok()?.position).ok()?;
    (position.issuer == issuer).then_some(position)
}
