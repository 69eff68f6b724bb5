//! A check allocates nothing: text, structure, key, memory, signature, presentation, roster.

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::*;
use hufu_codes::code::Code;
use hufu_codes::presentation::present;
use hufu_codes::seen::{SeenCache, Unseen};
use hufu_codes::{Credential, Verified, code, roster};
use hufu_wire::{HolderIndex, Reason, SiteId, UnixSeconds, limits};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

#[expect(unsafe_code, reason = "counting what the system allocator is asked")]
// SAFETY: everything is passed on to the system allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller keeps `alloc`'s contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: `pointer` came from `alloc` above, that is from the system allocator.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn without_allocation<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let before = ALLOCATIONS.get();
    let result = work();
    assert_eq!(ALLOCATIONS.get() - before, 0, "{what} allocates");
    result
}

#[test]
fn a_check_of_any_code_allocates_nothing() {
    let keyring = keyring();
    let seen = SeenCache::new(1024, [1; 16]);
    for (kind, text) in texts() {
        for round in ["first seen", "seen again"] {
            without_allocation(&format!("a {kind} code {round}"), || {
                let mut binary = [0; limits::CODE_BINARY_BYTES_MAX];
                let code = code::parse_text(text.as_bytes(), &mut binary).expect("our own");
                let Code { credential, presentation } = code;
                let verified = match seen.recall(keyring.admit(credential, NOW).expect("our own key")) {
                    Ok(verified) => verified,
                    Err(unseen) => {
                        assert_eq!(round, "first seen");
                        verified_now(&seen, unseen)
                    }
                };
                assert_eq!(verified.valid_at(NOW), Ok(()));
                assert!(present(&verified, presentation.as_ref()).is_ok());
            });
        }
    }
}

fn verified_now<'a>(seen: &SeenCache, unseen: Unseen<'_, 'a, Credential<'a>>) -> Verified<Credential<'a>> {
    let mut answers = [Err(Reason::Busy)];
    seen.verify(hufu_signature::backend(), &[unseen], &mut answers);
    answers[0].expect("genuine")
}

#[test]
fn refusing_allocates_nothing_whatever_a_code_declares() {
    let (_, phone) = &texts()[0];
    let whole = binary(phone);
    let bombs = [[0x9b; 339], [0xbb; 339], [0x5b; 339], [0x81; 339], [0xa1; 339], [0xff; 339]];
    without_allocation("refusing", || {
        for length in 0..whole.len() {
            assert!(code::parse(&whole[..length]).is_err());
        }
        for bomb in &bombs {
            assert!(code::parse(bomb).is_err());
            assert!(roster::parse(bomb).is_err());
        }
        let mut out = [0; limits::CODE_BINARY_BYTES_MAX];
        assert!(code::parse_text(&phone.as_bytes()[..phone.len() - 1], &mut out).is_err());
    });
}

#[test]
fn reading_a_roster_allocates_nothing() {
    let keyring = keyring();
    let members: Vec<_> = (0..8000).map(HolderIndex).collect();
    let expires = UnixSeconds(NOW.0 + 60);
    let bytes = issuer().sign_roster(SiteId(1), NOW, expires, &[(ISSUER, &members)]).expect("a good roster");
    without_allocation("a roster", || {
        let admitted = keyring.admit(roster::parse(&bytes).expect("our own"), NOW).expect("our own key");
        let roster = admitted.verify(hufu_signature::backend()).expect("genuine");
        assert_eq!(roster.members().count(), 8000);
    });
}
