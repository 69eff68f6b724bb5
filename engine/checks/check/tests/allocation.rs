//! The path of a check allocates nothing: shown by counting every allocation of this process.

#![expect(unsafe_code, reason = "a global allocator is unsafe to write")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::*;
use hufu_check::{Replies, Spine};
use hufu_client::Session;
use hufu_wire::{CheckNumber, CheckRequest, HolderIndex, Lane, Reason, Suites, Verdict, limits};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    ALLOCATIONS.with(|allocations| allocations.set(allocations.get() + 1));
}

// SAFETY: every call goes to the system allocator unchanged; counting touches only a thread-local cell that
// needs no initialisation and no destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations_of(work: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.with(Cell::get);
    work();
    ALLOCATIONS.with(Cell::get) - before
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations_of(|| drop(std::hint::black_box(vec![1_u8; 100]))), 1);
}

/// First seen, seen again, forged, malformed, garbage, a session never met: whatever comes, nothing is
/// allocated by this program. Setting up the two keys of a session that this worker has not met yet happens
/// inside the cryptographic library, once a session and not once a check.
#[test]
fn no_check_allocates() {
    allocates_nothing(Suites::AES);
}

#[test]
fn r45_no_check_of_sm4_allocates() {
    allocates_nothing(Suites::SM4);
}

fn allocates_nothing(suites: Suites) {
    let mut checkpoint = Checkpoint::offering(suites);
    let mut gates: Vec<Gate> = (0..4).map(|device| checkpoint.gate(device, SCHOOL)).collect();
    let mut codes: Vec<String> = (100..120).map(|holder| checkpoint.phone(HolderIndex(holder))).collect();
    codes.extend((120..126).map(|holder| checkpoint.paper(HolderIndex(holder))));
    codes.extend([checkpoint.phone(RED), checkpoint.trip(GREEN, HUB), "hello".into(), String::new()]);
    let mut batches: Vec<Vec<Vec<u8>>> = (0..6)
        .map(|_| {
            let mut batch: Vec<Vec<u8>> = (0..)
                .zip(&codes)
                .map(|(index, code)| {
                    let mut bytes = vec![0; Session::REQUEST_BYTES_MAX];
                    let session = &mut gates[index % 4].session;
                    let (_, length) = session.seal(code.as_bytes(), Lane(0), &mut bytes).unwrap();
                    bytes.truncate(length);
                    bytes
                })
                .collect();
            batch.extend([vec![0; 200], vec![1; 10]]);
            assert_eq!(batch.len(), limits::BATCH_MAX);
            batch
        })
        .collect();
    // The first cookie of an epoch derives the epoch's key: once in six hours and worker.
    let _ = checkpoint.reason(&mut gates[0], "");
    // Noting a check allocates nothing either, where the journal has room.
    let room = Recorder::with_room(batches.len() * limits::BATCH_MAX);
    let mut noting = Spine::with_journal(checkpoint.engine.clone(), room).unwrap();
    let full = Recorder { full: true, ..Recorder::with_room(batches.len()) };
    let mut refusing = Spine::with_journal(checkpoint.engine.clone(), full).unwrap();
    let mut replies = Replies::new();
    for (round, batch) in batches.iter_mut().enumerate() {
        let (mut twice, mut thrice) = (batch.clone(), batch.clone());
        let mut slices: Vec<&mut [u8]> = batch.iter_mut().map(Vec::as_mut_slice).collect();
        let allocations = allocations_of(|| {
            checkpoint.spine.check_sealed(NOW, &mut slices, &mut replies);
        });
        assert_eq!(allocations, 0, "batch {round}");
        assert!(replies.get(0).is_some());
        let mut slices: Vec<&mut [u8]> = twice.iter_mut().map(Vec::as_mut_slice).collect();
        let allocations = allocations_of(|| {
            noting.check_sealed(NOW, &mut slices, &mut replies);
        });
        // The first cookie of an epoch derives the epoch's key.
        assert!(round == 0 || allocations == 0, "batch {round}, noted");
        let mut slices: Vec<&mut [u8]> = thrice.iter_mut().map(Vec::as_mut_slice).collect();
        let allocations = allocations_of(|| {
            refusing.check_sealed(NOW, &mut slices, &mut replies);
        });
        assert!(round == 0 || allocations == 0, "batch {round}, answered busy");
    }
    assert_eq!(
        noting.journal().records.len(),
        batches.len() * (limits::BATCH_MAX - 2),
        "all but the garbage"
    );
    assert!(checkpoint.counters.seen_first() >= 26);
    assert!(checkpoint.counters.seen_again() >= 100);
}

#[test]
fn no_connected_check_allocates() {
    let mut checkpoint = Checkpoint::new();
    let gate = checkpoint.gate(1, SCHOOL);
    let codes: Vec<String> = (100..116).map(|holder| checkpoint.phone(HolderIndex(holder))).collect();
    let requests: Vec<_> = (1..)
        .zip(&codes)
        .map(|(number, code)| (CheckNumber(number), CheckRequest::of_scan(Lane(0), code.as_bytes())))
        .collect();
    let mut verdicts = [Verdict::of(CheckNumber(0), NOW, Reason::Busy); 16];
    for _ in 0..2 {
        let allocations = allocations_of(|| {
            checkpoint.spine.check(NOW, &gate.grant, &requests, &mut verdicts);
        });
        assert_eq!(allocations, 0);
    }
}
