//! Room for the replies to one batch.

use hufu_wire::{limits, sealed};

/// At most one reply for each datagram of a batch, all of one size, kept side by side so that a run of
/// replies to one peer can leave as one segmented send.
pub struct Replies {
    bytes: [[u8; sealed::REPLY_BYTES]; limits::BATCH_MAX],
    present: [bool; limits::BATCH_MAX],
}

impl Replies {
    /// No replies yet.
    pub const fn new() -> Replies {
        Replies { bytes: [[0; sealed::REPLY_BYTES]; limits::BATCH_MAX], present: [false; limits::BATCH_MAX] }
    }

    /// The reply to the datagram at `index`, `None` where silence is the answer.
    pub fn get(&self, index: usize) -> Option<&[u8; sealed::REPLY_BYTES]> {
        if *self.present.get(index)? { self.bytes.get(index) } else { None }
    }

    /// The replies to `range` in one piece, `None` when one of them is silence.
    pub fn run(&self, range: core::ops::Range<usize>) -> Option<&[u8]> {
        let all = self.present.get(range.clone())?.iter().all(|&present| present);
        if all { Some(self.bytes.get(range)?.as_flattened()) } else { None }
    }

    pub(crate) fn clear(&mut self) {
        self.present.fill(false);
    }

    /// Where the reply to `index` goes; it counts as present from now on.
    pub(crate) fn place(&mut self, index: usize) -> &mut [u8; sealed::REPLY_BYTES] {
        self.present[index] = true;
        &mut self.bytes[index]
    }

    /// Silence after all.
    pub(crate) fn withdraw(&mut self, index: usize) {
        self.present[index] = false;
    }
}

impl Default for Replies {
    fn default() -> Replies {
        Replies::new()
    }
}
