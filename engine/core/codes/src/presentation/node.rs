//! The hashes of a step tree, each one SHA-256 block cut to 16 bytes.
//!
//! | value | SHA-256 over |
//! | --- | --- |
//! | salt | `"hufu/1 step salt"`, key id 8, holder 4, generation 1, origin 4, issued 4 (little-endian) |
//! | chain start of a leaf | `00`, salt 16, leaf 1, seed 32 |
//! | next value of a chain | `01`, salt 16, leaf 1, link 1, value 16 |
//! | inner node | `02`, salt 16, level 1, place 1, left 16, right 16 |
//!
//! Domain, salt, level and place make every hash in every tree a function of its own: one guess attacks
//! one place of one tree.

use core::ops::Range;

use hufu_wire::{HolderIndex, KeyId, Step, UnixSeconds};

use crate::sha256::Block;

/// Bytes of every value in a tree.
pub const NODE_BYTES: usize = 16;

/// A value in a tree: a link of a chain, a leaf, an inner node or the root.
pub type Node = [u8; NODE_BYTES];

/// Hashes in one leaf's chain, and steps that one leaf serves.
pub(super) const CHAIN_LINKS: u8 = 16;
/// Levels of inner nodes above the leaves.
pub(super) const LEVELS: usize = 8;

const CHAIN_START: u8 = 0;
pub(super) const CHAIN_LINK: u8 = 1;
pub(super) const INNER: u8 = 2;

const SALT_LABEL: &[u8; 16] = b"hufu/1 step salt";

/// Sets one credential's tree apart from all others. Computed from the credential, so it takes no bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Salt(Node);

impl Salt {
    /// The salt of the credential with these claims. An issuer fixes them before a phone can make its root.
    pub fn of(key: KeyId, holder: HolderIndex, generation: u8, origin: Step, issued: UnixSeconds) -> Salt {
        Salt(Salt::block(key, holder, generation, origin, issued).digest16())
    }

    /// What is hashed for it.
    #[inline]
    pub(super) fn block(
        key: KeyId,
        holder: HolderIndex,
        generation: u8,
        origin: Step,
        issued: UnixSeconds,
    ) -> Block<37> {
        let mut block = Block::<37>::ZEROS;
        block.put(0, SALT_LABEL);
        block.put(16, &key.0);
        block.put(24, &holder.0.to_le_bytes());
        block.put(28, &[generation]);
        block.put(29, &origin.0.to_le_bytes());
        block.put(33, &issued.0.to_le_bytes());
        block
    }
}

/// The secret first value of a leaf's chain.
pub(super) fn chain_start(seed: &[u8; 32], salt: &Salt, leaf: u8) -> Node {
    let mut block = Block::<50>::ZEROS;
    block.put(0, &[CHAIN_START]);
    block.put(1, &salt.0);
    block.put(17, &[leaf]);
    block.put(18, seed);
    block.digest16()
}

/// Walks a leaf's chain over `links`: from the value before the first of them to the value after the last.
pub(super) fn chain(salt: &Salt, leaf: u8, links: Range<u8>, from: &Node) -> Node {
    let mut block = Block::<35>::ZEROS;
    block.put(0, &[CHAIN_LINK]);
    block.put(1, &salt.0);
    block.put(17, &[leaf]);
    links.fold(*from, |value, link| {
        block.put(18, &[link]);
        block.put(19, &value);
        block.digest16()
    })
}

/// The inner node above `left` and `right`. The leaves' parents are level 1, the root is level 8.
pub(super) fn inner(salt: &Salt, level: u8, place: u8, left: &Node, right: &Node) -> Node {
    let mut block = Block::<51>::ZEROS;
    block.put(0, &[INNER]);
    block.put(1, &salt.0);
    block.put(17, &[level, place]);
    block.put(19, left);
    block.put(35, right);
    block.digest16()
}

/// The root that `siblings` lead to from `leaf`, whose value is `end`.
pub(super) fn climb(salt: &Salt, leaf: u8, end: &Node, siblings: &[Node]) -> Node {
    let mut place = leaf;
    (1..).zip(siblings).fold(*end, |value, (level, sibling)| {
        let (left, right) = if place & 1 == 0 { (&value, sibling) } else { (sibling, &value) };
        place >>= 1;
        inner(salt, level, place, left, right)
    })
}
