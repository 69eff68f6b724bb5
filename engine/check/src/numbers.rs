//! Which request numbers a device's sessions have used: a window for each of its latest sessions.
//!
//! A number is *new*, *repeated*, or it *cannot be told*: it lies below its window, or its session has none here.
//! What cannot be told is never taken for new.
//!
//! # Who gets a window
//! A session that was not met before takes an empty window, or the one whose session was silent longest. The
//! session that had it loses what was remembered of it, so it must never look unmet again. Therefore a session
//! without a window gets one only when it is younger than every session that was remembered when one last lost its
//! window ([`Numbers::floor_s`]). Old packets are of older sessions: they take no window and change none. A device
//! whose session has lost its window is told to enrol again, and its new session is the youngest.

use core::ops::Range;
use core::sync::atomic::{
    AtomicU32, AtomicU64,
    Ordering::{AcqRel, Acquire, Relaxed},
};

use hufu_wire::{CheckNumber, UnixSeconds};

/// Windows of a device's newest generation.
const CURRENT_WINDOWS: usize = 3;
/// And one that its older generations share while they are not revoked.
const WINDOWS: usize = CURRENT_WINDOWS + 1;
/// Words of one window.
const WORDS: usize = 4;
/// Numbers of one word.
const WORD_NUMBERS: u64 = 32;
/// Attempts against other workers before a number counts as one that cannot be told.
const ATTEMPTS: usize = 16;

/// How far a session may have begun in the future, seconds: more than the clocks of a cluster differ. A session
/// further ahead was made by a clock that was wrong.
pub(crate) const AHEAD_S: u32 = 60;

/// A session as its device's numbers are kept by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionKey {
    /// When its cookie was made.
    pub issued: UnixSeconds,
    /// Eight bytes of its cookie's authentication tag: different for every cookie, and nobody can choose them.
    pub tag: u64,
}

/// What is known of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// Not used before.
    New,
    /// Used before.
    Repeated,
    /// One of the two.
    Untold,
}

/// Whether a generation of a device is the newest that was met here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// The newest, or a newer one than was met before.
    Current,
    /// Older, or revoked.
    Older,
}

/// The windows of one device. All zero: no session was met yet.
///
/// Each word stands alone, and nothing waits. Workers that race for one device can make a new number one that cannot
/// be told, which costs an enrolment. The other way round takes three workers that meet a device at once while two
/// of them see the first packets of one session.
#[derive(Default)]
#[repr(C)]
pub(crate) struct Numbers {
    /// The latest start of a session of the newest generation, Unix seconds.
    newest_s: AtomicU32,
    /// No session that began at this second or before gets a window any more.
    floor_s: AtomicU32,
    /// The same for older generations, which have one window and lose it to every younger session.
    older_s: AtomicU32,
    /// When each session of the newest generation last used a new number, Unix seconds.
    used_s: [AtomicU32; CURRENT_WINDOWS],
    windows: [Window; WINDOWS],
}

/// A sliding window over the numbers of one session (RFC 4303 section 3.4.3): at least the 97 up to the highest, at
/// most 128.
#[derive(Default)]
#[repr(C)]
struct Window {
    /// Whose it is; 0 for nobody's.
    tag: AtomicU64,
    /// The highest number so far, divided by [`WORD_NUMBERS`].
    top: AtomicU64,
    /// The low half of a word has a bit for each number of one run of 32; the high half says of which session and
    /// run ([`run_id`]). So a word of another session or of an older run is told as empty, and nothing is cleared.
    words: [AtomicU64; WORDS],
}

impl Numbers {
    /// Notes a number of a session, and says what was known of it.
    pub(crate) fn tell(
        &self,
        side: Side,
        session: SessionKey,
        number: CheckNumber,
        now: UnixSeconds,
    ) -> Told {
        let session = SessionKey { tag: session.tag.max(1), ..session };
        let Some(place) = self.window_of(side, session, now) else { return Told::Untold };
        let told = self.windows[place].mark(session.tag, number.0);
        if told == Told::New
            && let Some(used_s) = self.used_s.get(place)
            && used_s.load(Relaxed) != now.0
        {
            used_s.store(now.0, Relaxed);
        }
        told
    }

