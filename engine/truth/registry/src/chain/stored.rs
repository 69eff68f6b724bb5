//! Rows of a chain as they are read back: altered ones are found here, and refused by every engine in any case.

use hufu_codes::chain::{Tip, chain_digest, content_digest};
use hufu_contract::{ProposalId, StoredSet};
use hufu_wire::chain::{ChainDigest, ContentDigest, Instruction, InstructionParts, Parts};
use hufu_wire::{HolderIndex, IssuerId, Sequence, read};

use crate::fault::Fault;

/// A row of a chain as a store read it.
#[derive(Clone, Debug)]
pub struct StoredRow {
    /// Its place.
    pub sequence: Sequence,
    /// The chain digest that was written beside the bytes.
    pub digest: ChainDigest,
    /// The bytes of the set.
    pub bytes: Vec<u8>,
}

/// The set of a row, if it is what was appended.
///
/// # Errors
/// [`Fault::Damaged`].
pub fn checked_set(issuer: IssuerId, row: StoredRow) -> Result<StoredSet, Fault> {
    let StoredRow { sequence, digest, bytes } = row;
    let is_intact = Parts::of(&bytes).is_ok_and(|parts| {
        // Magic and version, then issuer and sequence: docs/SYNC.md, Position.
        parts.position[12..16] == issuer.0.to_le_bytes()
            && parts.position[16..24] == sequence.0.to_le_bytes()
            && chain_digest(parts.position, &content_digest(parts.content)) == digest
    });
    if is_intact {
        return Ok(StoredSet { sequence, bytes: bytes.into() });
    }
    Err(Fault::Damaged(format!("set {sequence} of issuer {issuer} was altered: restore it from a backup")))
}

/// The sets of rows that follow `after` in a chain that ends with `last`.
///
/// # Errors
/// [`Fault::Damaged`], also when one is missing.
pub fn checked_sets(
    issuer: IssuerId,
    after: Sequence,
    last: Sequence,
    rows: Vec<StoredRow>,
) -> Result<Vec<StoredSet>, Fault> {
    let missing = |sequence: u64| {
        Fault::Damaged(format!("set {sequence} of issuer {issuer} is missing: restore it from a backup"))
    };
    let following = after.0.saturating_add(1)..;
    if rows.is_empty() && last > after {
        return Err(missing(following.start));
    }
    let checked = |(row, sequence): (StoredRow, u64)| {
        if row.sequence.0 == sequence { checked_set(issuer, row) } else { Err(missing(sequence)) }
    };
    // Rows first: without one, nothing is counted beyond the last number.
    rows.into_iter().zip(following).map(checked).collect()
}

/// Where a chain ends, if its last row says so too.
///
/// # Errors
/// [`Fault::Damaged`].
pub fn checked_tip(issuer: IssuerId, tip: Tip, last: Option<ChainDigest>) -> Result<Tip, Fault> {
    if tip == Tip::START && last.is_none() || last == Some(tip.digest) && tip.sequence > Tip::START.sequence {
        return Ok(tip);
    }
    let Tip { sequence, .. } = tip;
    Err(Fault::Damaged(format!(
        "the chain of issuer {issuer} does not end with its set {sequence}: rows were altered"
    )))
}

/// Whom an instruction names, by rising index; nobody when its bytes are no instruction.
pub fn named(instruction: &[u8]) -> Vec<HolderIndex> {
    let opened: Result<Instruction<'_>, _> = read(instruction);
    opened.map_or_else(
        |_| Vec::new(),
        |opened| opened.content.changes.iter().map(|(holder, _)| holder).collect(),
    )
}

/// The instruction of a proposal, if it is what was submitted.
///
/// # Errors
/// [`Fault::Damaged`].
pub fn checked_instruction(
    issuer: IssuerId,
    id: ProposalId,
    content: ContentDigest,
    bytes: Vec<u8>,
) -> Result<Vec<u8>, Fault> {
    if InstructionParts::of(&bytes).is_ok_and(|parts| content_digest(parts.content) == content) {
        return Ok(bytes);
    }
    Err(Fault::Damaged(format!("the instruction of proposal {id} of issuer {issuer} was altered")))
}
