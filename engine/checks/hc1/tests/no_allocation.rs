//! A certificate costs the path of a check no allocation: neither the first time nor again, nor one that is refused.

#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "made/mod.rs"]
mod made;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use hufu_check::Foreign as _;
use hufu_hc1::Verifier;
use made::{NOW, Said, Signer, Value};

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

/// The library that verifies signatures has an allocator of its own, in C, which it uses for the numbers of a first
/// verification; what is remembered does not reach it.
#[test]
fn r63_a_certificate_is_verified_without_an_allocation_of_ours() {
    let (curve, rsa) = (Signer::es256("DE", [1; 8]), Signer::ps256("DE", [2; 8]));
    let verifier = Verifier::new(made::opened(&[&curve, &rsa]), Some(made::revoked(Vec::new())), 64).unwrap();
    let said = Said::vaccination();
    let texts = [
        curve.text(&said),
        curve.text(&Said { open: true, ..Said::test() }),
        rsa.text(&said),
        rsa.text(&Said::recovery().with("df", Value::Text("2021-09-99"))),
        made::text(&curve.sign_as(-37, Some([1; 8]), None, &said.payload())),
        made::text(&[0x9f; 3000]),
        made::text(&vec![0; 100_000]),
        "HC1:nonsense".to_owned(),
        "HC1:".to_owned(),
    ];
    for text in &texts {
        for _ in 0..2 {
            let before = ALLOCATIONS.get();
            let found = verifier.verify(NOW, text.as_bytes());
            assert_eq!(ALLOCATIONS.get() - before, 0, "{text}: {found:?}");
        }
    }
}
