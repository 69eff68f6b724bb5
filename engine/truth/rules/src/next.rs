//! When a ruling may become another by time alone.

use crate::facts::Facts;
use crate::file::{Rules, Test};
use crate::known::{DAY_S, WINDOW_S};
use crate::moment::Moment;

impl Rules {
    /// The first instant after the facts' own at which the ruling on them may be another although nothing is recorded:
    /// who decides again then, and at each such instant, misses nothing by more than a minute. It may be the same then. `None`
    /// when time changes nothing any more.
    pub fn next_change(&self, facts: &Facts) -> Option<Moment> {
        let at = facts.at;
        let spans = self.spans();
        let instants = facts.instants();
        let turns = instants
            .iter()
            .flat_map(|instant| spans.iter().map(|span| Moment(instant.0.saturating_add(*span))));
        let next = turns.filter(|turn| *turn > at).min();
        // The minutes of a stay that goes on, or that leaves the window, change all the time.
        let slides = facts.stays.iter().flatten().any(|stay| {
            let leaves = stay.from.0.saturating_add(WINDOW_S)..stay.to.0.saturating_add(WINDOW_S);
            (stay.from.0..stay.to.0).contains(&at.0) || leaves.contains(&at.0)
        });
        let soon = slides.then(|| Moment(at.0.saturating_add(60)));
        next.into_iter().chain(soon).min()
    }

    /// How long after an instant of the facts something may turn, seconds.
    fn spans(&self) -> Vec<i64> {
        let turns = self.parameters.iter().filter_map(|parameter| {
            let unit = parameter.fact.unit_s()?;
            Some(match parameter.test {
                Test::Within(limit) => limit.saturating_add(1).saturating_mul(unit),
                Test::AtLeast(limit) => limit.saturating_mul(unit),
            })
        });
        let releases = [self.release.red, self.release.amber].map(|release| i64::from(release.days) * DAY_S);
        // What lies ahead begins to count, and what leaves the window ends to.
        let mut spans: Vec<i64> = turns.chain(releases).chain([0, WINDOW_S, WINDOW_S + 1]).collect();
        spans.sort_unstable();
        spans.dedup();
        spans
    }
}

impl Facts {
    /// Every instant in them.
    fn instants(&self) -> Vec<Moment> {
        let cases = self.cases.iter().flatten().copied();
        let contacts = self.contacts.iter().flatten().map(|contact| contact.at);
        let arrivals = self.arrivals.iter().flatten().map(|arrival| arrival.at);
        let tests = self.tests.iter().flatten().map(|test| test.at);
        let doses = self.doses.iter().flatten().copied();
        let stays = self.stays.iter().flatten().flat_map(|stay| [stay.from, stay.to]);
        let quarantines = self.quarantines.iter().flatten().flat_map(|span| [span.from, span.to]);
        let current = self.current.iter().map(|current| current.since);
        cases
            .chain(contacts)
            .chain(arrivals)
            .chain(tests)
            .chain(doses)
            .chain(stays)
            .chain(quarantines)
            .chain(current)
            .collect()
    }
}