    /// Takes a new number back that was noted and then not served.
    pub(crate) fn take_back(&self, side: Side, session: SessionKey, number: CheckNumber) {
        let tag = session.tag.max(1);
        if let Some(place) = self.held_by(side, tag) {
            self.windows[place].unmark(tag, number.0);
        }
    }

    /// A newer generation was met: nothing of the one before counts for it. What loses its window here is told as
    /// older from now on, and cannot be told apart from a repetition.
    pub(crate) fn retire(&self) {
        let newest_s = self.newest_s.load(Acquire);
        self.floor_s.fetch_max(newest_s, AcqRel);
        self.older_s.fetch_max(newest_s, AcqRel);
        for window in &self.windows[places(Side::Current)] {
            let tag = window.tag.load(Acquire);
            window.take_over(tag, 0);
        }
    }

    /// The window of a session, given to it now where it may have one.
    fn window_of(&self, side: Side, session: SessionKey, now: UnixSeconds) -> Option<usize> {
        for _ in 0..ATTEMPTS {
            if let Some(place) = self.held_by(side, session.tag) {
                return Some(place);
            }
            // Read after the windows: whoever takes one over raises the floor first.
            let floor_s = match side {
                Side::Current => &self.floor_s,
                Side::Older => &self.older_s,
            };
            if session.issued.0 <= of_this_clock(floor_s, now) {
                return None;
            }
            let place = self.longest_silent(side, now);
            let window = &self.windows[place];
            let holder = window.tag.load(Acquire);
            match side {
                Side::Current => {
                    if holder != 0 {
                        self.floor_s.fetch_max(of_this_clock(&self.newest_s, now), AcqRel);
                    }
                    self.newest_s.fetch_max(session.issued.0, AcqRel);
                }
                Side::Older => drop(self.older_s.fetch_max(session.issued.0, AcqRel)),
            }
            if window.take_over(holder, session.tag) {
                if let Some(used_s) = self.used_s.get(place) {
                    used_s.store(now.0, Relaxed);
                }
                return Some(place);
            }
        }
        None
    }

    fn held_by(&self, side: Side, tag: u64) -> Option<usize> {
        places(side).find(|&place| self.windows[place].tag.load(Acquire) == tag)
    }

    /// An empty window, or the one whose session used no new number for longest. Replays do not keep a window.
    fn longest_silent(&self, side: Side, now: UnixSeconds) -> usize {
        let silent_s = |place: &usize| {
            if self.windows[*place].tag.load(Relaxed) == 0 {
                return u32::MAX;
            }
            // A session used further ahead than clocks differ is from before the clock was set back: the
            // difference wraps, and it goes first.
            let used_s = self.used_s.get(*place).map_or(0, |used_s| used_s.load(Relaxed));
            now.0.saturating_add(AHEAD_S).wrapping_sub(used_s)
        };
        // The last of equals, so the first in reverse.
        places(side).rev().max_by_key(silent_s).unwrap_or(places(side).start)
    }
}

fn places(side: Side) -> Range<usize> {
    match side {
        Side::Current => 0..CURRENT_WINDOWS,
        Side::Older => CURRENT_WINDOWS..WINDOWS,
    }
}

/// A second that was remembered, or the one before `now` where it is from a clock that was ahead: otherwise no
/// session would get a window until real time has caught up with that clock.
fn of_this_clock(second: &AtomicU32, now: UnixSeconds) -> u32 {
    let remembered = second.load(Acquire);
    if remembered <= now.0.saturating_add(AHEAD_S) {
        return remembered;
    }
    let before = now.0.saturating_sub(1);
    // Another worker may have put it right, or raised it by a session of now.
    second.compare_exchange(remembered, before, AcqRel, Acquire).map_or_else(|raised| raised, |_| before)
}

impl Window {
    /// Notes `number`, and says what was known of it.
    fn mark(&self, tag: u64, number: u64) -> Told {
        let (run, bit) = (number / WORD_NUMBERS, 1 << (number % WORD_NUMBERS));
        let (word, id) = (self.word(run), run_id(tag, run));
        for _ in 0..ATTEMPTS {
            // In this order. A later run writes its word after it has raised the top, and another session after it
            // has put its tag: whoever sees such a word sees the top or the tag as well, and whoever does not see it
            // fails to exchange the word.
            let seen = word.load(Acquire);
            let top = self.top.load(Acquire);
            if self.tag.load(Acquire) != tag {
                return Told::Untold;
            }
            if run > top {
                let _ = self.top.compare_exchange(top, run, AcqRel, Acquire);
                continue;
            }
            if top - run >= WORDS as u64 {
                return Told::Untold;
            }
            let noted = if seen >> 32 == id { seen } else { id << 32 };
            if noted & bit != 0 {
                return Told::Repeated;
            }
            if word.compare_exchange(seen, noted | bit, AcqRel, Acquire).is_ok() {
                return Told::New;
            }
        }
        Told::Untold
    }

