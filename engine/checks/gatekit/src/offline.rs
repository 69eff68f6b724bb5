//! The same gate without a network (docs/GATES.md, "Without a network"): it says what to ask an engine for while there is
//! one, keeps it in a folder, and decides by it when there is none. It opens no socket and starts no thread; it reads and
//! writes its folder, and asks the system for random bytes and for the run of the machine.

mod abi;
#[cfg(feature = "foreign")]
mod foreign;
mod work;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::ffi::{CString, OsStr, c_char};
use std::os::unix::ffi::OsStrExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::ptr;
use std::time::Duration;

use hufu_offline::{BookId, DRIFT_PPM, Errand, Keeper, OpenFault, Room, Setup, TurnedRed, boot_id};
use hufu_signature::{PreparedKey, PublicKey, Scheme};
use hufu_table::OsDisk;
use hufu_wire::{DeviceGeneration, DeviceId, Enrolled, Grant, Scope, SiteId, UnixMillis, read};

use self::abi::{no_errand, not_decided};
use crate::abi::{HUFU_BAD_ARGUMENT, HUFU_BAD_ENROLLED, HUFU_INTERNAL, HUFU_OK};
use crate::{caught, lane_of, put, slice};

pub use abi::*;
#[cfg(feature = "foreign")]
pub use foreign::*;

thread_local! {
    /// Why the last gate that this thread asked for was not opened; empty where it was.
    static NOT_OPENED: RefCell<String> = const { RefCell::new(String::new()) };
}

/// A gate that can go on without a network. One thread at a time may use it.
pub struct HufuOffline {
    keeper: Keeper,
    grant: Grant,
    /// What the caller is doing at an engine, and the path of it.
    errand: Option<(Errand, CString)>,
    turned_red: VecDeque<TurnedRed>,
    /// What went wrong last.
    says: String,
    broken: bool,
}

/// A gate with what lies in its folder, which no other program may use and which is made where it is not there. `operator_key`
/// are the bytes of `public` in the operator's `operator.pub`, 32 of Ed25519 or 65 of SM2. Null when something is not good; then `error`, unless it is
/// null, says which: `HUFU_BAD_ARGUMENT` or `HUFU_NO_FOLDER`. `hufu_offline_says` says what is wrong with the folder.
///
/// # Safety
/// `options` and `error` point to one of their kind or are null; `folder` and `operator_key` point to so many bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hufu_offline_open(
    options: *const HufuOfflineOptions,
    folder: *const u8,
    folder_length: usize,
    operator_key: *const u8,
    operator_key_length: usize,
    error: *mut i32,
) -> *mut HufuOffline {
    let opened = caught(|| {
        NOT_OPENED.set(String::new());
        // SAFETY: the caller says that it points to options, or is null.
        let options = unsafe { options.as_ref() }.ok_or(HUFU_BAD_ARGUMENT)?;
        // SAFETY: the caller says that so many bytes are there.
        let (folder, key) =
            unsafe { (slice(folder, folder_length)?, slice(operator_key, operator_key_length)?) };
        Ok(Box::into_raw(Box::new(open(options, folder, key)?)))
    });
    // SAFETY: the caller says that it points to a number, or is null.
    if let Some(error) = unsafe { error.as_mut() } {
        *error = opened.err().unwrap_or(HUFU_OK);
    }
    opened.unwrap_or(ptr::null_mut())
}

/// Ends a gate, and writes nothing: see `hufu_offline_save`. Null is nothing to end.
///
/// # Safety
/// `offline` is null, or came from `hufu_offline_open` and was not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hufu_offline_free(offline: *mut HufuOffline) {
    if !offline.is_null() {
        // SAFETY: the caller says that it is ours and whole.
        let offline = unsafe { Box::from_raw(offline) };
        let _ = catch_unwind(AssertUnwindSafe(|| drop(offline)));
    }
}

