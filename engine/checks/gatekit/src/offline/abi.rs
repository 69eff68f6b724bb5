//! What C sees of a gate without a network: numbers and structures.

use std::ffi::c_char;
use std::ptr;

use crate::abi::{HUFU_NO_VERDICT, HUFU_NOTHING, HufuVerdict};

/// The engine's answer was not taken; `hufu_offline_says` says why. What was known before stays known.
pub const HUFU_NOT_TAKEN: i32 = -4;
/// The gate's folder cannot be used; `hufu_offline_says` says why, with a null gate where none was opened.
pub const HUFU_NO_FOLDER: i32 = -5;
/// The gate cannot decide without a network yet; `hufu_offline_says` says what it lacks.
pub const HUFU_NOT_READY: i32 = -6;

/// Ask an engine for `path` with GET.
pub const HUFU_GET: u32 = 5;
/// Send `bytes` to `path` of an engine with POST.
pub const HUFU_POST: u32 = 6;

/// No engine has told the time since the machine started.
pub const HUFU_NO_TIME: u32 = 4;
/// An engine told the time so long ago that it may be off by `uncertain_ms`.
pub const HUFU_TIME_UNCERTAIN: u32 = 5;
/// The gate has not been given all that decides.
pub const HUFU_LACKS: u32 = 6;
/// The record of the check cannot be kept.
pub const HUFU_NO_RECORD: u32 = 7;

/// Bytes of an operator's public key of Ed25519.
pub const HUFU_KEY_BYTES: usize = 32;
/// Bytes of an operator's public key of SM2.
pub const HUFU_SM2_KEY_BYTES: usize = 65;

/// Which gate this is, and how much it may hold.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct HufuOfflineOptions {
    /// The device, as its certificate has it.
    pub device: u32,
    /// The device's site, as its certificate has it.
    pub site: u32,
    /// Holders of one issuer: 4 take a byte, and one in 16 may take 17 bytes more; 0 for 33,554,432.
    pub holders_max: u32,
    /// How wrong the machine's clock may run, parts per million; 0 for 100.
    pub drift_ppm: u32,
}

/// What is to be done at an engine, over HTTPS with the device's certificate. Pointers in it are good until the next call
/// with the same gate.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct HufuErrand {
    /// `HUFU_NOTHING`, `HUFU_GET` or `HUFU_POST`.
    pub what: u32,
    /// Path and query, with a 0 behind them.
    pub path: *const c_char,
    /// What to send.
    pub bytes: *const u8,
    /// Its length.
    pub length: usize,
}

/// What a gate decided on its own.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct HufuOfflineVerdict {
    /// `HUFU_VERDICT` or `HUFU_NO_VERDICT`, and the gate stays shut.
    pub what: u32,
    /// Why there is no verdict: `HUFU_NO_TIME` to `HUFU_NO_RECORD`.
    pub fault: u32,
    /// When an engine told the time last, milliseconds since 1970: since when the gate has been alone.
    pub since_ms: u64,
    /// How far the gate's time may be off, milliseconds.
    pub uncertain_ms: u64,
    /// The verdict. Its `server_time_ms` is the gate's own time. Show `as_of` and `age_ms`.
    pub verdict: HufuVerdict,
}

/// A holder that the gate admitted on its own and that has turned red since.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct HufuTurnedRed {
    /// The number of the holder's last record; 0 when there is no such holder any more.
    pub record: u64,
    /// The change set that says so.
    pub sequence: u64,
    /// Whose holder it is.
    pub issuer: u32,
}

pub(super) fn no_errand() -> HufuErrand {
    HufuErrand { what: HUFU_NOTHING, path: ptr::null(), bytes: ptr::null(), length: 0 }
}

pub(super) fn not_decided(fault: u32, uncertain_ms: u64) -> HufuOfflineVerdict {
    let verdict = HufuVerdict::default();
    HufuOfflineVerdict { what: HUFU_NO_VERDICT, fault, since_ms: 0, uncertain_ms, verdict }
}
