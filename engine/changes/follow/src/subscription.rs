//! Whether the feed speaks, and when to ask it again.

use std::time::Duration;

use crate::backoff::Backoff;
use crate::options::Timings;

/// One issuer's subscription, as seen from here.
#[derive(Debug)]
pub(crate) struct Subscription {
    silent: Duration,
    hung: Duration,
    ask_min: Duration,
    is_live: bool,
    is_open: bool,
    /// When to subscribe, `None` while there is no reason to.
    again_at: Option<Duration>,
    /// When it was tried last.
    tried_at: Option<Duration>,
    /// When something genuine came last, or it was subscribed.
    spoke_at: Duration,
    /// Since when sets have been missing without one coming.
    starved_since: Option<Duration>,
    /// How often that went on for too long.
    starved: u32,
    backoff: Backoff,
}

/// Why a subscription is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trip {
    /// Not even heads come.
    Silent,
    /// Sets are missing, and none comes.
    Hung,
}

/// After so many subscriptions that brought none of the missing sets the feed is taken not to have them.
const STARVED_MAX: u32 = 2;

impl Subscription {
    pub(crate) fn new(timings: &Timings, is_live: bool, now: Duration, seed: u64) -> Subscription {
        let ms = Duration::from_millis;
        Subscription {
            silent: ms(timings.silent_ms),
            hung: ms(timings.hung_ms),
            ask_min: ms(timings.ask_ms_min),
            is_live,
            is_open: false,
            again_at: Some(now),
            tried_at: None,
            spoke_at: now,
            starved_since: None,
            starved: 0,
            backoff: Backoff::new(ms(timings.backoff_ms_min), ms(timings.backoff_ms_max), seed),
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.is_open
    }

    pub(crate) fn is_live(&self) -> bool {
        self.is_live
    }

    /// Whether it is closed, and not being asked for either.
    pub(crate) fn is_left(&self) -> bool {
        !self.is_open && self.again_at.is_some()
    }

    /// Whether it is open and has spoken of late.
    pub(crate) fn is_connected(&self, now: Duration) -> bool {
        self.is_open && (!self.is_live || now < self.spoke_at + self.silent)
    }

    /// Whether the feed is taken not to have the sets that are missing.
    pub(crate) fn is_starved(&self) -> bool {
        self.starved >= STARVED_MAX
    }

    /// Whether to subscribe now. However often there is reason to, it is done a few times a second at most.
    pub(crate) fn is_due(&self, now: Duration) -> bool {
        self.due_at().is_some_and(|at| at <= now)
    }

    /// When something is to be done or looked at.
    pub(crate) fn wake_at(&self) -> Option<Duration> {
        if self.again_at.is_some() {
            return self.due_at();
        }
        let silent = (self.is_live && self.is_open).then(|| self.silent_at());
        let hung = self.starved_since.filter(|_| self.is_open).map(|since| since + self.hung);
        silent.into_iter().chain(hung).min()
    }

    /// Subscribing begins.
    pub(crate) fn trying(&mut self, now: Duration) {
        (self.is_open, self.again_at, self.tried_at) = (false, None, Some(now));
    }

    /// It is subscribed.
    pub(crate) fn opened(&mut self, now: Duration) {
        (self.is_open, self.spoke_at) = (true, now);
        self.starved_since = self.starved_since.map(|_| now);
    }

    /// The feed is of no use until it is asked again, which is not before `rest` is over.
    pub(crate) fn left(&mut self, now: Duration, rest: Duration) {
        self.is_open = false;
        self.again_after(now, rest);
    }

    /// Sets are missing that this subscription will not bring. Later ones may come at once with each subscription, so
    /// that none is ever hung: it counts as if it were, until a set leads on.
    pub(crate) fn lost_sets(&mut self, now: Duration) {
        if self.again_at.is_none() {
            self.starved += 1;
            self.again_after(now, Duration::ZERO);
        }
    }

    /// What is asked for has changed: ask now.
    pub(crate) fn restart(&mut self, now: Duration) {
        (self.is_open, self.again_at) = (false, Some(now));
        self.backoff.reset();
        (self.starved, self.starved_since) = (0, None);
    }

    /// Something genuine came, old or new.
    pub(crate) fn spoke(&mut self, now: Duration) {
        self.spoke_at = now;
    }

    /// Something came that led on: a set was applied, or the words are current.
    pub(crate) fn led_on(&mut self, now: Duration) {
        self.spoke_at = now;
        self.backoff.reset();
        (self.starved, self.starved_since) = (0, None);
    }

    /// Whether sets are missing at this moment.
    pub(crate) fn lacks(&mut self, lacks: bool, now: Duration) {
        match (lacks, self.starved_since) {
            (true, None) => self.starved_since = Some(now),
            (true, Some(_)) => {}
            (false, _) => {
                self.starved_since = None;
                // What was to be asked for has come meanwhile.
                if self.is_open {
                    self.again_at = None;
                }
            }
        }
    }

    /// Looks at the clock; each trip is reported once for each subscription.
    pub(crate) fn look(&mut self, now: Duration) -> Option<Trip> {
        if !self.is_open || self.again_at.is_some() {
            return None;
        }
        let trip = if self.is_live && now >= self.silent_at() {
            self.is_open = false;
            Trip::Silent
        } else if self.starved_since.is_some_and(|since| now >= since + self.hung) {
            self.starved += 1;
            Trip::Hung
        } else {
            return None;
        };
        self.again_after(now, Duration::ZERO);
        Some(trip)
    }

    /// When a feed that says nothing more is taken for dead.
    fn silent_at(&self) -> Duration {
        #[cfg(feature = "planted")]
        if hufu_wire::planted::has(hufu_wire::planted::Bug::SilenceIgnored) {
            return Duration::from_secs(1 << 40);
        }
        self.spoke_at + self.silent
    }

    fn again_after(&mut self, now: Duration, rest: Duration) {
        self.again_at = Some(now + self.backoff.next().max(rest));
    }

    fn due_at(&self) -> Option<Duration> {
        let at = self.again_at?;
        Some(self.tried_at.map_or(at, |tried| at.max(tried + self.ask_min)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(now: Duration) -> Subscription {
        let mut subscription = Subscription::new(&Timings::default(), true, now, 7);
        subscription.trying(now);
        subscription.opened(now);
        subscription
    }

    #[test]
    fn what_people_refresh_by_hand_may_be_quiet_for_days() {
        let start = Duration::ZERO;
        let mut quiet = Subscription::new(&Timings::default(), false, start, 7);
        quiet.trying(start);
        quiet.opened(start);
        for hours in 1..100 {
            let now = start + Duration::from_secs(3600 * hours);
            assert_eq!(quiet.look(now), None, "after {hours} h");
            assert!(!quiet.is_due(now));
        }
        assert_eq!(
            opened(start).look(start + Duration::from_secs(3600)),
            Some(Trip::Silent),
            "but no live feed"
        );
    }

    #[test]
    fn sets_that_do_not_come_are_asked_for_again_and_then_given_up() {
        let start = Duration::ZERO;
        let mut subscription = opened(start);
        subscription.lacks(true, start);
        let at = subscription.wake_at().unwrap();
        assert_eq!(at, start + Duration::from_millis(1500));
        assert_eq!(subscription.look(at), Some(Trip::Hung));
        assert!(subscription.is_open() && !subscription.is_starved(), "they may still come");
        let again = subscription.wake_at().unwrap();
        subscription.trying(again);
        subscription.opened(again);
        assert_eq!(subscription.look(again + Duration::from_millis(1500)), Some(Trip::Hung));
        assert!(subscription.is_starved());
        subscription.led_on(again);
        assert!(!subscription.is_starved());
    }
}
