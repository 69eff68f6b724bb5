//! Which request numbers a device's sessions have used: a window for each of its latest sessions.
//!
//! A number is *new*, *repeated* or *unknown*: it lies below its window, or its session has none here. An unknown
//! number is never taken for a new one.
//!
//! # Who gets a window
//! A session that was not met before takes an empty window, or the one whose session was silent longest. The
//! session that had it loses what was remembered of it, so it must never look unmet again. Therefore a session
//! without a window gets one only when it is younger than every session that was remembered when one last lost its
//! window ([`Numbers::floor_s`]). Old packets are of older sessions: they take no window and change none. A device
//! whose session has lost its window is told to enrol again, and its new session is the youngest.

use core::ops::Range;
use core::sync::atomic::{
    AtomicU32,
    Ordering::{AcqRel, Acquire, Relaxed, SeqCst},
    fence,
};

use hufu_wire::{CheckNumber, UnixSeconds};

pub(crate) use self::window::Freshness;
use self::window::{ATTEMPTS, Window};

mod window;

/// Windows of a device's newest generation.
const CURRENT_WINDOWS: usize = 3;
/// And one that its older generations share while they are not revoked.
const WINDOWS: usize = CURRENT_WINDOWS + 1;

/// How far a session may have begun in the future, seconds: more than the clocks of a cluster differ. A session
/// further ahead was made by a clock that was wrong.
pub(crate) const AHEAD_S: u32 = 60;

/// A session as its device's numbers are kept by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionKey {
    /// When its cookie was made.
    pub issued: UnixSeconds,
    /// Eight bytes of its cookie's authentication tag: different for every cookie, and not for anyone to choose.
    pub tag: u64,
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
/// Each word stands alone, and nothing waits. Workers that race for one device can make a new number an unknown one,
/// which costs an enrolment. The other way round takes workers that meet a device with two sessions at once, one of which stands
/// still between a look and an exchange while both sessions change windows.
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

impl Numbers {
    /// Notes a number of a session, and says what was known of it.
    pub(crate) fn mark(
        &self,
        side: Side,
        session: SessionKey,
        number: CheckNumber,
        now: UnixSeconds,
    ) -> Freshness {
        let session = SessionKey { tag: session.tag.max(1), ..session };
        let Some(place) = self.window_of(side, session, now) else { return Freshness::Unknown };
        let freshness = self.windows[place].mark(session.tag, number.0);
        if freshness == Freshness::New
            && let Some(used_s) = self.used_s.get(place)
            && used_s.load(Relaxed) != now.0
        {
            used_s.store(now.0, Relaxed);
        }
        freshness
    }

    /// Takes a new number back that was noted and then not served.
    pub(crate) fn take_back(&self, side: Side, session: SessionKey, number: CheckNumber) {
        let tag = session.tag.max(1);
        if let Some(place) = self.held_by(side, tag) {
            self.windows[place].unmark(tag, number.0);
        }
    }

    /// A newer generation was met: nothing of the one before counts for it. The sessions that lose their windows here
    /// count as older from now on, and their numbers are unknown.
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
            // Read after the windows: a worker that takes one over raises the floor first.
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
                // Two workers that meet a session at once may each give it a window. One of them at least sees both here.
                fence(SeqCst);
                if places(side).any(|other| other != place && self.has(other, session.tag)) {
                    window.take_over(session.tag, 0);
                    continue;
                }
                if let Some(used_s) = self.used_s.get(place) {
                    used_s.store(now.0, Relaxed);
                }
                return Some(place);
            }
        }
        None
    }

    fn held_by(&self, side: Side, tag: u64) -> Option<usize> {
        places(side).find(|&place| self.has(place, tag))
    }

    fn has(&self, place: usize, tag: u64) -> bool {
        self.windows[place].tag.load(Acquire) == tag
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

#[cfg(test)]
mod tests;
