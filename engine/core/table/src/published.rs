//! Where a segment is found once it exists.

use std::ptr;

use crate::budget::Reservation;
use crate::segment::{Segment, Words};
use crate::sync::{AtomicPtr, Ordering};

/// A place for one segment: empty, then published for good.
///
/// All bits zero is the empty place, so that a whole directory can be memory the kernel has not touched yet.
#[repr(transparent)]
pub(crate) struct Published(AtomicPtr<Words>);

impl Published {
    #[cfg(loom)]
    pub(crate) fn empty() -> Published {
        Published(AtomicPtr::new(ptr::null_mut()))
    }

    /// The segment, once there is one.
    #[inline]
    #[expect(unsafe_code, reason = "reaches the segment through its published address")]
    pub(crate) fn get(&self) -> Option<&Words> {
        // Acquire: pairs with Release in Published::publish.
        let words = self.0.load(Ordering::Acquire);
        // SAFETY: null, or from `Segment::into_raw` in `publish`; taken back only by `free`, which excludes us.
        unsafe { words.as_ref() }
    }

    /// Makes the segment visible with all that is in it; its memory is accounted for from now on.
    ///
    /// # Panics
    /// When there is a segment already: readers may hold it. The issuer's one writer looks first.
    pub(crate) fn publish(&self, segment: Segment, room: Reservation) {
        let words = segment.into_raw();
        // Release: pairs with Acquire in Published::get.
        let published =
            self.0.compare_exchange(ptr::null_mut(), words.as_ptr(), Ordering::Release, Ordering::Relaxed);
        if published.is_err() {
            drop(reclaim(words));
            panic!("a segment is published once");
        }
        room.keep();
    }

    /// Frees the segment, if there is one.
    pub(crate) fn free(&mut self) {
        // Relaxed: `&mut self` already excludes everybody.
        let words = self.0.load(Ordering::Relaxed);
        self.0 = AtomicPtr::new(ptr::null_mut());
        if let Some(words) = ptr::NonNull::new(words) {
            drop(reclaim(words));
        }
    }
}

#[expect(unsafe_code, reason = "the other half of Segment::into_raw")]
fn reclaim(words: ptr::NonNull<Words>) -> Segment {
    // SAFETY: both callers hold the only copy of an address that `publish` got from `into_raw`.
    unsafe { Segment::from_raw(words) }
}
