//! Verifying allocates nothing, whatever the batch (R08).

mod forge;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use forge::{Case, KINDS};
use hufu_signature::{BATCH_MAX, Job, PreparedKey, PublicKey, Scheme, backends};
use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;
use sm2::dsa::signature::Signer as _;
use sm2::elliptic_curve::sec1::ToSec1Point as _;

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
    // Every third is of SM2, genuine or not: the library's own sample key and numbers without a meaning.
    let sm2 =
        sm2::dsa::SigningKey::from_slice(hufu_signature::sm2::DISTINGUISHING_ID, &[7; 32]).expect("a key");
    let public = PublicKey::new(Scheme::Sm2, sm2.verifying_key().to_sec1_point(false).as_bytes());
    let of_sm2 = PreparedKey::new(&public.expect("65 bytes")).expect("a good key");
    let signature: [u8; 64] = sm2.sign(b"message").to_bytes().into();
    let of_sm2 = [&signature, &[7; 64]].map(|signature| Job {
        key: &of_sm2,
        message: [b"mess", b"age", &[], &[]],
        signature,
    });
    let jobs: Vec<Job<'_>> = jobs
        .chunks(2)
        .zip(of_sm2.iter().cycle())
        .flat_map(|(jobs, sm2)| jobs.iter().chain([sm2]))
        .copied()
        .collect();
    let mut genuine = vec![false; jobs.len()];

    for backend in backends() {
        for batch in [1, 2, 3, 8, 9, BATCH_MAX, jobs.len()] {
            let before = ALLOCATIONS.get();
            backend.verify(&jobs[..batch], &mut genuine[..batch]);
            assert_eq!(ALLOCATIONS.get(), before, "{} with a batch of {batch}", backend.name());
            assert!(batch < 3 || genuine[2], "SM2 is among them");
        }
    }

    let before = ALLOCATIONS.get();
    drop(std::hint::black_box(Box::new(1)));
    assert_eq!(ALLOCATIONS.get(), before + 1, "the counter counts");
}
