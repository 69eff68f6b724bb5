//! Presentations: what a phone shows in each step of 30 seconds to prove a credential live (R02).
//!
//! A credential carries the root of a tree over 4096 one-time values; the phone releases the value of the
//! step that has come. Whoever sees it can prove that step and nothing later.
//! `docs/decisions/0001-step-tree.md` has the argument, `docs/CODES.md` the bytes.

mod node;
mod step;
#[cfg(target_arch = "x86_64")]
mod streams;
mod tree;

use hufu_wire::{Reason, Step};

use crate::cbor::{Fault, Reader, Writer};
use crate::credential::{Credential, Detail};
use crate::verified::Verified;

pub use node::{NODE_BYTES, Node, Salt};
pub use step::{StepIndex, clock_offset, steps_ahead};
pub use tree::StepTree;

use node::{CHAIN_LINKS, LEVELS};

/// Bytes of a path: the sibling on each level from the leaf to the root.
pub const PATH_BYTES: usize = LEVELS * NODE_BYTES;

/// One step's proof, as it travelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Presentation<'a> {
    /// Which step of the credential it proves.
    pub step: StepIndex,
    /// The chain value released in that step.
    pub preimage: &'a Node,
    /// The siblings between the leaf and the root, leaf level first.
    pub path: &'a [u8; PATH_BYTES],
}

/// One step's proof, as a phone makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresentationBuf {
    /// Which step of the credential it proves.
    pub step: StepIndex,
    /// The chain value released in that step.
    pub preimage: Node,
    /// The siblings between the leaf and the root, leaf level first.
    pub path: [u8; PATH_BYTES],
}

/// What was shown beside a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Nothing, and its kind asks for nothing.
    NotNeeded,
    /// The genuine presentation of this step; whether that is now is for [`steps_ahead`] to say.
    At(Step),
}

/// Checks what is shown beside a genuine credential.
///
/// # Errors
/// [`Reason::PresentationMissing`] for a phone code alone, [`Reason::PresentationInvalid`] when the
/// presentation is another credential's or nobody's.
pub fn present(
    credential: &Verified<Credential<'_>>,
    presentation: Option<&Presentation<'_>>,
) -> Result<Shown, Reason> {
    let Detail::Phone { root, origin } = &credential.detail else {
        // A presentation on another kind is refused when the code is parsed.
        return Ok(Shown::NotNeeded);
    };
    let presentation = presentation.ok_or(Reason::PresentationMissing)?;
    let salt = Salt::of(credential.key, credential.holder, credential.generation, *origin, credential.issued);
    if verify(root, &salt, presentation) {
        Ok(Shown::At(presentation.step.after(*origin)))
    } else {
        Err(Reason::PresentationInvalid)
    }
}

/// What [`present`] answers to each of a batch: to the first of them in the first of `answers`. Where the CPU hashes two
/// blocks in little more time than one, it does.
///
/// # Panics
/// With fewer answers than are asked for.
pub fn present_all<'s, 'b: 's>(
    shown: impl Iterator<Item = (&'s Verified<Credential<'b>>, Option<&'s Presentation<'b>>)>,
    answers: &mut [Result<Shown, Reason>],
) {
    #[cfg(target_arch = "x86_64")]
    if let Some(streams) = streams::Streams::detect() {
        return streams.present_all(shown, answers);
    }
    for (at, (credential, presentation)) in shown.enumerate() {
        answers[at] = present(credential, presentation);
    }
}

/// Whether `presentation` leads to `root`. At most 24 SHA-256 blocks, 16.5 on average.
pub fn verify(root: &Node, salt: &Salt, presentation: &Presentation<'_>) -> bool {
    let (leaf, link) = presentation.step.place();
    let end = node::chain(salt, leaf, link..CHAIN_LINKS, presentation.preimage);
    let (siblings, _) = presentation.path.as_chunks::<NODE_BYTES>();
    node::climb(salt, leaf, &end, siblings) == *root
}

impl<'a> Presentation<'a> {
    /// Reads the next item as a presentation: structure only.
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Presentation<'a>, Fault> {
        reader.array_of(3)?;
        let step = StepIndex::new(reader.u32()?).ok_or(Fault::Range)?;
        Ok(Presentation { step, preimage: reader.bytes_of()?, path: reader.bytes_of()? })
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.array(3).uint(self.step.get()).bytes(self.preimage).bytes(self.path);
    }
}

impl PresentationBuf {
    /// The same presentation, borrowed.
    pub fn borrowed(&self) -> Presentation<'_> {
        Presentation { step: self.step, preimage: &self.preimage, path: &self.path }
    }
}
