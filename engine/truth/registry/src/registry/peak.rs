//! How many may wait for a credential at once. At eight in the morning everybody opens their code: what cannot be answered
//! soon is turned away before any work is done for it, and told when to come back, so that what was let in is answered
//! as fast and as often as at any other time.
//!
//! What counts is measured here: how fast they are answered when they are answered fastest, and how long the luckiest of the
//! last tenth of a second waited. The rate of this moment does not count: too much to do lowers it, and less room because of
//! that would lower it again. As long as one is answered quickly, a queue is only a burst; when even the luckiest waits, the
//! queue stands, and there is room for fewer (the rule of CoDel, RFC 8289 section 3).

use core::time::Duration;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How often room is measured.
const INTERVAL: Duration = Duration::from_millis(100);
/// How long the luckiest may wait: half of what the slowest may, and that is half a second.
const LUCKIEST: Duration = Duration::from_millis(250);
/// There is room for no more than is answered in this time at the best rate, milliseconds, nor for less than half of that.
const ANSWERED_IN_MS: usize = 500;
/// Room for so many at least: fewer do not keep two cores busy.
const LEAST: usize = 32;
/// Room for so many before anything was measured: a slow machine answers them within a second too.
const FIRST: usize = 128;
/// The best rate is forgotten by a part of so many in each interval: half of it in four and a half seconds.
const FORGET: usize = 64;
/// How long the answer to who is turned away is held back in the mean, milliseconds: at least, and at most.
const HELD_MS: (usize, usize) = (200, 3200);
/// The longest that somebody is sent away for, seconds.
const AWAY_S_MAX: u32 = 60;

/// Room for requests that get a credential. Times are those of any clock that only goes forward.
#[derive(Debug)]
pub struct IssuingRoom(Mutex<Inside>);

/// There is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crowded {
    /// When to come back, seconds: another for each, so that those who were sent away together do not come back together.
    pub retry_after_s: u32,
    /// How long this answer is to be held back, 0.1 to 4.8 s: so long that half as many are told in a second as are
    /// answered. Who asks again at once takes little from those who are let in. [`IssuingRoom::told`] follows.
    pub held: Duration,
}

#[derive(Debug)]
struct Inside {
    waiting: usize,
    /// Turned away, and not told yet.
    held: usize,
    room: usize,
    room_max: usize,
    /// When this interval began.
    since: Duration,
    answered: usize,
    refused: usize,
    luckiest: Duration,
    /// Answered in a second, smoothed over some four intervals.
    rate: usize,
    /// The best of [`rate`](Self::rate), slowly forgotten.
    best: usize,
    /// Seconds over which those who are sent away come back.
    away_s: u32,
    draw: u64,
}

impl Default for IssuingRoom {
    fn default() -> IssuingRoom {
        IssuingRoom(Mutex::new(Inside {
            waiting: 0,
            held: 0,
            room: FIRST,
            room_max: usize::MAX,
            since: Duration::ZERO,
            answered: 0,
            refused: 0,
            luckiest: Duration::MAX,
            rate: 0,
            best: 0,
            away_s: 1,
            draw: u64::from(std::process::id()),
        }))
    }
}

impl IssuingRoom {
    /// Never room for more than this many, at least 1, however fast they are answered: what is left is for other requests.
    pub fn at_most(&self, room_max: usize) {
        let mut inside = self.inside();
        inside.room_max = room_max.max(1);
        inside.room = inside.room.min(inside.room_max);
    }

    /// Lets a request in at `now`; [`leave`](Self::leave) follows, however it ends.
    ///
    /// # Errors
    /// [`Crowded`] when there is no room.
    pub fn enter(&self, now: Duration) -> Result<(), Crowded> {
        let mut inside = self.inside();
        inside.measure(now);
        if inside.waiting >= inside.room {
            inside.refused += 1;
            inside.held += 1;
            return Err(inside.away());
        }
        inside.waiting += 1;
        Ok(())
    }

