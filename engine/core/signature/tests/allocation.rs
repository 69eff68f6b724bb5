//! Verifying allocates nothing, whatever the batch (R08).

mod forge;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use forge::{Case, KINDS};
use hufu_signature::{BATCH_MAX, Job, PreparedKey, PublicKey, backends};
use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;

/// The system's allocator, counting for the thread that asks.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator unchanged; counting touches a thread-local without
// destructor and does not allocate.
#[expect(unsafe_code, reason = "an allocator cannot be written without")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promise is the one asked for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the pointer came from `alloc` above, hence from the system.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn verifying_allocates_nothing() {
    let mut rng = ChaCha12Rng::seed_from_u64(5);
    let cases: Vec<Case> = (0..=2 * BATCH_MAX).map(|i| KINDS[i % KINDS.len()].1(&mut rng)).collect();
    let keys: Vec<PreparedKey> = cases
        .iter()
        .map(|case| PreparedKey::new(&PublicKey::Ed25519(case.public)).expect("kinds have good keys"))
        .collect();
    let jobs: Vec<Job<'_>> = cases
        .iter()
        .zip(&keys)
        .map(|(case, key)| Job { key, message: case.parts(), signature: &case.signature })
        .collect();
    let mut genuine = vec![false; jobs.len()];

    for backend in backends() {
        for batch in [1, 2, 3, 8, 9, BATCH_MAX, jobs.len()] {
            let before = ALLOCATIONS.get();
            backend.verify(&jobs[..batch], &mut genuine[..batch]);
            assert_eq!(ALLOCATIONS.get(), before, "{} with a batch of {batch}", backend.name());
        }
    }

    let before = ALLOCATIONS.get();
    drop(std::hint::black_box(Box::new(1)));
    assert_eq!(ALLOCATIONS.get(), before + 1, "the counter counts");
}
