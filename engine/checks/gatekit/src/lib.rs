//! `libhufu-gate`: what a gate does, for firmware in C. It opens no socket, starts no thread and reads no clock: it is
//! told what happened and says what to send, where to enrol, and when to be called again. `include/hufu_gate.h` is made
//! from this file and `abi.rs`.
//!
//! Nothing unwinds into C, no Rust enum is taken from C, and every pointer is checked for null.

#![expect(unsafe_code, reason = "a C interface takes and gives pointers")]

mod abi;
#[cfg(feature = "offline")]
mod offline;

use std::ffi::{CStr, c_char};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::time::{Duration, Instant};

use hufu_gate::{Core, Input, NoVerdict, Output, Pace, Renewed};
use hufu_texts::Language;
use hufu_wire::{Enrolled, HolderIndex, IssuerId, Lane, Reason, Reference, limits, read};

pub use abi::*;
use abi::{nothing, of};
#[cfg(feature = "offline")]
pub use offline::*;

/// A gate with a session. One thread at a time may use it.
pub struct HufuGate {
    core: Core,
    /// The caller's clock at 0.
    zero: Instant,
    /// What a datagram to send is kept in until the next call.
    sent: Vec<u8>,
    broken: bool,
}

/// A gate with the session that engine `engine` gave it: the payload of its `Enrolled` (PROTOCOL, "Enrolment"). `now_ms` is
/// a clock that never goes back, from any start, here and everywhere. Null when `options` or the bytes are not good; then
/// `error`, unless it is null, says which.
///
/// Hand in each `Enrolled` once, and keep none: a gate that starts again enrols again. In one session the numbers of checks
/// begin at 1, and each is a nonce: a number that is used twice gives the session's secrets away.
///
/// # Safety
/// `options` and `error` point to one of their kind or are null; `enrolled` points to `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hufu_gate_new(
    options: *const HufuOptions,
    now_ms: u64,
    engine: u32,
    enrolled: *const u8,
    length: usize,
    error: *mut i32,
) -> *mut HufuGate {
    let made = caught(|| {
        // SAFETY: the caller says that it points to options, or is null.
        let options = unsafe { options.as_ref() }.ok_or(HUFU_BAD_ARGUMENT)?;
        // SAFETY: the caller says that so many bytes are there.
        let bytes = unsafe { slice(enrolled, length) }?;
        if !(1..=HUFU_ENGINES_MAX).contains(&options.engines) || engine >= options.engines {
            return Err(HUFU_BAD_ARGUMENT);
        }
        let zero = Instant::now();
        let first = renewed(options.engines, engine, bytes, at(zero, now_ms)?)?;
        let ports = vec![None; options.engines as usize];
        let core = Core::new(ports, pace(options), first);
        Ok(Box::into_raw(Box::new(HufuGate { core, zero, sent: Vec::new(), broken: false })))
    });
    // SAFETY: the caller says that it points to a number, or is null.
    if let Some(error) = unsafe { error.as_mut() } {
        *error = made.err().unwrap_or(HUFU_OK);
    }
    made.unwrap_or(ptr::null_mut())
}

/// Ends a gate. Null is nothing to end.
///
/// # Safety
/// `gate` is null, or came from `hufu_gate_new` and was not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hufu_gate_free(gate: *mut HufuGate) {
    if !gate.is_null() {
        // SAFETY: the caller says that it is ours and whole.
        let gate = unsafe { Box::from_raw(gate) };
        let _ = catch_unwind(AssertUnwindSafe(|| drop(gate)));
    }
}

/// Something was scanned in a lane (0 where a device has one). A scan before it that has no outcome yet is given up.
///
/// # Safety
/// `gate` is a gate or null, and `scan` points to `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hufu_gate_scan(
    gate: *mut HufuGate,
    now_ms: u64,
    scan: *const u8,
    length: usize,
    lane: u32,
) -> i32 {
    // SAFETY: as the caller says.
    unsafe { step(gate, now_ms, |_, _| Ok(Input::Scan(slice(scan, length)?, lane_of(lane)?))) }
}