    /// Who was turned away is told now, or is gone.
    pub fn told(&self) {
        let mut inside = self.inside();
        inside.held = inside.held.saturating_sub(1);
    }

    /// A request that was let in at `entered` is answered, or given up, at `now`.
    pub fn leave(&self, entered: Duration, now: Duration) {
        let mut inside = self.inside();
        inside.measure(now);
        inside.waiting = inside.waiting.saturating_sub(1);
        inside.answered += 1;
        inside.luckiest = inside.luckiest.min(now.saturating_sub(entered));
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        // Each change is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    fn measure(&mut self, now: Duration) {
        let past = now.saturating_sub(self.since);
        if past < INTERVAL {
            return;
        }
        let past_ms = usize::try_from(past.as_millis()).unwrap_or(usize::MAX).max(1);
        let rate = self.answered.saturating_mul(1000) / past_ms;
        // The first is as good as any.
        self.rate = if self.rate == 0 { rate } else { (3 * self.rate).saturating_add(rate) / 4 };
        self.best = self.rate.max(self.best - self.best.div_ceil(FORGET));
        let most = self.best.saturating_mul(ANSWERED_IN_MS) / 1000;
        let least = (most / 2).max(LEAST);
        let stands = self.luckiest > LUCKIEST && self.waiting > 0;
        if stands {
            self.room = (self.room - self.room / 4).max(least);
        } else if self.refused > 0 {
            self.room = (self.room + self.room / 4).min(most.max(self.room)).max(least);
        } else if self.room < FIRST {
            self.room = (self.room * 2).min(FIRST);
        }
        self.room = self.room.min(self.room_max);
        // Twice the time that those who were sent away would take, so that they do not meet all who come for the first time.
        let away = 2 * self.refused / self.answered.max(1);
        self.away_s = u32::try_from(away).unwrap_or(AWAY_S_MAX).clamp(1, AWAY_S_MAX);
        (self.since, self.answered, self.refused, self.luckiest) = (now, 0, 0, Duration::MAX);
    }

    /// Away for 1 to `away_s + 1` seconds.
    fn away(&mut self) -> Crowded {
        let drawn = self.drawn() % u64::from(self.away_s + 1);
        let told_in_a_second = (self.best / 2).max(LEAST);
        let mean_ms = (self.held.saturating_mul(1000) / told_in_a_second).clamp(HELD_MS.0, HELD_MS.1) as u64;
        let held_ms = mean_ms / 2 + self.drawn() % mean_ms;
        let retry_after_s = 1 + u32::try_from(drawn).unwrap_or(0);
        Crowded { retry_after_s, held: Duration::from_millis(held_ms) }
    }

