//! The two digests of a chain.

use hufu_wire::chain::{ChainDigest, ContentDigest, Position};
use sha2::{Digest as _, Sha256};

/// The digest of a content's bytes.
pub fn content_digest(content: &[u8]) -> ContentDigest {
    ContentDigest(crate::sha256::digest(content))
}

/// The digest of a change set: of its place and of its content, whoever signed it and how.
///
/// Signatures are left out because one signer can make many of them for the same thing; what they cover is in.
pub fn chain_digest(position: &[u8; Position::BYTES], content: &ContentDigest) -> ChainDigest {
    let digest = Sha256::new_with_prefix(b"hufu/1 change set").chain_update(position).chain_update(content.0);
    ChainDigest(digest.finalize().into())
}
