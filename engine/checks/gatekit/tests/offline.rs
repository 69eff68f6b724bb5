//! What C may hand in by mistake (R60): no call of a gate without a network believes it.

#![cfg(feature = "offline")]
#![expect(unsafe_code, reason = "the interface is for C")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::ffi::c_char;
use std::path::Path;
use std::ptr::{null, null_mut};

use hufu_gate_kit::*;
use hufu_wire::{
    DeviceGeneration, DeviceId, Enrolled, Grant, KeyEpoch, Message as _, Scope, SessionKeys, SiteId, Suite,
    UnixMillis, UnixSeconds, sealed,
};

/// An operator's key: that of RFC 8032, section 7.1, test 1.
const KEY: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
static OPTIONS: HufuOfflineOptions =
    HufuOfflineOptions { device: 7, site: 1, holders_max: 1000, drift_ppm: 0 };

fn key() -> Vec<u8> {
    (0..KEY.len()).step_by(2).map(|at| u8::from_str_radix(&KEY[at..at + 2], 16).unwrap()).collect()
}

fn open(folder: &[u8], key: &[u8]) -> (*mut HufuOffline, i32) {
    let mut error = 1;
    // SAFETY: everything points to what its length says.
    let gate = unsafe {
        hufu_offline_open(
            &raw const OPTIONS,
            folder.as_ptr(),
            folder.len(),
            key.as_ptr(),
            key.len(),
            &raw mut error,
        )
    };
    assert_eq!(gate.is_null(), error != HUFU_OK);
    (gate, error)
}

fn opened(folder: &Path) -> *mut HufuOffline {
    let (gate, error) = open(folder.as_os_str().as_encoded_bytes(), &key());
    assert_eq!(error, HUFU_OK);
    gate
}

#[test]
fn r60_a_gate_without_a_network_refuses_what_is_no_folder_or_key() {
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().as_os_str().as_encoded_bytes();
    assert_eq!(open(b"", &key()).1, HUFU_BAD_ARGUMENT);
    assert_eq!(open(b"a\0b", &key()).1, HUFU_BAD_ARGUMENT);
    assert_eq!(open(name, &key()[1..]).1, HUFU_BAD_ARGUMENT);
    // Not a point of the curve.
    assert_eq!(open(name, &[2; 32]).1, HUFU_BAD_ARGUMENT);
    assert_eq!(open(b"/dev/null/folder", &key()).1, HUFU_NO_FOLDER);
    let mut why = [1; 200];
    // SAFETY: it points to what its length says.
    let why = unsafe {
        assert_eq!(hufu_offline_says(null(), why.as_mut_ptr(), why.len()), HUFU_OK);
        std::ffi::CStr::from_ptr(why.as_ptr()).to_str().unwrap()
    };
    assert!(why.contains("os error 20"), "{why}");
    let mut error = 1;
    // SAFETY: null is allowed everywhere.
    let gate = unsafe { hufu_offline_open(null(), null(), 0, null(), 0, &raw mut error) };
    assert!(gate.is_null() && error == HUFU_BAD_ARGUMENT);
    // SAFETY: as above.
    assert!(unsafe { hufu_offline_open(&raw const OPTIONS, null(), 3, null(), 32, null_mut()) }.is_null());
    // SAFETY: as above.
    let says = unsafe { hufu_offline_says(null(), null_mut(), 0) };
    assert_eq!(says, HUFU_BAD_ARGUMENT, "no folder is at fault");
}

