//! A segment: the words of 262,144 neighbouring holders in one huge page.

use std::io;
use std::ops::Deref;
use std::ptr::NonNull;

use hufu_wire::HolderIndex;

use crate::sync::AtomicU64;

/// Words of one segment. Loom explores every interleaving of every word, so its segments are small.
pub const SEGMENT_WORDS: usize = 1 << SEGMENT_BITS;

/// Bytes of one segment: one huge page of x86-64 and of AArch64 with 4 KiB pages.
pub const SEGMENT_BYTES: usize = SEGMENT_WORDS * 8;

/// Segments one issuer can have: enough for every holder index.
pub const ISSUER_SEGMENTS: usize = if cfg!(loom) { 2 } else { 1 << (32 - SEGMENT_BITS) };

const SEGMENT_BITS: u32 = if cfg!(loom) { 1 } else { 18 };

const _: () = assert!(cfg!(loom) || SEGMENT_BYTES == 2 << 20);

/// The words of one segment.
#[repr(transparent)]
pub(crate) struct Words([AtomicU64; SEGMENT_WORDS]);

/// Owns the memory of one segment.
pub(crate) struct Segment(NonNull<Words>);

/// Where a holder's word is: which segment, and which word of it.
pub(crate) const fn place(holder: HolderIndex) -> (usize, usize) {
    (holder.0 as usize >> SEGMENT_BITS, holder.0 as usize & (SEGMENT_WORDS - 1))
}

impl Segment {
    /// Fresh memory in which every holder is unknown, aligned to its size, with a huge page asked for. Pages
    /// become resident as they are touched.
    ///
    /// # Errors
    /// The operating system's, when it has no memory.
    pub(crate) fn unknown() -> io::Result<Segment> {
        memory::allocate().map(Segment)
    }

    /// Gives the memory away; [`Segment::from_raw`] takes it back.
    pub(crate) fn into_raw(self) -> NonNull<Words> {
        let words = self.0;
        std::mem::forget(self);
        words
    }

    /// Takes back what [`Segment::into_raw`] gave away.
    ///
    /// # Safety
    /// `words` came from `into_raw`, is taken back once, and nobody uses it any more except through the result.
    #[expect(unsafe_code, reason = "the other half of into_raw")]
    pub(crate) unsafe fn from_raw(words: NonNull<Words>) -> Segment {
        Segment(words)
    }

    /// The words as plain memory, for whoever fills a segment that nobody else can see yet.
    #[cfg(not(loom))]
    #[expect(unsafe_code, reason = "a file is read straight into the segment")]
    pub(crate) fn plain_mut(&mut self) -> &mut [u64; SEGMENT_WORDS] {
        // SAFETY: the memory is ours and borrowed exclusively; an AtomicU64 has the layout of a u64.
        unsafe { self.0.cast().as_mut() }
    }
}

impl Deref for Segment {
    type Target = Words;

    #[expect(unsafe_code, reason = "the memory is mapped by hand")]
    fn deref(&self) -> &Words {
        // SAFETY: mapped, initialised with zeroes and owned by `self`.
        unsafe { self.0.as_ref() }
    }
}

impl Deref for Words {
    type Target = [AtomicU64; SEGMENT_WORDS];

    fn deref(&self) -> &[AtomicU64; SEGMENT_WORDS] {
        &self.0
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        memory::release(self);
    }
}

// SAFETY: a segment is memory of atomics that it alone owns.
#[expect(unsafe_code, reason = "NonNull is neither Send nor Sync of itself")]
unsafe impl Send for Segment {}
// SAFETY: through a shared reference there are only atomics to reach.
#[expect(unsafe_code, reason = "NonNull is neither Send nor Sync of itself")]
unsafe impl Sync for Segment {}

#[cfg(not(loom))]
mod memory {
    use std::io;
    use std::ptr::{NonNull, null_mut};