    /// Another number for each (SplitMix64; guessing it gains nothing).
    fn drawn(&mut self) -> u64 {
        self.draw = self.draw.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut drawn = self.draw;
        drawn = (drawn ^ (drawn >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        drawn = (drawn ^ (drawn >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        drawn >> 33
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, VecDeque};

    use super::*;

    /// Offers `offered` requests a second to a server that answers `served` a second in turn, for ten seconds; how many
    /// are answered in the last five, and how long the slowest of them waited.
    fn morning(room: &IssuingRoom, offered: u64, served: u64) -> (u64, Duration) {
        const SECOND: u64 = 1_000_000;
        let mut waiting = VecDeque::new();
        let (mut answered, mut slowest, mut free_at) = (0, Duration::ZERO, 0);
        for at in (0..10 * SECOND).step_by(usize::try_from(SECOND / offered).unwrap()) {
            while let Some(&entered) = waiting.front() {
                let done = free_at.max(entered) + SECOND / served;
                if done > at {
                    break;
                }
                free_at = done;
                waiting.pop_front();
                let [entered, done] = [entered, done].map(Duration::from_micros);
                room.leave(entered, done);
                if done > Duration::from_secs(5) {
                    answered += 1;
                    slowest = slowest.max(done.saturating_sub(entered));
                }
            }
            if room.enter(Duration::from_micros(at)).is_ok() {
                waiting.push_back(at);
            }
        }
        (answered / 5, slowest)
    }

    #[test]
    fn r46_ten_times_the_load_is_answered_as_often_as_one_time() {
        for served in [200_u64, 2000, 8000] {
            for times in [2, 10] {
                let (answered, slowest) = morning(&IssuingRoom::default(), served * times, served);
                assert!(answered >= served * 95 / 100, "{answered} of {served}/s at {times} times");
                assert!(slowest < Duration::from_secs(1), "{slowest:?} at {served}/s, {times} times");
            }
        }
    }

    #[test]
    fn r46_a_second_of_slow_answers_leaves_room_for_what_can_be_answered() {
        let room = IssuingRoom::default();
        morning(&room, 20_000, 2000);
        // Nothing gets on for a second, as when all time goes to those who are turned away.
        for ms in (10_000..11_000).step_by(10) {
            let _ = room.enter(Duration::from_millis(ms));
        }
        let room = room.inside().room;
        assert!(room >= 300, "{room} is less than a full batch needs");
    }

    #[test]
    fn r46_half_as_many_are_told_as_are_answered_however_soon_they_ask_again() {
        let room = IssuingRoom::default();
        morning(&room, 2000, 1000);
        let held = room.inside().held;
        (0..held).for_each(|_| room.told());
        // Each of 1,000 asks again as soon as it was told, for ten seconds from the second on.
        let mut again: Vec<u64> = vec![10_000; 1000];
        let mut told = 0;
        for ms in 10_000..20_000 {
            for again in again.iter_mut().filter(|again| **again == ms) {
                if ms > 10_000 {
                    room.told();
                    told += 1;
                }
                // The time stays: no one is answered meanwhile, and the rate is known.
                if let Err(crowded) = room.enter(Duration::from_secs(10)) {
                    *again = ms + u64::try_from(crowded.held.as_millis()).unwrap();
                }
            }
        }
        assert!((2500..7500).contains(&told), "{told} in ten seconds");
    }

    #[test]
    fn who_is_sent_away_is_spread_by_how_many_they_are() {
        let room = IssuingRoom::default();
        morning(&room, 20_000, 1000);
        let now = Duration::from_secs(10);
        let away: Vec<_> = (0..5000).filter_map(|_| room.enter(now).err()).collect();
        let seconds: BTreeSet<u32> = away.iter().map(|crowded| crowded.retry_after_s).collect();
        let [first, last] = [seconds.first(), seconds.last()].map(|second| *second.unwrap());
        assert!(first == 1 && (20..=AWAY_S_MAX + 1).contains(&last), "{seconds:?}");
        let held: BTreeSet<u32> =
            away.iter().map(|crowded| u32::try_from(crowded.held.as_millis()).unwrap()).collect();
        assert!(held.len() > 1000 && held.iter().all(|held| (1600..4800).contains(held)), "{held:?}");
    }

    #[test]
    fn room_is_there_again_after_the_peak_and_never_more_than_there_is() {
        let room = IssuingRoom::default();
        morning(&room, 2000, 20);
        let waiting = room.inside().waiting;
        for _ in 0..waiting {
            room.leave(Duration::from_secs(10), Duration::from_secs(11));
        }
        for second in 12..20 {
            room.enter(Duration::from_secs(second)).unwrap();
            room.leave(Duration::from_secs(second), Duration::from_secs(second));
        }
        let now = Duration::from_secs(20);
        assert_eq!((0..1000).filter(|_| room.enter(now).is_ok()).count(), FIRST);
        let room = IssuingRoom::default();
        room.at_most(40);
        assert_eq!((0..1000).filter(|_| room.enter(now).is_ok()).count(), 40);
    }
}
