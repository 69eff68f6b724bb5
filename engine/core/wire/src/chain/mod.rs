//! The chain of an issuer's changes: what the two authorities sign, and what a publisher says of its end.
//!
//! * [`Instruction`]: a local authority's [`Content`], with its signature. Nothing has changed yet.
//! * [`ChangeSet`]: the same content with its place in the chain and the national platform's signature (R21).
//! * [`Head`]: where a chain ends and since when, every second (R24).
//! * [`Checkpoint`]: both authorities' word for the table at one place, for whoever cannot have all changes.
//! * [`Release`]: the national platform's second word, to the registry, for a change that sets very many holders back.
//!
//! `docs/SYNC.md` draws every byte. Signatures and digests are made and checked by `hufu-codes`.

mod change;
mod checkpoint;
mod content;
mod digest;
mod front;
mod head;
mod instruction;
mod proposed;
mod release;
mod set;
mod turn;

pub use change::{Change, Changes, Record};
pub use checkpoint::Checkpoint;
pub use content::Content;
pub use digest::{ChainDigest, ContentDigest, InputsDigest};
pub use head::Head;
pub use instruction::{Instruction, InstructionParts};
pub use proposed::Proposed;
pub use release::Release;
pub use set::{ChangeSet, Parts, Position};
pub use turn::Turn;

/// Bytes of an Ed25519 signature.
const SIGNATURE_BYTES: usize = 64;