/// The device has verified a credential of another system that names entry `index` of the status list of `issuer`
/// (STATUS-LISTS, "A device that read the credential"). Never call it for what was scanned: anyone can print that. A check
/// before it that has no outcome yet is given up.
///
/// # Safety
/// `gate` is a gate or null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hufu_gate_reference(
    gate: *mut HufuGate,
    now_ms: u64,
    issuer: u32,
    index: u32,
    lane: u32,
) -> i32 {
    let reference = Reference { issuer: IssuerId(issuer), index: HolderIndex(index) };
    // SAFETY: as the caller says.
    unsafe { step(gate, now_ms, |_, _| Ok(Input::Reference(reference, lane_of(lane)?))) }
}

/// A datagram came. Anyone can send one: what is not genuine changes nothing.
///
/// # Safety
/// `gate` is a gate or null, and `datagram` points to `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hufu_gate_datagram(
    gate: *mut HufuGate,
    now_ms: u64,
    datagram: *const u8,
    length: usize,
) -> i32 {
    // SAFETY: as the caller says.
    unsafe { step(gate, now_ms, |_, _| Ok(Input::Datagram(slice(datagram, length)?))) }
}

/// The enrolment that was asked for gave a session, at engine `engine`. `HUFU_BAD_ENROLLED` when the bytes are none, or are
/// those of the session that the gate has: call `hufu_gate_not_enrolled` then.
///
/// # Safety
/// `gate` is a gate or null, and `enrolled` points to `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hufu_gate_enrolled(
    gate: *mut HufuGate,
    now_ms: u64,
    engine: u32,
    enrolled: *const u8,
    length: usize,
) -> i32 {
    // SAFETY: as the caller says.
    unsafe {
        step(gate, now_ms, |core, now| {
            let engines = u32::try_from(core.engines()).unwrap_or(0);
            let bytes = slice(enrolled, length)?;
            if engine >= engines {
                return Err(HUFU_BAD_ARGUMENT);
            }
            let renewed = renewed(engines, engine, bytes, now)?;
            if core.has_session(&renewed.enrolled) {
                return Err(HUFU_BAD_ENROLLED);
            }
            Ok(Input::Enrolled(Box::new(renewed)))
        })
    }
}

/// The enrolment that was asked for gave none.
///
/// # Safety
/// `gate` is a gate or null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hufu_gate_not_enrolled(gate: *mut HufuGate, now_ms: u64) -> i32 {
    // SAFETY: as the caller says.
    unsafe { step(gate, now_ms, |_, _| Ok(Input::NotEnrolled)) }
}

/// Time passed.
///
/// # Safety
/// `gate` is a gate or null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hufu_gate_time(gate: *mut HufuGate, now_ms: u64) -> i32 {
    // SAFETY: as the caller says.
    unsafe { step(gate, now_ms, |_, _| Ok(Input::Time)) }
}

/// The next thing to do. Call it after every other call until it says `HUFU_NOTHING`.
///
/// # Safety
/// `gate` is a gate or null, and `output` points to room for an output or is null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hufu_gate_next(gate: *mut HufuGate, output: *mut HufuOutput) -> i32 {
    // SAFETY: the caller says that it is a gate, or null.
    let gate = unsafe { gate.as_mut() };
    // SAFETY: the caller says that there is room, or that it is null.
    let (Some(gate), false) = (gate, output.is_null()) else { return HUFU_BAD_ARGUMENT };
    let told = guarded(gate, |gate| {
        let mut told = nothing();
        match gate.core.output() {
            None => {}
            Some(Output::Send(to, bytes)) => {
                gate.sent.clear();
                gate.sent.extend_from_slice(bytes);
                (told.what, told.engine, told.port) = (HUFU_SEND, engine_of(to), to.port());
                (told.bytes, told.length) = (gate.sent.as_ptr(), gate.sent.len());
            }
            Some(Output::Enrol(first)) => {
                (told.what, told.engine) = (HUFU_ENROL, u32::try_from(first).unwrap_or(0));
            }
            Some(Output::Outcome(Ok(verdict))) => {
                (told.what, told.verdict) = (HUFU_VERDICT, of(&verdict));
            }
            Some(Output::Outcome(Err(why))) => {
                told.what = HUFU_NO_VERDICT;
                told.fault = match why {
                    NoVerdict::NoAnswer => HUFU_NO_ANSWER,
                    NoVerdict::NoSession => HUFU_NO_SESSION,
                    NoVerdict::Seal(_) => HUFU_NO_NUMBER,
                };
            }
        }
        Ok(told)
    });
    // SAFETY: as above. It need not hold an output before.
    unsafe { output.write(told.unwrap_or_else(|_| nothing())) };
    told.map_or_else(|error| error, |_| HUFU_OK)
}