/// An engine has told the time, in a verdict or in another answer that was authenticated. Leave out the time of an answer
/// that was longer than a second on its way: by how much it is late cannot be told. `boot_ms` is how long the machine
/// has run, also while it slept (on Linux `CLOCK_BOOTTIME`), here and everywhere: it outlives this program.
///
/// # Safety
/// `offline` is a gate or null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hufu_offline_told(
    offline: *mut HufuOffline,
    boot_ms: u64,
    server_time_ms: u64,
) -> i32 {
    // SAFETY: as the caller says.
    let told = unsafe {
        with(offline, |offline| {
            let told = offline.keeper.told(at(boot_ms), UnixMillis(server_time_ms));
            told.map_err(|fault| offline.say(&fault))
        })
    };
    status(told)
}

/// An engine has enrolled this gate: the answer tells the time, too, so leave out one that was longer than a second on its
/// way. `HUFU_BAD_ENROLLED` when it is none, or another device's.
///
/// # Safety
/// `offline` is a gate or null, and `enrolled` points to `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hufu_offline_enrolled(
    offline: *mut HufuOffline,
    boot_ms: u64,
    enrolled: *const u8,
    length: usize,
) -> i32 {
    // SAFETY: as the caller says.
    let told = unsafe {
        with(offline, |offline| {
            let enrolled: Enrolled = read(slice(enrolled, length)?).map_err(|_| HUFU_BAD_ENROLLED)?;
            let Grant { device, site, .. } = enrolled.grant;
            if (device, site) != (offline.grant.device, offline.grant.site) {
                return Err(HUFU_BAD_ENROLLED);
            }
            let told = offline.keeper.told(at(boot_ms), enrolled.server_time);
            told.map_err(|fault| offline.say(&fault))
        })
    };
    status(told)
}

/// What is to be done at an engine next; `HUFU_NOTHING` for now. It stays the same until it was done, was refused or has
/// failed. Ask once a second, and again after each answer.
///
/// # Safety
/// `offline` is a gate or null, and `errand` points to room for one or is null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hufu_offline_errand(
    offline: *mut HufuOffline,
    boot_ms: u64,
    errand: *mut HufuErrand,
) -> i32 {
    if errand.is_null() {
        return HUFU_BAD_ARGUMENT;
    }
    // SAFETY: as the caller says.
    let told = unsafe { with(offline, |offline| offline.errand(at(boot_ms))) };
    // SAFETY: the caller says that there is room. It need not hold an errand before.
    unsafe { errand.write(told.unwrap_or_else(|_| no_errand())) };
    status(told.map(drop))
}

/// An engine did what was to be done, with status 200 and this body.
///
/// # Safety
/// `offline` is a gate or null, and `body` points to `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hufu_offline_answered(
    offline: *mut HufuOffline,
    boot_ms: u64,
    body: *const u8,
    length: usize,
) -> i32 {
    // SAFETY: as the caller says.
    status(unsafe { with(offline, |offline| offline.answered(at(boot_ms), slice(body, length)?)) })
}

/// An engine answered with another status and this body, also when it was asked to enrol: it is tried again in 10 seconds,
/// and the rest goes on. A gate that may not go on without a network any more forgets everything but its records.
///
/// # Safety
/// `offline` is a gate or null, and `body` points to `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hufu_offline_refused(
    offline: *mut HufuOffline,
    body: *const u8,
    length: usize,
) -> i32 {
    // SAFETY: as the caller says.
    status(unsafe { with(offline, |offline| offline.refused(slice(body, length)?)) })
}

/// No engine answered: all that was to be done is tried again in 10 seconds.
///
/// # Safety
/// `offline` is a gate or null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hufu_offline_failed(offline: *mut HufuOffline) -> i32 {
    // SAFETY: as the caller says.
    let failed = unsafe {
        with(offline, |offline| {
            offline.errand = None;
            offline.keeper.failed();
            Ok(())
        })
    };
    status(failed)
}

