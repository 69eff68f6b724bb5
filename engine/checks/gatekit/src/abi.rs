//! What C sees: numbers and structures.

use std::ptr;

use hufu_wire::{Age, Verdict};

/// It was done.
pub const HUFU_OK: i32 = 0;
/// A pointer is null, a length or a number is out of range.
pub const HUFU_BAD_ARGUMENT: i32 = -1;
/// The bytes are no answer to an enrolment.
pub const HUFU_BAD_ENROLLED: i32 = -2;
/// A fault in the library. The gate must be freed and made again.
pub const HUFU_INTERNAL: i32 = -3;

/// Nothing is to be done until something happens.
pub const HUFU_NOTHING: u32 = 0;
/// Send `bytes` in one UDP datagram to port `port` of engine `engine`. It may be lost.
pub const HUFU_SEND: u32 = 1;
/// Enrol, at engine `engine` first, and say how that ended.
pub const HUFU_ENROL: u32 = 2;
/// The scan has a verdict.
pub const HUFU_VERDICT: u32 = 3;
/// The scan has none; `fault` says why. The gate stays shut.
pub const HUFU_NO_VERDICT: u32 = 4;

/// No engine answered in time.
pub const HUFU_NO_ANSWER: u32 = 1;
/// The session is over and no engine gives a new one.
pub const HUFU_NO_SESSION: u32 = 2;
/// The session has used every number.
pub const HUFU_NO_NUMBER: u32 = 3;

/// `decision`: the gate may open.
pub const HUFU_ADMIT: u32 = 1;
/// `decision`: a person must look.
pub const HUFU_REFER: u32 = 2;
/// `decision`: the gate stays shut.
pub const HUFU_REFUSE: u32 = 3;

/// `colour` and `kind` where there is none, and `age_ms` where it is not known.
pub const HUFU_UNKNOWN: u32 = u32::MAX;

/// The most engines that a gate can ask.
pub const HUFU_ENGINES_MAX: u32 = 64;

/// Bytes of the longest datagram that a gate gets; room for one more tells a longer one.
pub const HUFU_DATAGRAM_BYTES_MAX: usize = 128;

/// How a gate asks. Set everything to 0 for the usual, and `engines`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct HufuOptions {
    /// How many engines there are; they are numbered from 0, and the caller knows their addresses.
    pub engines: u32,
    /// From a scan to its outcome, milliseconds; 0 for 400.
    pub budget_ms: u32,
    /// Before the same request is sent again, milliseconds; 0 for 50.
    pub retry_after_ms: u32,
    /// How often one engine is asked before the next one is; 0 for 3.
    pub tries_per_engine: u32,
}

/// What an engine says about a code.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct HufuVerdict {
    /// The engine's clock, milliseconds since 1970.
    pub server_time_ms: u64,
    /// The change set that the status is as of.
    pub as_of: u64,
    /// How old the status may be, milliseconds.
    pub age_ms: u32,
    /// How far the holder's clock is ahead of the engine's, seconds.
    pub clock_offset_s: i32,
    /// `HUFU_ADMIT`, `HUFU_REFER` or `HUFU_REFUSE`.
    pub decision: u32,
    /// Why: a number of PROTOCOL, "Reasons".
    pub reason: u32,
    /// 0 green, 1 red, 2 amber.
    pub colour: u32,
    /// 1 phone, 2 paper, 3 trip, 4 family, 5 a certificate of another system.
    pub kind: u32,
}

/// What is to be done. Pointers in it are good until the next call with the same gate.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct HufuOutput {
    /// `HUFU_NOTHING` to `HUFU_NO_VERDICT`.
    pub what: u32,
    /// An engine's number.
    pub engine: u32,
    /// An engine's UDP port.
    pub port: u16,
    /// Why there is no verdict.
    pub fault: u32,
    /// A datagram.
    pub bytes: *const u8,
    /// Its length.
    pub length: usize,
    /// A verdict.
    pub verdict: HufuVerdict,
}

pub(crate) fn nothing() -> HufuOutput {
    HufuOutput {
        what: HUFU_NOTHING,
        engine: 0,
        port: 0,
        fault: 0,
        bytes: ptr::null(),
        length: 0,
        verdict: HufuVerdict::default(),
    }
}

pub(crate) fn of(verdict: &Verdict) -> HufuVerdict {
    HufuVerdict {
        server_time_ms: verdict.server_time.0,
        as_of: verdict.as_of.0,
        age_ms: match verdict.age {
            Age::Millis(ms) => ms,
            Age::Unknown => HUFU_UNKNOWN,
        },
        clock_offset_s: verdict.clock_offset.0,
        decision: verdict.decision as u32,
        reason: verdict.reason.code().into(),
        colour: verdict.colour.map_or(HUFU_UNKNOWN, |colour| colour as u32),
        kind: verdict.kind.map_or(HUFU_UNKNOWN, |kind| kind as u32),
    }
}
