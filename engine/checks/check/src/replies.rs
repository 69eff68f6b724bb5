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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_of_replies_is_one_piece_unless_one_of_them_is_silence() {
        let mut replies = Replies::new();
        for index in 0..4_u8 {
            replies.place(index.into()).fill(index + 1);
        }
        let run = [2, 3].map(|byte| [byte; sealed::REPLY_BYTES]);
        assert_eq!(replies.run(1..3), Some(run.as_flattened()));
        replies.withdraw(2);
        assert_eq!((replies.get(2), replies.run(1..3)), (None, None), "silence after all");
        assert_eq!(replies.get(1), Some(&run[0]));
        replies.clear();
        assert!((0..=limits::BATCH_MAX).all(|index| replies.get(index).is_none()));
    }
}
