//! The window of one session.

use core::sync::atomic::{
    AtomicU64,
    Ordering::{AcqRel, Acquire},
};

/// Attempts against other workers before a number counts as unknown.
pub(super) const ATTEMPTS: usize = 16;
/// Words of one window.
const WORDS: usize = 4;
/// Numbers of one word.
const WORD_NUMBERS: u64 = 32;

/// What is known of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// Not used before.
    New,
    /// Used before.
    Repeated,
    /// One of the two.
    Unknown,
}

/// A sliding window over the numbers of one session (RFC 4303 section 3.4.3): at least the 97 up to the highest, at
/// most 128.
#[derive(Default)]
#[repr(C)]
pub(super) struct Window {
    /// Of the session that has it; 0 for none.
    pub(super) tag: AtomicU64,
    /// The highest number so far, divided by [`WORD_NUMBERS`].
    top: AtomicU64,
    /// The low half of a word has a bit for each number of one run of 32; the high half says of which session and
    /// run ([`run_id`]). So a word of another session or of an older run reads as empty, and nothing is cleared.
    words: [AtomicU64; WORDS],
}

impl Window {
    /// Notes `number`, and says what was known of it.
    pub(super) fn mark(&self, tag: u64, number: u64) -> Freshness {
        let (run, bit) = (number / WORD_NUMBERS, 1 << (number % WORD_NUMBERS));
        let (word, id) = (self.word(run), run_id(tag, run));
        for _ in 0..ATTEMPTS {
            // In this order. A later run writes its word after it has raised the top, and another session after it
            // has put its tag: a worker that sees such a word sees the top or the tag as well, and one that does not
            // fails to exchange the word.
            let seen = word.load(Acquire);
            let top = self.top.load(Acquire);
            if self.tag.load(Acquire) != tag {
                return Freshness::Unknown;
            }
            if run > top {
                let _ = self.top.compare_exchange(top, run, AcqRel, Acquire);
                continue;
            }
            if top - run >= WORDS as u64 {
                return Freshness::Unknown;
            }
            let noted = if seen >> 32 == id { seen } else { id << 32 };
            if noted & bit != 0 {
                return Freshness::Repeated;
            }
            if word.compare_exchange(seen, noted | bit, AcqRel, Acquire).is_ok() {
                return Freshness::New;
            }
        }
        Freshness::Unknown
    }

    pub(super) fn unmark(&self, tag: u64, number: u64) {
        let (run, bit) = (number / WORD_NUMBERS, 1 << (number % WORD_NUMBERS));
        let word = self.word(run);
        let seen = word.load(Acquire);
        if seen >> 32 == run_id(tag, run) {
            // If it fails the number stays used, which is the safe side.
            let _ = word.compare_exchange(seen, seen & !bit, AcqRel, Acquire);
        }
    }

    /// Gives the window to another session; `false` when a third one has it meanwhile.
    pub(super) fn take_over(&self, from: u64, to: u64) -> bool {
        let top = self.top.load(Acquire);
        if self.tag.compare_exchange(from, to, AcqRel, Acquire).is_err() {
            return false;
        }
        // A top that was raised meanwhile stays: at worst the new session's numbers are unknown.
        let _ = self.top.compare_exchange(top, 0, AcqRel, Acquire);
        true
    }

    #[expect(clippy::cast_possible_truncation, reason = "a remainder of 4")]
    fn word(&self, run: u64) -> &AtomicU64 {
        &self.words[(run % WORDS as u64) as usize]
    }
}

/// Names one run of 32 numbers of one session in 32 bits. Runs that share a word never have one name; a word left by
/// another session has it with a probability of 2^-32, and then some numbers count as repeated.
fn run_id(tag: u64, run: u64) -> u64 {
    (tag ^ tag >> 32).wrapping_add(run) & u64::from(u32::MAX)
}
