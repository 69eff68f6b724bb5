//! The answer to one check (R07).

use core::mem::size_of;

use zerocopy::little_endian::{I32, U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::decision::Decision;
use crate::ids::{CheckNumber, Sequence};
use crate::limits;
use crate::message::{Malformed, Message, exactly, put};
use crate::reason::Reason;
use crate::status::Colour;
use crate::time::{ClockOffset, UnixMillis};

/// What kind of code was shown. A gate shows paper as paper (R03).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum CodeKind {
    /// On a phone, renewed every 30 seconds by a presentation (R02).
    Phone = 1,
    /// Printed, no presentation (R03).
    Paper = 2,
    /// Made with a ticket, for one hub and one window (R04).
    Trip = 3,
    /// Printed for a relative who is bound to a user; else as paper (R27).
    Family = 4,
    /// A certificate of another system, as the EU Digital COVID Certificate (R63). It has no colour.
    Foreign = 5,
}

/// How old the data behind a verdict is: the time since the issuer's last signed head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// No head was ever seen, or no issuer was found.
    Unknown,
    /// Milliseconds, at most `u32::MAX - 1`.
    Millis(u32),
}

/// The answer to one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The request's number.
    pub number: CheckNumber,
    /// The engine's clock when it decided.
    pub server_time: UnixMillis,
    /// The last change set of the issuer that this verdict takes into account.
    pub as_of: Sequence,
    /// Age of the issuer's data.
    pub age: Age,
    /// How far the holder's clock is from the engine's, where a presentation tells; else 0.
    pub clock_offset: ClockOffset,
    /// Whether the gate opens.
    pub decision: Decision,
    /// Why.
    pub reason: Reason,
    /// The holder's colour, `None` when it is unknown or was never looked up.
    pub colour: Option<Colour>,
    /// The kind of code, `None` when it could not be read.
    pub kind: Option<CodeKind>,
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Layout {
    number: U64,
    server_time_ms: U64,
    as_of: U64,
    age_ms: U32,
    clock_offset_s: I32,
    reason: U16,
    decision: u8,
    colour: u8,
    kind: u8,
    zero: [u8; 3],
}

const _: () = assert!(size_of::<Layout>() == Verdict::BYTES);
const AGE_UNKNOWN: u32 = u32::MAX;
const COLOUR_UNKNOWN: u8 = 0xff;

impl Verdict {
    /// Bytes of every verdict.
    pub const BYTES: usize = 40;

    /// The verdict that `reason` alone gives, without a code, a status or a clock to compare.
    pub const fn of(number: CheckNumber, server_time: UnixMillis, reason: Reason) -> Verdict {
        Verdict {
            number,
            server_time,
            as_of: Sequence(0),
            age: Age::Unknown,
            clock_offset: ClockOffset(0),
            decision: reason.decision(),
            reason,
            colour: None,
            kind: None,
        }
    }
}

impl Age {
    /// The age of data last heard of at `heard`, saturating; unknown when that lies further in the future than
    /// [`limits::HEAD_AHEAD_MS_MAX`]: no clock that is so wrong can make data look fresh.
    pub fn between(heard: UnixMillis, now: UnixMillis) -> Age {
        if heard.since(now) > limits::HEAD_AHEAD_MS_MAX {
            return Age::Unknown;
        }
        Age::Millis(u32::try_from(now.since(heard)).unwrap_or(u32::MAX).min(AGE_UNKNOWN - 1))
    }
}

impl Age {
    /// The age that these milliseconds on the wire stand for.
    pub(crate) fn from_wire(age_ms: u32) -> Age {
        if age_ms == AGE_UNKNOWN { Age::Unknown } else { Age::Millis(age_ms) }
    }

    /// The milliseconds on the wire.
    pub(crate) fn to_wire(self) -> u32 {
        match self {
            Age::Unknown => AGE_UNKNOWN,
            Age::Millis(age_ms) => age_ms.min(AGE_UNKNOWN - 1),
        }
    }
}

/// A decision and its reason as they travel, or what is wrong with them.
pub(crate) fn read_ruling(decision: u8, reason: u16) -> Result<(Decision, Reason), &'static str> {
    let decision = Decision::from_byte(decision).ok_or("unknown decision")?;
    let reason = Reason::heard(reason).ok_or("no reason")?;
    // PROTOCOL 7: a newer engine's reason is nothing to open a gate for.
    Ok((if reason == Reason::Unrecognised { Decision::Refer } else { decision }, reason))
}

/// A colour as it travels, or what is wrong with it.
pub(crate) fn read_colour(colour: u8) -> Result<Option<Colour>, &'static str> {
    match colour {
        0 => Ok(Some(Colour::Green)),
        1 => Ok(Some(Colour::Red)),
        2 => Ok(Some(Colour::Amber)),
        COLOUR_UNKNOWN => Ok(None),
        _ => Err("unknown colour"),
    }
}