    fn unmark(&self, tag: u64, number: u64) {
        let (run, bit) = (number / WORD_NUMBERS, 1 << (number % WORD_NUMBERS));
        let word = self.word(run);
        let seen = word.load(Acquire);
        if seen >> 32 == run_id(tag, run) {
            // If it fails the number stays used, which is the safe side.
            let _ = word.compare_exchange(seen, seen & !bit, AcqRel, Acquire);
        }
    }

    /// Gives the window to another session; `false` when a third one has it meanwhile.
    fn take_over(&self, from: u64, to: u64) -> bool {
        let top = self.top.load(Acquire);
        if self.tag.compare_exchange(from, to, AcqRel, Acquire).is_err() {
            return false;
        }
        // A top that was raised meanwhile stays: at worst the new session's numbers cannot be told.
        let _ = self.top.compare_exchange(top, 0, AcqRel, Acquire);
        true
    }

    #[expect(clippy::cast_possible_truncation, reason = "a remainder of 4")]
    fn word(&self, run: u64) -> &AtomicU64 {
        &self.words[(run % WORDS as u64) as usize]
    }
}

/// Names one run of 32 numbers of one session in 32 bits. Runs that share a word never have one name; a word left by
/// another session has it with a probability of 2^-32, and then some numbers are told as repeated.
fn run_id(tag: u64, run: u64) -> u64 {
    (tag ^ tag >> 32).wrapping_add(run) & u64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixSeconds = UnixSeconds(1_790_000_000);

    fn later(seconds: u32) -> UnixSeconds {
        UnixSeconds(NOW.0 + seconds)
    }

    fn session(tag: u64, age_s: u32) -> SessionKey {
        SessionKey { issued: UnixSeconds(NOW.0 - age_s), tag: tag.wrapping_mul(0x9e37_79b9_7f4a_7c15) }
    }

    fn tell(numbers: &Numbers, session: SessionKey, number: u64) -> Told {
        numbers.tell(Side::Current, session, CheckNumber(number), NOW)
    }

    #[test]
    fn numbers_out_of_order_are_new_once() {
        let numbers = Numbers::default();
        let (new, repeated, untold) = (Told::New, Told::Repeated, Told::Untold);
        for (number, told) in [
            (5, new),
            (3, new),
            (5, repeated),
            (3, repeated),
            (4, new),
            (100, new),
            (1, new),
            (1, repeated),
            (4, repeated),
            (100, repeated),
            (127, new),
            (0, new),
            (31, new),
            (128, new),
            (31, untold),
            (0, untold),
            (32, new),
            (300, new),
            (191, untold),
            (192, new),
            (u64::MAX, new),
            (u64::MAX, repeated),
            (u64::MAX - 97, new),
            (u64::MAX - 128, untold),
        ] {
            assert_eq!(tell(&numbers, session(1, 0), number), told, "{number}");
        }
    }

    #[test]
    fn two_sessions_of_one_second_each_have_their_numbers() {
        let numbers = Numbers::default();
        for number in 1..200 {
            for tag in [1, 2] {
                assert_eq!(tell(&numbers, session(tag, 0), number), Told::New, "{number} of {tag}");
                assert_eq!(tell(&numbers, session(tag, 0), number), Told::Repeated, "{number} of {tag}");
            }
        }
    }

    #[test]
    fn old_packets_take_no_window() {
        let numbers = Numbers::default();
        // Five sessions, each younger than the one before: three have windows, two have lost theirs.
        let sessions: Vec<_> = (1..=5).map(|tag| session(tag, 10 - u32::try_from(tag).unwrap())).collect();
        for (session, age_s) in sessions.iter().zip(0..) {
            assert_eq!(numbers.tell(Side::Current, *session, CheckNumber(1), later(age_s)), Told::New);
        }
        for number in 1..500 {
            for lost in &sessions[..2] {
                assert_eq!(tell(&numbers, *lost, number), Told::Untold);
            }
            for kept in &sessions[2..] {
                assert_eq!(tell(&numbers, *kept, 1), Told::Repeated);
            }
        }
        assert_eq!(tell(&numbers, sessions[4], 2), Told::New);
    }

    /// A diagnostic that enrols every few seconds beside a gate that is busy.
    #[test]
    fn a_session_in_use_keeps_its_window_beside_many_that_come_and_go() {
        let numbers = Numbers::default();
        let gate = session(1, 0);
        for second in 0..1000 {
            let now = later(second);
            let number = CheckNumber(u64::from(second) + 1);
            assert_eq!(numbers.tell(Side::Current, gate, number, now), Told::New, "{second}");
            let passing = SessionKey { issued: now, tag: 1 << 40 | u64::from(second) };
            if second > 0 {
                assert_eq!(numbers.tell(Side::Current, passing, CheckNumber(1), now), Told::New, "{second}");
            }
            assert_eq!(numbers.tell(Side::Current, gate, number, now), Told::Repeated, "{second}");
        }
    }

    #[test]
    fn sessions_of_a_clock_that_was_ahead_keep_nobody_from_a_window() {
        let numbers = Numbers::default();
        let hours = later(8 * 3600);
        for tag in 1..=5 {
            let ahead = SessionKey { issued: UnixSeconds(hours.0 + tag), tag: u64::from(tag) };
            let now = UnixSeconds(hours.0 + tag);
            assert_eq!(numbers.tell(Side::Current, ahead, CheckNumber(1), now), Told::New);
        }
        for tag in 11..=20 {
            let now = later(tag);
            let session = SessionKey { issued: now, tag: u64::from(tag) };
            assert_eq!(numbers.tell(Side::Current, session, CheckNumber(1), now), Told::New, "{tag}");
            assert_eq!(numbers.tell(Side::Current, session, CheckNumber(1), now), Told::Repeated, "{tag}");
        }
    }

    #[test]
    fn an_older_generation_has_one_window_and_takes_none_of_the_newest() {
        let numbers = Numbers::default();
        assert_eq!(tell(&numbers, session(1, 9), 1), Told::New);
        numbers.retire();
        let older = |tag, age_s, number| {
            numbers.tell(Side::Older, session(tag, age_s), CheckNumber(number), NOW)
        };
        assert_eq!(older(1, 9, 1), Told::Untold, "what is older now must enrol again");
        assert_eq!(tell(&numbers, session(2, 8), 1), Told::New);
        for tag in 3..9 {
            assert_eq!(older(tag, 8 - u32::try_from(tag - 3).unwrap(), 1), Told::New, "each younger than the last");
            assert_eq!(tell(&numbers, session(2, 8), 1), Told::Repeated);
            assert_eq!(tell(&numbers, session(2, 8), tag), Told::New);
        }
        assert_eq!(older(3, 8, 2), Told::Untold, "the one before the last has lost the window");
    }

    #[test]
    fn a_number_taken_back_is_new_once_more() {
        let numbers = Numbers::default();
        assert_eq!(tell(&numbers, session(1, 0), 7), Told::New);
        numbers.take_back(Side::Current, session(1, 0), CheckNumber(7));
        assert_eq!(tell(&numbers, session(1, 0), 7), Told::New);
        assert_eq!(tell(&numbers, session(1, 0), 7), Told::Repeated);
    }

    /// Four workers, two sessions, every number from each of them: each is new exactly once.
    #[test]
    fn of_many_workers_at_once_exactly_one_is_told_that_a_number_is_new() {
        use std::sync::atomic::AtomicUsize;
        const NUMBERS: u64 = 3000;
        let numbers = Numbers::default();
        let new: Vec<AtomicUsize> = (0..NUMBERS).map(|_| AtomicUsize::new(0)).collect();
        let together = std::sync::Barrier::new(3);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for number in 0..NUMBERS {
                        if number % 64 == 0 {
                            together.wait();
                        }
                        if tell(&numbers, session(1, 0), number) == Told::New {
                            new[usize::try_from(number).unwrap()].fetch_add(1, Relaxed);
                        }
                    }
                });
            }
        });
        // Too many attempts would make a number one that cannot be told, never one that is new twice.
        assert!(new.iter().all(|new| new.load(Relaxed) <= 1));
    }
}
