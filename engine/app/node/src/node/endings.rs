//! What ends one day without anybody touching a file: told near its end and after it, once a day.

use hufu_codes::keyring::Keyring;
use hufu_files::moment;
use hufu_wire::UnixSeconds;

use super::certificates::{Devices, Own};

/// What ends though no file changes.
pub(super) struct Endings {
    revocation_list: Ending,
    trust_list: Ending,
    certificate: Ending,
}

/// Something that ends, and when that was last told.
struct Ending {
    /// What ends, and what to do about it.
    what: &'static str,
    mend: &'static str,
    /// How long before its end it is told, seconds.
    near_s: u32,
    told: Option<(UnixSeconds, UnixSeconds)>,
}

const DAY_S: u32 = 86_400;

impl Endings {
    /// Nothing was told yet.
    pub(super) fn new() -> Endings {
        Endings {
            revocation_list: Ending::of_revocation_list(),
            trust_list: Ending::of_trust_list(),
            certificate: Ending::of_certificate(),
        }
    }

    /// Tells what ends soon.
    pub(super) fn look(&mut self, own: &Own, devices: &Devices, keyring: &Keyring) {
        self.revocation_list.look(devices.end);
        self.trust_list.look(keyring.list().next_by());
        self.certificate.lives(own.life_s());
        self.certificate.look(own.end());
    }
}

impl Ending {
    /// The revocation list's next update, of thirty days.
    const fn of_revocation_list() -> Ending {
        let mend = "`hufu ca refresh` signs a new one";
        Ending { what: "the revocation list", mend, near_s: 7 * DAY_S, told: None }
    }

    /// The trust list's successor, of ninety days unless the operator says otherwise.
    const fn of_trust_list() -> Ending {
        let mend = "`hufu keys trust refresh` signs the next one";
        Ending { what: "the time of the trust list", mend, near_s: 14 * DAY_S, told: None }
    }

    /// The engine's own certificate.
    const fn of_certificate() -> Ending {
        let mend = "devices cannot connect after it; `hufu ca server --renew` issues a new one";
        Ending { what: "the engine's certificate", mend, near_s: 30 * DAY_S, told: None }
    }

    /// From now on it is told in the last third of `life_s` seconds, and a month before the end at the earliest.
    fn lives(&mut self, life_s: u32) {
        self.near_s = (life_s / 3).min(30 * DAY_S);
    }

    /// Tells the log if it is due.
    fn look(&mut self, end: Option<UnixSeconds>) {
        if let Some(warning) = end.and_then(|end| self.due(end, moment::now().seconds())) {
            tracing::warn!("{warning}");
        }
    }

    /// The warning for `end`, at most once a day.
    fn due(&mut self, end: UnixSeconds, now: UnixSeconds) -> Option<String> {
        let today = |(of, at): (_, UnixSeconds)| of == end && now.0.abs_diff(at.0) < DAY_S;
        if now.0 < end.0.saturating_sub(self.near_s) || self.told.is_some_and(today) {
            return None;
        }
        self.told = Some((end, now));
        let verb = if now < end { "ends" } else { "ended" };
        Some(format!("{} {verb} {}; {}", self.what, moment::show(end), self.mend))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_told_near_it_and_after_it_once_a_day() {
        let mut ending = Ending::of_revocation_list();
        let end = UnixSeconds(100 * DAY_S);
        let mut due = |day: u32, second: u32, end| {
            let said = ending.due(end, UnixSeconds(day * DAY_S + second)).unwrap_or_default();
            ["ends", "ended"].into_iter().find(|verb| said.contains(&format!(" {verb} ")))
        };
        assert_eq!(due(92, 0, end), None);
        assert_eq!(due(93, 0, end), Some("ends"));
        assert_eq!(due(93, 60, end), None, "told today");
        assert_eq!(due(94, 0, end), Some("ends"));
        assert_eq!(due(100, 0, end), Some("ended"));
        assert_eq!(due(101, 1, end), Some("ended"));
        assert_eq!(due(101, 2, UnixSeconds(130 * DAY_S)), None, "a new list");
        assert_eq!(due(101, 3, UnixSeconds(102 * DAY_S)), Some("ends"), "and one that ends soon");
    }

    #[test]
    fn an_end_that_was_told_by_a_clock_that_was_ahead_is_told_again() {
        let mut ending = Ending::of_revocation_list();
        let end = UnixSeconds(100 * DAY_S);
        assert!(ending.due(end, UnixSeconds(5_000 * DAY_S)).is_some());
        assert!(ending.due(end, UnixSeconds(95 * DAY_S)).is_some(), "the clock is correct again");
        assert_eq!(ending.due(end, UnixSeconds(95 * DAY_S - 60)), None, "told today");
    }

    #[test]
    fn b11_the_end_of_a_certificate_of_days_is_told_in_its_last_third() {
        let mut ending = Ending::of_certificate();
        ending.lives(6 * DAY_S);
        let end = UnixSeconds(100 * DAY_S);
        assert_eq!(ending.due(end, UnixSeconds(98 * DAY_S - 1)), None);
        assert!(ending.due(end, UnixSeconds(98 * DAY_S)).is_some());
        ending.lives(365 * DAY_S);
        assert_eq!(ending.near_s, 30 * DAY_S);
    }
}