/// The byte that [`read_colour`] reads.
pub(crate) fn write_colour(colour: Option<Colour>) -> u8 {
    colour.map_or(COLOUR_UNKNOWN, |colour| colour as u8)
}

impl CodeKind {
    /// The kind with this number on the wire and in credentials.
    pub const fn from_byte(byte: u8) -> Option<CodeKind> {
        match byte {
            1 => Some(CodeKind::Phone),
            2 => Some(CodeKind::Paper),
            3 => Some(CodeKind::Trip),
            4 => Some(CodeKind::Family),
            5 => Some(CodeKind::Foreign),
            _ => None,
        }
    }
}

impl Message<'_> for Verdict {
    const NAME: &'static str = "verdict";

    fn read_from(bytes: &[u8]) -> Result<Verdict, Malformed> {
        let malformed = |fault| Malformed { message: Self::NAME, fault };
        let layout: &Layout = exactly(Self::NAME, bytes)?;
        if layout.zero != [0; 3] {
            return Err(malformed("reserved bytes are not zero"));
        }
        let (decision, reason) = read_ruling(layout.decision, layout.reason.get()).map_err(malformed)?;
        Ok(Verdict {
            number: CheckNumber(layout.number.get()),
            server_time: UnixMillis(layout.server_time_ms.get()),
            as_of: Sequence(layout.as_of.get()),
            age: Age::from_wire(layout.age_ms.get()),
            clock_offset: ClockOffset(layout.clock_offset_s.get()),
            decision,
            reason,
            colour: read_colour(layout.colour).map_err(malformed)?,
            kind: match layout.kind {
                0 => None,
                kind => Some(CodeKind::from_byte(kind).ok_or(malformed("unknown kind of code"))?),
            },
        })
    }

    fn size(&self) -> usize {
        Self::BYTES
    }

    fn write_to(&self, out: &mut [u8]) {
        let layout = Layout {
            number: self.number.0.into(),
            server_time_ms: self.server_time.0.into(),
            as_of: self.as_of.0.into(),
            age_ms: self.age.to_wire().into(),
            clock_offset_s: self.clock_offset.0.into(),
            reason: self.reason.code().into(),
            decision: self.decision as u8,
            colour: write_colour(self.colour),
            kind: self.kind.map_or(0, |kind| kind as u8),
            zero: [0; 3],
        };
        put(&layout, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{read, write};

    #[test]
    fn bytes_never_written_are_no_verdict() {
        assert!(read::<Verdict>(&[0; Verdict::BYTES]).is_err());
    }

    #[test]
    fn every_reason_survives_the_wire_with_every_decision() {
        for reason in Reason::ALL.into_iter().filter(|&reason| reason != Reason::Unrecognised) {
            for decision in [Decision::Admit, Decision::Refer, Decision::Refuse] {
                let verdict = Verdict {
                    number: CheckNumber(u64::MAX),
                    server_time: UnixMillis(1),
                    as_of: Sequence(2),
                    age: Age::Unknown,
                    clock_offset: ClockOffset(-90),
                    decision,
                    reason,
                    colour: Some(Colour::Amber),
                    kind: None,
                };
                let mut bytes = [0; Verdict::BYTES];
                assert_eq!(write(&verdict, &mut bytes), Ok(Verdict::BYTES));
                assert_eq!(read::<Verdict>(&bytes), Ok(verdict));
            }
        }
    }

    #[test]
    fn a_reason_of_a_newer_engine_refers_whatever_its_decision() {
        let mut bytes = [0; Verdict::BYTES];
        bytes[32..36].copy_from_slice(&[0xe7, 0x03, Decision::Admit as u8, 0]);
        let verdict = read::<Verdict>(&bytes).unwrap();
        assert_eq!((verdict.decision, verdict.reason), (Decision::Refer, Reason::Unrecognised));
    }

    #[test]
    fn an_age_too_long_to_count_is_still_an_age() {
        assert_eq!(Age::between(UnixMillis(0), UnixMillis(u64::MAX)), Age::Millis(u32::MAX - 1));
        assert_eq!(Age::between(UnixMillis(5), UnixMillis(0)), Age::Millis(0));
    }

    #[test]
    fn r24_data_from_the_future_is_of_unknown_age() {
        let now = UnixMillis(1_000_000);
        let ahead = |ms| Age::between(UnixMillis(now.0 + ms), now);
        assert_eq!(ahead(limits::HEAD_AHEAD_MS_MAX), Age::Millis(0));
        assert_eq!(ahead(limits::HEAD_AHEAD_MS_MAX + 1), Age::Unknown);
    }
}