/// When `hufu_gate_time` is to be called at the latest, by the caller's clock; `UINT64_MAX` while nothing was scanned.
///
/// # Safety
/// `gate` is a gate or null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hufu_gate_deadline(gate: *const HufuGate) -> u64 {
    // SAFETY: the caller says that it is a gate, or null.
    let deadline = unsafe { gate.as_ref() }.and_then(|gate| Some((gate.core.deadline()?, gate.zero)));
    let Some((at, zero)) = deadline else { return u64::MAX };
    // Not before it: a caller that comes early would come again at once.
    u64::try_from(at.saturating_duration_since(zero).as_micros().div_ceil(1_000)).unwrap_or(u64::MAX)
}

/// Writes the name of a reason, such as `clear`, to `name`, and the sentence for a display to `says`, each with a 0 behind it
/// and cut to its room. Either may be null with no room. `HUFU_BAD_ARGUMENT` for a number that is no reason.
///
/// # Safety
/// `name` and `says` point to room for so many bytes, or are null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hufu_reason(
    reason: u32,
    name: *mut c_char,
    name_room: usize,
    says: *mut c_char,
    says_room: usize,
) -> i32 {
    let found = u16::try_from(reason).ok().and_then(Reason::from_code);
    // SAFETY: the caller says that there is room, and reasons lie elsewhere.
    unsafe {
        put(found.map_or("", Reason::slug), name, name_room);
        put(found.map_or("", |reason| hufu_texts::reason(Language::En, reason)), says, says_room);
    }
    if found.is_some() { HUFU_OK } else { HUFU_BAD_ARGUMENT }
}

/// Writes to `says` what a reason says in a language, such as `zh`, in UTF-8 with a 0 behind it and cut to its room: with `line` 0
/// one sentence, with 1 and 2 the lines of a display of 20 cells, of which the second may be empty.
/// `HUFU_BAD_ARGUMENT` for a number that is no reason, a language that is not built in (only `en` is without the feature
/// `languages`), or another line.
///
/// # Safety
/// `language` is a text with a 0 behind it, or null. `says` points to room for so many bytes, or is null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hufu_says(
    reason: u32,
    language: *const c_char,
    line: u32,
    says: *mut c_char,
    room: usize,
) -> i32 {
    let found = u16::try_from(reason).ok().and_then(Reason::from_code);
    // SAFETY: the caller says that it is a text with a 0 behind it, or null.
    let tag = (!language.is_null()).then(|| unsafe { CStr::from_ptr(language) });
    let tag = tag.and_then(|tag| tag.to_str().ok()).and_then(Language::from_tag);
    let said =
        found.zip(tag.filter(|&tag| hufu_texts::has_reasons(tag))).and_then(|(reason, tag)| match line {
            0 => Some(hufu_texts::reason(tag, reason)),
            1 | 2 => Some(hufu_texts::reason_short(tag, reason)[line as usize - 1]),
            _ => None,
        });
    // SAFETY: the caller says that there is room, and sentences lie elsewhere.
    unsafe { put(said.unwrap_or_default(), says, room) };
    if said.is_some() { HUFU_OK } else { HUFU_BAD_ARGUMENT }
}

const _: () = assert!(HUFU_DATAGRAM_BYTES_MAX >= hufu_wire::sealed::REPLY_BYTES);
const _: () = assert!(limits::SEALED_REQUEST_BYTES_MAX < 1_472);

