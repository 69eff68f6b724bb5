//! Asks the processor for a word ahead of its load.

use crate::sync::AtomicU64;

/// Starts bringing the word's cache line in. Changes nothing but time.
#[inline]
#[cfg(all(target_arch = "x86_64", not(loom)))]
#[expect(unsafe_code, reason = "the intrinsic takes an address")]
pub(crate) fn prefetch(word: &AtomicU64) {
    use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: a hint about a valid address; SSE is part of x86-64.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(word.as_ptr().cast()) };
}

/// Elsewhere the loads of a batch overlap only as far as the processor looks ahead by itself.
#[inline]
#[cfg(any(not(target_arch = "x86_64"), loom))]
pub(crate) fn prefetch(_word: &AtomicU64) {}
