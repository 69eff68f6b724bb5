//! Asks the CPU for memory ahead of its use.

/// Starts bringing in the cache line in which `place` begins. Changes nothing but time: of a batch, all wait for memory at
/// once and not one after the other. Does nothing on CPUs other than x86-64.
#[inline]
pub fn prefetch<T>(place: &T) {
    #[cfg(target_arch = "x86_64")]
    #[expect(unsafe_code, reason = "the intrinsic takes an address")]
    // SAFETY: a hint about a valid address; SSE is part of x86-64.
    unsafe {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(core::ptr::from_ref(place).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}