/// An engine answers after a time without one: do not wait for the 10 seconds.
///
/// # Safety
/// `offline` is a gate or null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hufu_offline_hurry(offline: *mut HufuOffline) -> i32 {
    // SAFETY: as the caller says.
    let hurried = unsafe {
        with(offline, |offline| {
            offline.keeper.hurry();
            Ok(())
        })
    };
    status(hurried)
}

/// An engine admitted this code in this lane: it is used here too, should the network go now.
///
/// # Safety
/// `offline` is a gate or null, and `scan` points to `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hufu_offline_admitted(
    offline: *mut HufuOffline,
    boot_ms: u64,
    scan: *const u8,
    length: usize,
    lane: u32,
) -> i32 {
    // SAFETY: as the caller says.
    let noted = unsafe {
        with(offline, |offline| {
            offline.keeper.admitted(at(boot_ms), lane_of(lane)?, slice(scan, length)?);
            Ok(())
        })
    };
    status(noted)
}

/// Decides what was scanned in a lane, without an engine. Its record is in the folder before this returns.
///
/// # Safety
/// `offline` is a gate or null, `scan` points to `length` bytes, and `verdict` to room for one or is null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hufu_offline_check(
    offline: *mut HufuOffline,
    boot_ms: u64,
    scan: *const u8,
    length: usize,
    lane: u32,
    verdict: *mut HufuOfflineVerdict,
) -> i32 {
    if verdict.is_null() {
        return HUFU_BAD_ARGUMENT;
    }
    // SAFETY: as the caller says.
    let checked = unsafe {
        with(offline, |offline| Ok(offline.check(at(boot_ms), lane_of(lane)?, slice(scan, length)?)))
    };
    // SAFETY: the caller says that there is room. It need not hold a verdict before.
    unsafe { verdict.write(checked.unwrap_or_else(|_| not_decided(HUFU_LACKS, 0))) };
    status(checked.map(drop))
}

/// `HUFU_OK` when the gate has what it needs to decide without a network, apart from the time; else `HUFU_NOT_READY`.
///
/// # Safety
/// `offline` is a gate or null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hufu_offline_ready(offline: *mut HufuOffline) -> i32 {
    // SAFETY: as the caller says.
    let ready = unsafe {
        with(offline, |offline| match offline.keeper.lacks() {
            None => Ok(()),
            Some(lacks) => {
                lacks.clone_into(&mut offline.says);
                Err(HUFU_NOT_READY)
            }
        })
    };
    status(ready)
}

/// The next holder that the gate admitted on its own and that has turned red since; `record` is 0 when there is none. Ask
/// after each answer, and tell the operator.
///
/// # Safety
/// `offline` is a gate or null, and `turned_red` points to room for one or is null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hufu_offline_turned_red(
    offline: *mut HufuOffline,
    turned_red: *mut HufuTurnedRed,
) -> i32 {
    if turned_red.is_null() {
        return HUFU_BAD_ARGUMENT;
    }
    // SAFETY: as the caller says.
    let next = unsafe { with(offline, |offline| Ok(offline.turned_red.pop_front())) };
    let told =
        next.ok().flatten().map_or_else(HufuTurnedRed::default, |TurnedRed { counter, issuer, sequence }| {
            HufuTurnedRed { record: counter, sequence: sequence.0, issuer: issuer.0 }
        });
    // SAFETY: the caller says that there is room.
    unsafe { turned_red.write(told) };
    status(next.map(drop))
}

/// Writes to the folder what a restart of this program would lose: up to ten minutes of changes. Call it before an end.
///
/// # Safety
/// `offline` is a gate or null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hufu_offline_save(offline: *mut HufuOffline) -> i32 {
    // SAFETY: as the caller says.
    status(unsafe { with(offline, |offline| offline.keeper.save().map_err(|fault| offline.say(&fault))) })
}

