//! What a local authority decides and why.

use core::mem::size_of;

use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::change::{Changes, Record};
use super::digest::InputsDigest;
use super::proposed::Proposed;
use crate::ids::{KeyId, RuleId};
use crate::limits::{self, REASON_BYTES_MAX};
use crate::message::{Malformed, Message, front, put};
use crate::time::UnixMillis;

/// Changes of one issuer's holders, with what an auditor needs to judge them. It has no place in the chain yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content<'a> {
    /// When it was proposed. Rises from set to set of a chain: decisions take effect in the order in which they
    /// were made, each once.
    pub proposed: Proposed,
    /// How long it may wait for its confirmation, seconds: 1 to [`limits::INSTRUCTION_VALIDITY_S_MAX`].
    pub valid_s: u32,
    /// The rule that gave the colours (R28).
    pub rule: RuleId,
    /// What the rule was given.
    pub inputs: InputsDigest,
    /// The key of the local authority that signs it.
    pub local_key: KeyId,
    /// Why, for people: 1 to [`REASON_BYTES_MAX`] bytes of UTF-8 without control characters.
    pub reason: &'a str,
    /// What becomes of whom.
    pub changes: Changes<'a>,
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Layout {
    proposed: U64,
    valid_s: U32,
    rule: U32,
    inputs: [u8; 32],
    local_key: [u8; 8],
    changes: U32,
    reason_bytes: u8,
    zero: [u8; 3],
    reason: [u8; REASON_BYTES_MAX],
}

const _: () = assert!(size_of::<Layout>() == Content::HEADER_BYTES);

impl Content<'_> {
    /// Bytes before the changes.
    pub const HEADER_BYTES: usize = 192;

    /// From when it can no longer be confirmed.
    pub fn expires(&self) -> UnixMillis {
        UnixMillis(self.proposed.at().0.saturating_add(u64::from(self.valid_s) * 1000))
    }
}

impl<'a> Message<'a> for Content<'a> {
    const NAME: &'static str = "content of a change set";

    fn read_from(bytes: &'a [u8]) -> Result<Content<'a>, Malformed> {
        let malformed = |fault| Malformed { message: Self::NAME, fault };
        let (layout, records): (&'a Layout, _) = front(Self::NAME, bytes)?;
        let records = <[Record]>::ref_from_bytes(records).map_err(|_| malformed("wrong length"))?;
        if layout.changes.get() as usize != records.len() {
            return Err(malformed("wrong length"));
        }
        if layout.zero != [0; 3] {
            return Err(malformed("reserved bytes are not zero"));
        }
        let valid_s = layout.valid_s.get();
        if valid_s == 0 || valid_s > limits::INSTRUCTION_VALIDITY_S_MAX {
            return Err(malformed("a validity that nothing may have"));
        }
        Ok(Content {
            proposed: Proposed::read(Self::NAME, layout.proposed.get())?,
            valid_s,
            rule: RuleId(layout.rule.get()),
            inputs: InputsDigest(layout.inputs),
            local_key: KeyId(layout.local_key),
            reason: layout.reason().map_err(malformed)?,
            changes: Changes::new(records)?,
        })
    }

    fn size(&self) -> usize {
        Self::HEADER_BYTES + self.changes.len() * Record::BYTES
    }

    /// A reason that is too long is cut off: whoever signs reads back what was written.
    fn write_to(&self, out: &mut [u8]) {
        let given = self.reason.as_bytes();
        let given = &given[..given.len().min(REASON_BYTES_MAX)];
        let mut reason = [0; REASON_BYTES_MAX];
        reason[..given.len()].copy_from_slice(given);
        #[expect(clippy::cast_possible_truncation, reason = "at most 128 and 32,768")]
        let (reason_bytes, changes) = (given.len() as u8, self.changes.len() as u32);
        let layout = Layout {
            proposed: self.proposed.bits().into(),
            valid_s: self.valid_s.into(),
            rule: self.rule.0.into(),
            inputs: self.inputs.0,
            local_key: self.local_key.0,
            changes: changes.into(),
            reason_bytes,
            zero: [0; 3],
            reason,
        };
        put(&layout, out);
        out[Self::HEADER_BYTES..].copy_from_slice(self.changes.as_bytes());
    }
}

impl Layout {
    fn reason(&self) -> Result<&str, &'static str> {
        let length = usize::from(self.reason_bytes);
        let (Some(text), Some(rest)) = (self.reason.get(..length), self.reason.get(length..)) else {
            return Err("a reason too long");
        };
        if text.is_empty() {
            return Err("no reason");
        }
        if rest.iter().any(|byte| *byte != 0) {
            return Err("bytes after the reason are not zero");
        }
        let text = core::str::from_utf8(text).map_err(|_| "a reason that is not UTF-8")?;
        // A reason is shown in logs and terminals.
        if text.chars().any(char::is_control) { Err("control characters in the reason") } else { Ok(text) }
    }
}
