//! The answer to a roster: a summary, then four bytes for each member in the roster's order (R12).

use core::mem::size_of;

use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::decision::Decision;
use crate::message::{Malformed, Message, exactly, put};
use crate::reason::Reason;
use crate::status::Colour;
use crate::time::UnixMillis;
use crate::verdict::{Age, read_colour, read_ruling, write_colour};

/// One member's verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberVerdict {
    /// Whether the member may enter.
    pub decision: Decision,
    /// Why.
    pub reason: Reason,
    /// The member's colour, `None` when unknown.
    pub colour: Option<Colour>,
}

/// The front of the answer to a roster; `members` [`MemberVerdict`]s follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RosterReply {
    /// The engine's clock when it decided.
    pub server_time: UnixMillis,
    /// Age of the oldest issuer's data among the members.
    pub age: Age,
    /// [`Reason::Clear`] when the roster was checked; else why it was not, and no members follow.
    pub reason: Reason,
    /// How many members follow.
    pub members: u32,
    /// How many may enter.
    pub admitted: u32,
    /// At how many a person must look.
    pub referred: u32,
    /// How many may not enter.
    pub refused: u32,
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct ReplyLayout {
    server_time_ms: U64,
    age_ms: U32,
    reason: U16,
    zero: [u8; 2],
    members: U32,
    admitted: U32,
    referred: U32,
    refused: U32,
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct MemberLayout {
    reason: U16,
    decision: u8,
    colour: u8,
}

const _: () = assert!(size_of::<ReplyLayout>() == RosterReply::BYTES);
const _: () = assert!(size_of::<MemberLayout>() == MemberVerdict::BYTES);

impl RosterReply {
    /// Bytes of the summary.
    pub const BYTES: usize = 32;
}

impl MemberVerdict {
    /// Bytes of one member's verdict.
    pub const BYTES: usize = 4;
}

impl Message<'_> for RosterReply {
    const NAME: &'static str = "roster reply";

    fn read_from(bytes: &[u8]) -> Result<RosterReply, Malformed> {
        let malformed = |fault| Malformed { message: Self::NAME, fault };
        let layout: &ReplyLayout = exactly(Self::NAME, bytes)?;
        if layout.zero != [0; 2] {
            return Err(malformed("reserved bytes are not zero"));
        }
        let reply = RosterReply {
            server_time: UnixMillis(layout.server_time_ms.get()),
            age: Age::from_wire(layout.age_ms.get()),
            reason: Reason::heard(layout.reason.get()).ok_or(malformed("no reason"))?,
            members: layout.members.get(),
            admitted: layout.admitted.get(),
            referred: layout.referred.get(),
            refused: layout.refused.get(),
        };
        let counted = u64::from(reply.admitted) + u64::from(reply.referred) + u64::from(reply.refused);
        if counted != u64::from(reply.members) {
            return Err(malformed("the summary does not add up"));
        }
        Ok(reply)
    }

    fn size(&self) -> usize {
        Self::BYTES
    }

    fn write_to(&self, out: &mut [u8]) {
        let layout = ReplyLayout {
            server_time_ms: self.server_time.0.into(),
            age_ms: self.age.to_wire().into(),
            reason: self.reason.code().into(),
            zero: [0; 2],
            members: self.members.into(),
            admitted: self.admitted.into(),
            referred: self.referred.into(),
            refused: self.refused.into(),
        };
        put(&layout, out);
    }
}

impl Message<'_> for MemberVerdict {
    const NAME: &'static str = "member verdict";

    fn read_from(bytes: &[u8]) -> Result<MemberVerdict, Malformed> {
        let malformed = |fault| Malformed { message: Self::NAME, fault };
        let layout: &MemberLayout = exactly(Self::NAME, bytes)?;
        let (decision, reason) = read_ruling(layout.decision, layout.reason.get()).map_err(malformed)?;
        let colour = read_colour(layout.colour).map_err(malformed)?;
        Ok(MemberVerdict { decision, reason, colour })
    }

    fn size(&self) -> usize {
        Self::BYTES
    }

    fn write_to(&self, out: &mut [u8]) {
        let layout = MemberLayout {
            reason: self.reason.code().into(),
            decision: self.decision as u8,
            colour: write_colour(self.colour),
        };
        put(&layout, out);
    }
}