/// Writes a text with a 0 behind it, cut to its room.
///
/// # Safety
/// `to` points to room for so many bytes, which are not the text's, or is null.
unsafe fn put(text: &str, to: *mut c_char, room: usize) {
    if to.is_null() || room == 0 {
        return;
    }
    let length = text.len().min(room - 1);
    // SAFETY: as the caller says.
    unsafe {
        ptr::copy_nonoverlapping(text.as_ptr().cast(), to, length);
        to.add(length).write(0);
    }
}

fn lane_of(lane: u32) -> Result<Lane, i32> {
    u16::try_from(lane).map(Lane).map_err(|_| HUFU_BAD_ARGUMENT)
}

/// # Safety
/// `bytes` is null with no length, or points to `length` bytes that nothing changes during the call.
unsafe fn slice<'a>(bytes: *const u8, length: usize) -> Result<&'a [u8], i32> {
    if length == 0 {
        return Ok(&[]);
    }
    if bytes.is_null() || isize::try_from(length).is_err() {
        return Err(HUFU_BAD_ARGUMENT);
    }
    // SAFETY: it is not null, and the caller says the rest.
    Ok(unsafe { core::slice::from_raw_parts(bytes, length) })
}

/// # Safety
/// `gate` is a gate or null.
unsafe fn step<'a>(
    gate: *mut HufuGate,
    now_ms: u64,
    input: impl FnOnce(&Core, Instant) -> Result<Input<'a>, i32>,
) -> i32 {
    // SAFETY: the caller says that it is a gate, or null.
    let Some(gate) = (unsafe { gate.as_mut() }) else { return HUFU_BAD_ARGUMENT };
    let stepped = guarded(gate, |gate| {
        let now = at(gate.zero, now_ms)?;
        let input = input(&gate.core, now)?;
        gate.core.step(now, input);
        Ok(())
    });
    stepped.map_or_else(|error| error, |()| HUFU_OK)
}

/// A gate in which something panicked answers nothing any more.
fn guarded<T>(gate: &mut HufuGate, work: impl FnOnce(&mut HufuGate) -> Result<T, i32>) -> Result<T, i32> {
    if gate.broken {
        return Err(HUFU_INTERNAL);
    }
    let done = caught(|| work(gate));
    gate.broken = matches!(done, Err(HUFU_INTERNAL));
    done
}

fn caught<T>(work: impl FnOnce() -> Result<T, i32>) -> Result<T, i32> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(HUFU_INTERNAL))
}

fn at(zero: Instant, now_ms: u64) -> Result<Instant, i32> {
    zero.checked_add(Duration::from_millis(now_ms)).ok_or(HUFU_BAD_ARGUMENT)
}

fn pace(options: &HufuOptions) -> Pace {
    let usual = Pace::default();
    let or = |ms: u32, usual: Duration| if ms == 0 { usual } else { Duration::from_millis(ms.into()) };
    Pace {
        budget: or(options.budget_ms, usual.budget),
        retry_after: or(options.retry_after_ms, usual.retry_after),
        tries_per_engine: if options.tries_per_engine == 0 {
            usual.tries_per_engine
        } else {
            options.tries_per_engine
        },
    }
}

/// The caller knows the engines' addresses: here each is its number.
fn renewed(engines: u32, engine: u32, enrolled: &[u8], at: Instant) -> Result<Renewed, i32> {
    let enrolled: Enrolled = read(enrolled).map_err(|_| HUFU_BAD_ENROLLED)?;
    let addresses = (0..engines).map(|engine| vec![address_of(engine)]).collect();
    Ok(Renewed { server: engine as usize, reached: address_of(engine), enrolled, at, addresses })
}

fn address_of(engine: u32) -> SocketAddr {
    (Ipv6Addr::from(u128::from(engine)), 0).into()
}

fn engine_of(address: SocketAddr) -> u32 {
    match address.ip() {
        IpAddr::V6(number) => u32::try_from(u128::from(number)).unwrap_or(0),
        IpAddr::V4(_) => 0,
    }
}