/// Writes what went wrong last, for the operator, to `text`, with a 0 behind it and cut to its room. Without a gate it is why
/// the folder of the last `hufu_offline_open` in this thread cannot be used; `HUFU_BAD_ARGUMENT` where it can.
///
/// # Safety
/// `offline` is a gate or null, and `text` points to room for so many bytes or is null.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hufu_offline_says(
    offline: *const HufuOffline,
    text: *mut c_char,
    room: usize,
) -> i32 {
    // SAFETY: the caller says that it is a gate, or null.
    let Some(offline) = (unsafe { offline.as_ref() }) else {
        return status(caught(|| {
            NOT_OPENED.with_borrow(|why| {
                if why.is_empty() {
                    return Err(HUFU_BAD_ARGUMENT);
                }
                // SAFETY: the caller says that there is room, and this text lies elsewhere.
                unsafe { put(why, text, room) };
                Ok(())
            })
        }));
    };
    // SAFETY: the caller says that there is room, and the gate's text lies elsewhere.
    unsafe { put(&offline.says, text, room) };
    HUFU_OK
}

fn open(options: &HufuOfflineOptions, folder: &[u8], key: &[u8]) -> Result<HufuOffline, i32> {
    if folder.is_empty() || folder.contains(&0) {
        return Err(HUFU_BAD_ARGUMENT);
    }
    // The schemes' keys differ in length.
    let scheme = Scheme::ALL.into_iter().find(|scheme| scheme.public_bytes() == key.len());
    let key = PublicKey::new(scheme.ok_or(HUFU_BAD_ARGUMENT)?, key).map_err(|_| HUFU_BAD_ARGUMENT)?;
    // The certificate's generation and scope decide at an engine alone.
    let grant = Grant {
        device: DeviceId(options.device),
        generation: DeviceGeneration(0),
        site: SiteId(options.site),
        scope: Scope::CHECKS,
    };
    let mut fresh = BookId([0; 16]);
    getrandom::fill(&mut fresh.0).map_err(|_| HUFU_INTERNAL)?;
    let setup = Setup {
        disk: OsDisk::shared(),
        folder: PathBuf::from(OsStr::from_bytes(folder)),
        operator: PreparedKey::new(&key).map_err(|_| HUFU_BAD_ARGUMENT)?,
        grant,
        fresh,
        boot: boot_id().ok(),
        drift_ppm: if options.drift_ppm == 0 { DRIFT_PPM } else { options.drift_ppm },
        room: if options.holders_max == 0 { Room::default() } else { Room::for_holders(options.holders_max) },
    };
    let mut odd = Vec::new();
    let keeper = Keeper::open(setup, &mut odd).map_err(|fault| {
        NOT_OPENED.set(fault.to_string());
        match fault {
            OpenFault::Folder(_) | OpenFault::Book(_) => HUFU_NO_FOLDER,
            OpenFault::NoRandomness(_) => HUFU_INTERNAL,
        }
    })?;
    // What is of no use is fetched again.
    let says = odd.first().map_or_else(String::new, ToString::to_string);
    Ok(HufuOffline { keeper, grant, errand: None, turned_red: VecDeque::new(), says, broken: false })
}

/// Does this with a gate; one in which something panicked does nothing any more.
///
/// # Safety
/// `offline` is a gate or null.
unsafe fn with<T>(
    offline: *mut HufuOffline,
    work: impl FnOnce(&mut HufuOffline) -> Result<T, i32>,
) -> Result<T, i32> {
    // SAFETY: the caller says that it is a gate, or null.
    let offline = unsafe { offline.as_mut() }.ok_or(HUFU_BAD_ARGUMENT)?;
    if offline.broken {
        return Err(HUFU_INTERNAL);
    }
    let done = caught(|| work(offline));
    offline.broken = matches!(done, Err(HUFU_INTERNAL));
    done
}

fn status(done: Result<(), i32>) -> i32 {
    done.map_or_else(|error| error, |()| HUFU_OK)
}

fn at(boot_ms: u64) -> Duration {
    Duration::from_millis(boot_ms)
}
