//! How much that is useless a feed may send.

use std::time::Duration;

/// Credit that useless messages use up, by number and by size, and that time and useful ones restore. It bounds
/// what a hostile feed can make this thread do.
#[derive(Debug)]
pub(crate) struct Allowance {
    credit: f64,
    at: Duration,
}

/// A thousand small ones a second can go on for ever: about one per cent of a core.
const CREDIT_PER_S: f64 = 1_000.0;
/// What may come at once: the repeats after a subscription, for example.
const CREDIT_MAX: f64 = 4_000.0;
/// A large message costs a hash of all of it: this many bytes cost as much as a signature.
const BYTES_PER_CREDIT: f64 = 4_096.0;

impl Allowance {
    /// How long until there is enough for a second try.
    pub(crate) const REST: Duration = Duration::from_millis(500);

    pub(crate) fn new(now: Duration) -> Allowance {
        Allowance { credit: CREDIT_MAX, at: now }
    }

    /// Something useful came.
    pub(crate) fn restore(&mut self) {
        self.credit = CREDIT_MAX;
    }

    /// Something useless of this size came; whether that was too much.
    pub(crate) fn is_spent(&mut self, bytes: usize, now: Duration) -> bool {
        let passed = now.saturating_sub(self.at).as_secs_f64();
        self.at = now;
        #[expect(clippy::cast_precision_loss, reason = "sizes of messages")]
        let cost = 1.0 + bytes as f64 / BYTES_PER_CREDIT;
        self.credit = (self.credit + passed * CREDIT_PER_S).min(CREDIT_MAX) - cost;
        self.credit < 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_ends_and_a_trickle_goes_on() {
        let start = Duration::ZERO;
        let mut allowance = Allowance::new(start);
        let flood = (0..10_000).take_while(|_| !allowance.is_spent(100, start)).count();
        assert!((3_000..4_000).contains(&flood), "{flood}");
        let mut allowance = Allowance::new(start);
        assert!((0..60_000).all(|ms: u64| !allowance.is_spent(0, start + Duration::from_millis(ms))));
        let large = (0..1000).take_while(|_| !allowance.is_spent(524_680, start)).count();
        assert!(large < 40, "{large} sets of half a mebibyte");
        allowance.restore();
        assert!(!allowance.is_spent(524_680, start));
    }
}
