//! When a gate asks for a session. No clock: time is passed in.
//!
//! A gate cannot tell an engine that does not know its session from a network that carries nothing: both are
//! silent, and only an enrolment, which is authenticated, shows which it is. So after a few checks without an answer
//! it tries one. Many gates fall silent together, so each waits for a time of its own, and for longer after each
//! attempt that changed nothing.

use std::time::{Duration, Instant};

use hufu_wire::Grant;

/// Checks in a row without any answer before a gate enrols again.
const SILENT_CHECKS: u32 = 2;
/// Within this time after the last of them the first attempt begins.
const SPREAD: Duration = Duration::from_secs(1);
/// From the first attempt to the second, at most; doubled each time.
const PAUSE_FIRST: Duration = Duration::from_secs(1);
/// Between two attempts, at most. A cluster of 10,000 gates that have QUIC and no verdicts makes about 850
/// enrolments a second of it, half of what one core can do.
const PAUSE_MAX: Duration = Duration::from_secs(16);

/// Counts attempts and says when the next may begin.
#[derive(Debug)]
pub(crate) struct Backoff {
    device: u64,
    attempts: u32,
    /// When the last one began.
    begun: Option<Instant>,
    not_before: Option<Instant>,
}

impl Backoff {
    /// Of this device: its pauses differ from every other device's, and are the same each time.
    pub(crate) fn new(grant: Grant) -> Backoff {
        let device = u64::from(grant.device.0) << 32 | u64::from(grant.generation.0);
        Backoff { device, attempts: 0, begun: None, not_before: None }
    }

    /// Whether an attempt may begin.
    pub(crate) fn is_over(&self, now: Instant) -> bool {
        self.not_before.is_none_or(|not_before| now >= not_before)
    }

    /// An attempt begins: the next one may after a pause, between half and whole of 1, 2, 4, 8 and then 16 seconds.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.attempts = self.attempts.saturating_add(1);
        self.begun = Some(now);
        let doubled = PAUSE_FIRST.saturating_mul(1 << (self.attempts - 1).min(8));
        let longest = doubled.min(PAUSE_MAX);
        self.not_before = Some(now + longest / 2 + self.part_of(longest / 2));
    }

    /// Whether the last attempt is as long ago as the longest pause.
    fn is_calm(&self, now: Instant) -> bool {
        self.begun.is_none_or(|begun| now >= begun + PAUSE_MAX)
    }

    /// What was wanted is there.
    pub(crate) fn reset(&mut self) {
        (self.attempts, self.begun, self.not_before) = (0, None, None);
    }

    /// A share of `longest` that is this device's own in this attempt (SplitMix64's mixer).
    fn part_of(&self, longest: Duration) -> Duration {
        let mut mixed = self.device ^ u64::from(self.attempts).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let longest_us = u64::try_from(longest.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(mixed % longest_us.max(1))
    }
}

/// How long engines have been silent, and when that is a reason to enrol.
#[derive(Debug)]
pub(crate) struct Silence {
    checks: u32,
    backoff: Backoff,
}

impl Silence {
    pub(crate) fn new(grant: Grant) -> Silence {
        Silence { checks: 0, backoff: Backoff::new(grant) }
    }

    /// A check ended without an answer.
    pub(crate) fn deepen(&mut self, now: Instant) {
        self.checks = self.checks.saturating_add(1);
        if self.checks == SILENT_CHECKS && self.backoff.attempts == 0 {
            self.backoff.not_before = Some(now + self.backoff.part_of(SPREAD));
        }
    }

    /// An engine answered: it knows the session. In a network that comes and goes the pauses stay what they were, until
    /// the longest of them has passed since the last attempt.
    pub(crate) fn end(&mut self, now: Instant) {
        self.checks = 0;
        if self.backoff.is_calm(now) {
            self.backoff.reset();
        }
    }

    /// Whether it has lasted long enough to doubt the session.
    pub(crate) fn is_long(&self) -> bool {
        self.checks >= SILENT_CHECKS
    }

    /// Whether to enrol now.
    pub(crate) fn wants_enrolment(&self, now: Instant) -> bool {
        self.is_long() && self.backoff.is_over(now)
    }

    /// An enrolment begins. If it changes nothing, the next one is later.
    pub(crate) fn enrolling(&mut self, now: Instant) {
        self.backoff.begin(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_wire::{DeviceGeneration, DeviceId, Scope, SiteId};

    fn grant(device: u32) -> Grant {
        Grant {
            device: DeviceId(device),
            generation: DeviceGeneration(0),
            site: SiteId(1),
            scope: Scope::CHECKS,
        }
    }

    /// Seconds after the second silent check at which a gate that gets no answer enrols.
    fn attempts(device: u32, seconds: u64) -> Vec<f64> {
        let begun = Instant::now();
        let mut silence = Silence::new(grant(device));
        silence.deepen(begun);
        assert!(!silence.wants_enrolment(begun), "one check may be lost");
        silence.deepen(begun);
        let mut attempts = Vec::new();
        for tick in 0..seconds * 100 {
            let now = begun + Duration::from_millis(tick * 10);
            silence.deepen(now);
            if silence.wants_enrolment(now) {
                silence.enrolling(now);
                attempts.push((now - begun).as_secs_f64());
            }
        }
        attempts
    }

    #[test]
    fn r51_a_dead_network_makes_no_storm_of_enrolments() {
        for device in 0..20 {
            let attempts = attempts(device, 600);
            assert!(attempts[0] < 1.01, "the first comes soon: {}", attempts[0]);
            let pauses: Vec<f64> = attempts.windows(2).map(|pair| pair[1] - pair[0]).collect();
            for (pause, longest) in pauses.iter().zip([1.0, 2.0, 4.0, 8.0].into_iter().chain([16.0; 1000])) {
                assert!((longest / 2.0..=longest + 0.02).contains(pause), "{pause} of {longest}");
            }
            assert!(attempts.len() < 600 / 8 + 5, "{} in ten minutes", attempts.len());
        }
    }

    #[test]
    fn r51_gates_that_fall_silent_together_spread_themselves() {
        let mut by_tenth = [0; 11];
        for device in 0..1000 {
            let first = attempts(device, 2)[0];
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 10")]
            let tenth = (first * 10.0) as usize;
            by_tenth[tenth] += 1;
        }
        assert!(by_tenth[..10].iter().all(|&gates| (60..140).contains(&gates)), "{by_tenth:?}");
        assert_eq!(attempts(7, 60), attempts(7, 60), "a device's times are its own");
    }

    #[test]
    fn an_answer_ends_the_silence_and_after_the_longest_pause_its_pauses() {
        let now = Instant::now();
        let mut silence = Silence::new(grant(1));
        (0..9).for_each(|_| silence.deepen(now));
        (0..9).for_each(|_| silence.enrolling(now));
        silence.end(now + PAUSE_MAX / 4);
        (0..2).for_each(|_| silence.deepen(now + PAUSE_MAX / 4));
        assert!(!silence.wants_enrolment(now + (PAUSE_MAX / 2).saturating_sub(SPREAD)), "it comes and goes");
        assert!(silence.wants_enrolment(now + PAUSE_MAX));
        silence.end(now + PAUSE_MAX);
        let now = now + PAUSE_MAX;
        assert!(!silence.wants_enrolment(now + Duration::from_secs(600)));
        silence.deepen(now);
        silence.deepen(now);
        assert!(silence.wants_enrolment(now + SPREAD));
    }
}