    use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};

    use super::{SEGMENT_BYTES, Segment, Words};

    #[expect(unsafe_code, reason = "an aligned mapping is cut out of a larger one")]
    pub(super) fn allocate() -> io::Result<NonNull<Words>> {
        const REACH_BYTES: usize = 2 * SEGMENT_BYTES;
        // SAFETY: a private mapping at an address of the kernel's choice disturbs nobody.
        let start = unsafe {
            mmap_anonymous(null_mut(), REACH_BYTES, ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE)
        }?;
        let lead_bytes = start.addr().next_multiple_of(SEGMENT_BYTES) - start.addr();
        let words = start.wrapping_byte_add(lead_bytes);
        let end = words.wrapping_byte_add(SEGMENT_BYTES);
        // SAFETY: both ends lie inside the mapping just made and outside the segment cut from it.
        unsafe {
            if lead_bytes > 0 {
                munmap(start, lead_bytes)?;
            }
            if lead_bytes < SEGMENT_BYTES {
                munmap(end, SEGMENT_BYTES - lead_bytes)?;
            }
        }
        ask_for_a_huge_page(words);
        NonNull::new(words.cast()).ok_or_else(|| io::ErrorKind::OutOfMemory.into())
    }

    /// Advice only: where the kernel gives no huge page, the table works with small ones.
    #[cfg(target_os = "linux")]
    #[expect(unsafe_code, reason = "madvise takes an address")]
    fn ask_for_a_huge_page(words: *mut core::ffi::c_void) {
        // SAFETY: the range is the mapping just made; this advice changes no content.
        let _ = unsafe { rustix::mm::madvise(words, SEGMENT_BYTES, rustix::mm::Advice::LinuxHugepage) };
    }

    #[cfg(not(target_os = "linux"))]
    fn ask_for_a_huge_page(_words: *mut core::ffi::c_void) {}

    #[expect(unsafe_code, reason = "unmaps what allocate mapped")]
    pub(super) fn release(segment: &mut Segment) {
        // SAFETY: mapped by `allocate`, owned by `segment`, which is being dropped.
        let unmapped = unsafe { munmap(segment.0.as_ptr().cast(), SEGMENT_BYTES) };
        debug_assert!(unmapped.is_ok(), "{unmapped:?}");
    }
}

#[cfg(loom)]
mod memory {
    use std::io;
    use std::ptr::NonNull;

    use super::{Segment, Words};
    use crate::sync::AtomicU64;

    #[expect(clippy::unnecessary_wraps, reason = "the machine's memory can run out")]
    pub(super) fn allocate() -> io::Result<NonNull<Words>> {
        let words = Box::new(Words(std::array::from_fn(|_| AtomicU64::new(0))));
        Ok(NonNull::from(Box::leak(words)))
    }

    #[expect(unsafe_code, reason = "frees what allocate leaked")]
    pub(super) fn release(segment: &mut Segment) {
        // SAFETY: leaked by `allocate`, owned by `segment`, which is being dropped.
        drop(unsafe { Box::from_raw(segment.0.as_ptr()) });
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::sync::Ordering;

    #[test]
    fn a_fresh_segment_is_aligned_and_unknown_throughout() {
        let segments: Vec<Segment> = (0..5).map(|_| Segment::unknown().unwrap()).collect();
        for segment in &segments {
            assert_eq!(segment.0.addr().get() % SEGMENT_BYTES, 0);
            assert!(segment.iter().all(|word| word.load(Ordering::Relaxed) == 0));
        }
    }

    /// Segments are address space until they are touched, so a thousand cost nothing but would show if they stayed.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_dropped_segment_gives_its_memory_back() {
        let pages = || {
            let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
            statm.split(' ').next().unwrap().parse::<usize>().unwrap()
        };
        let before = pages();
        for _ in 0..1000 {
            drop(Segment::unknown().unwrap());
        }
        assert!((pages().saturating_sub(before)) * 4096 < 500 * SEGMENT_BYTES);
    }

    #[test]
    fn every_holder_has_a_place_of_its_own() {
        assert_eq!(place(HolderIndex(0)), (0, 0));
        assert_eq!(place(HolderIndex(262_143)), (0, 262_143));
        assert_eq!(place(HolderIndex(262_144)), (1, 0));
        assert_eq!(place(HolderIndex(u32::MAX)), (ISSUER_SEGMENTS - 1, SEGMENT_WORDS - 1));
    }
}