#[test]
fn r60_a_gate_without_a_network_checks_every_pointer() {
    let folder = tempfile::tempdir().unwrap();
    let gate = opened(folder.path());
    let mut errand = HufuErrand { what: 9, path: null(), bytes: null(), length: 0 };
    let mut red = HufuTurnedRed { record: 9, ..HufuTurnedRed::default() };
    let mut own = std::mem::MaybeUninit::<HufuOfflineVerdict>::uninit();
    // SAFETY: null is allowed everywhere, and what is not null points to one of its kind.
    unsafe {
        hufu_offline_free(null_mut());
        for none in [
            hufu_offline_told(null_mut(), 0, 0),
            hufu_offline_enrolled(null_mut(), 0, null(), 0),
            hufu_offline_errand(null_mut(), 0, &raw mut errand),
            hufu_offline_errand(gate, 0, null_mut()),
            hufu_offline_answered(null_mut(), 0, null(), 0),
            hufu_offline_answered(gate, 0, null(), 7),
            hufu_offline_answered(gate, 0, null(), 0),
            hufu_offline_refused(null_mut(), null(), 0),
            hufu_offline_refused(gate, null(), 7),
            hufu_offline_failed(null_mut()),
            hufu_offline_hurry(null_mut()),
            hufu_offline_admitted(null_mut(), 0, null(), 0, 0),
            hufu_offline_admitted(gate, 0, null(), 7, 0),
            hufu_offline_check(null_mut(), 0, null(), 0, 0, own.as_mut_ptr()),
            hufu_offline_check(gate, 0, null(), 0, 0, null_mut()),
            hufu_offline_check(gate, 0, null(), 7, 0, own.as_mut_ptr()),
            hufu_offline_check(gate, 0, null(), 0, 1 << 16, own.as_mut_ptr()),
            hufu_offline_ready(null_mut()),
            hufu_offline_turned_red(null_mut(), &raw mut red),
            hufu_offline_turned_red(gate, null_mut()),
            hufu_offline_save(null_mut()),
            hufu_offline_says(null(), null_mut(), 0),
        ] {
            assert_eq!(none, HUFU_BAD_ARGUMENT);
        }
        // A verdict that could not be given is none, whatever lay there before.
        assert_eq!((errand.what, red.record, own.assume_init().what), (HUFU_NOTHING, 0, HUFU_NO_VERDICT));
        assert_eq!(hufu_offline_enrolled(gate, 0, [1; 164].as_ptr(), 164), HUFU_BAD_ENROLLED);
        hufu_offline_free(gate);
    }
}

#[test]
fn r06_a_gate_without_a_network_says_what_it_lacks_and_takes_nothing_odd() {
    let folder = tempfile::tempdir().unwrap();
    let gate = opened(folder.path());
    let mut errand = HufuErrand { what: 9, path: null(), bytes: null(), length: 0 };
    let mut own = std::mem::MaybeUninit::<HufuOfflineVerdict>::uninit();
    let mut text = [1; 8];
    // SAFETY: everything points to what its length says; the gate is not used after its end.
    unsafe {
        let says = |text: &mut [c_char]| {
            assert_eq!(hufu_offline_says(gate, text.as_mut_ptr(), text.len()), HUFU_OK);
            std::ffi::CStr::from_ptr(text.as_ptr()).to_str().unwrap().to_owned()
        };
        assert_eq!(hufu_offline_ready(gate), HUFU_NOT_READY);
        assert_eq!(says(&mut text), "its sit", "cut to its room");
        assert_eq!(hufu_offline_check(gate, 0, b"x".as_ptr(), 1, 0, own.as_mut_ptr()), HUFU_OK);
        let own = own.assume_init();
        assert_eq!((own.what, own.fault, own.verdict.decision), (HUFU_NO_VERDICT, HUFU_LACKS, 0));
        let mut asked = Vec::new();
        for answer in [&b"no trust list"[..], b"[[site]]\nid = 2\nname = \"Another\"\n", b"one byte too few"]
        {
            assert_eq!(hufu_offline_errand(gate, 20_000, &raw mut errand), HUFU_OK);
            assert_eq!(errand.what, HUFU_GET);
            asked.push(std::ffi::CStr::from_ptr(errand.path).to_str().unwrap().to_owned());
            let taken = hufu_offline_answered(gate, 20_000, answer.as_ptr(), answer.len() - 1);
            assert_eq!(taken, HUFU_NOT_TAKEN, "{asked:?}");
            assert!(says(&mut [1; 200]).contains("not taken"));
        }
        assert_eq!(asked, ["/v1/offline/trust-list", "/v1/offline/site", "/v1/offline/issuers"]);
        assert_eq!(hufu_offline_errand(gate, 20_000, &raw mut errand), HUFU_OK);
        assert_eq!(
            (errand.what, errand.path.is_null()),
            (HUFU_NOTHING, true),
            "until 10 seconds have passed"
        );
        assert_eq!(hufu_offline_errand(gate, 30_000, &raw mut errand), HUFU_OK);
        assert_eq!(errand.what, HUFU_GET);
        assert_eq!(hufu_offline_save(gate), HUFU_OK);
        hufu_offline_free(gate);
    }
}

