//! Look-ups on the path of a check allocate nothing.
#![cfg(not(loom))]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::{BEIJING, GREEN, table};
use hufu_wire::{HolderIndex, StatusWord};

struct Counting;

thread_local! {
    /// Allocations of this thread: the test harness has others.
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: the system's allocator does the work; counting touches only a thread-local cell without a destructor.
#[expect(unsafe_code, reason = "an allocator that counts")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract, and the memory came from System.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn no_look_up_allocates() {
    let table = table();
    let mut writer = table.writer(BEIJING).unwrap();
    for holder in 0..1_000 {
        writer.set(HolderIndex(holder * 700), GREEN).unwrap();
    }
    let reader = table.reader();
    let keys: Vec<_> = (0..1_000).map(|holder| (writer.slot(), HolderIndex(holder * 701))).collect();
    let mut words = vec![StatusWord::UNKNOWN; keys.len()];

    let before = COUNT.get();
    let slot = reader.slot(BEIJING).unwrap();
    let as_of = reader.as_of(slot);
    let word = reader.lookup(slot, HolderIndex(0));
    reader.lookup_batch(&keys, &mut words);
    writer.set(HolderIndex(1), GREEN).unwrap();
    let after = COUNT.get();

    assert_eq!(after - before, 0);
    assert!(before > 0, "the counter counts");
    assert_eq!((as_of.heard, word), (None, GREEN));
}