fn enrolled(device: u32, site: u32) -> Vec<u8> {
    let enrolled = Enrolled {
        server_time: UnixMillis(1_790_000_000_000),
        grant: Grant {
            device: DeviceId(device),
            generation: DeviceGeneration(3),
            site: SiteId(site),
            scope: Scope::CHECKS,
        },
        issued: UnixSeconds(1_790_000_000),
        expires: UnixSeconds(1_790_000_600),
        udp_port: 7400,
        epoch: KeyEpoch(1),
        cookie_nonce: [1; 12],
        cookie: [2; sealed::COOKIE_BYTES],
        suite: Suite::Aes,
        keys: SessionKeys { request: [3; 16], reply: [4; 16] },
    };
    let mut bytes = vec![0; enrolled.size()];
    enrolled.write_to(&mut bytes);
    bytes
}

#[test]
fn r60_a_session_is_handed_in_once() {
    let (session, mut error) = (enrolled(7, 1), 1);
    let options = HufuOptions { engines: 1, budget_ms: 0, retry_after_ms: 0, tries_per_engine: 0 };
    // SAFETY: everything points to what its length says; the gate is not used after its end.
    unsafe {
        let gate = hufu_gate_new(&raw const options, 0, 0, session.as_ptr(), session.len(), &raw mut error);
        assert_eq!(error, HUFU_OK);
        assert_eq!(hufu_gate_enrolled(gate, 1, 0, session.as_ptr(), session.len()), HUFU_BAD_ENROLLED);
        assert_eq!(hufu_gate_not_enrolled(gate, 1), HUFU_OK);
        hufu_gate_free(gate);
    }
}

#[test]
fn r64_an_entry_of_a_status_list_is_named_by_a_call_of_its_own() {
    let session = enrolled(7, 1);
    let options = HufuOptions { engines: 1, budget_ms: 0, retry_after_ms: 0, tries_per_engine: 0 };
    // A gate for each, in the same session: the packets differ as the requests do.
    let [scan, reference] = [false, true].map(|is_reference| {
        let mut output = std::mem::MaybeUninit::<HufuOutput>::uninit();
        let text = b"SL1:900001.7";
        // SAFETY: everything points to what its length says; the gate is not used after its end.
        unsafe {
            let gate = hufu_gate_new(&raw const options, 0, 0, session.as_ptr(), session.len(), null_mut());
            let asked = if is_reference {
                hufu_gate_reference(gate, 1, 900_001, 7, 0)
            } else {
                hufu_gate_scan(gate, 1, text.as_ptr(), text.len(), 0)
            };
            assert_eq!((asked, hufu_gate_next(gate, output.as_mut_ptr())), (HUFU_OK, HUFU_OK));
            let output = output.assume_init();
            assert_eq!(output.what, HUFU_SEND);
            let sent = std::slice::from_raw_parts(output.bytes, output.length).to_vec();
            assert_eq!(hufu_gate_reference(gate, 1, 900_001, 7, 1 << 16), HUFU_BAD_ARGUMENT);
            hufu_gate_free(gate);
            sent
        }
    });
    let plain = sealed::REQUEST_HEADER_BYTES;
    // Of the scan 4 bytes are sent, 0b0100, and of the reference 12, 0b1100; its option is 1.
    assert_eq!((scan[plain] ^ reference[plain], scan[plain + 4] ^ reference[plain + 4]), (0b1000, 1));
    // SAFETY: null is allowed.
    assert_eq!(unsafe { hufu_gate_reference(null_mut(), 0, 1, 1, 0) }, HUFU_BAD_ARGUMENT);
}

#[test]
fn r06_only_an_answer_to_this_gate_tells_it_the_time() {
    let folder = tempfile::tempdir().unwrap();
    let gate = opened(folder.path());
    let kept = folder.path().join("time");
    for (device, site, told) in [(8, 1, HUFU_BAD_ENROLLED), (7, 2, HUFU_BAD_ENROLLED), (7, 1, HUFU_OK)] {
        let answer = enrolled(device, site);
        // SAFETY: it points to so many bytes.
        let status = unsafe { hufu_offline_enrolled(gate, 100_000, answer.as_ptr(), answer.len()) };
        assert_eq!((status, kept.exists()), (told, told == HUFU_OK), "device {device} at {site}");
    }
    // SAFETY: it is not used any more.
    unsafe { hufu_offline_free(gate) };
}
