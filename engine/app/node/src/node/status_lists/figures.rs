//! Followed status lists on the metrics page (R64).

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use hufu_files::moment;
use hufu_transport::{Exhibit, Family, Labels, Values};
use hufu_wire::{IssuerId, UnixSeconds};

/// What the thread that follows one issuer's lists tells.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Of when its oldest list is, Unix seconds; 0 until each has come.
    pub(super) as_of: AtomicU32,
    /// Entries of all its lists.
    pub(super) entries: AtomicU64,
    /// Looks that went well, also where nothing was new.
    pub(super) fetched: AtomicU64,
    /// Looks that failed: nothing came, or it was refused.
    pub(super) failed: AtomicU64,
    /// Lists whose last look failed.
    pub(super) failing: AtomicU64,
}

/// The figures of every followed issuer.
pub(in crate::node) struct Figures(Vec<(IssuerId, Arc<Told>)>);

impl Figures {
    pub(super) fn new(followed: Vec<(IssuerId, Arc<Told>)>) -> Figures {
        Figures(followed)
    }

    fn families_at(&self, now: UnixSeconds) -> Vec<Family> {
        let labels = |issuer: &IssuerId| -> Labels { vec![("issuer", issuer.to_string())] };
        // Relaxed: figures for people.
        let levels = |of: fn(&Told) -> &AtomicU64| {
            self.0.iter().map(move |(issuer, told)| (labels(issuer), of(told).load(Relaxed)))
        };
        let fetches = |(issuer, told): &(IssuerId, Arc<Told>)| {
            [("good", &told.fetched), ("failed", &told.failed)].map(|(outcome, count)| {
                ([labels(issuer), vec![("outcome", outcome.to_owned())]].concat(), count.load(Relaxed))
            })
        };
        // Until each list has come there is no age: absent is not zero.
        let age = |(issuer, told): &(IssuerId, Arc<Told>)| {
            let as_of = Some(told.as_of.load(Relaxed)).filter(|as_of| *as_of > 0)?;
            Some((labels(issuer), f64::from(now.0) - f64::from(as_of)))
        };
        vec![
            Family::seconds(
                "status_list_age_seconds",
                "Time since the date of the issuer's oldest followed list",
                self.0.iter().filter_map(age),
            ),
            Family::levels(
                "status_list_entries",
                "Entries of the issuer's followed lists",
                levels(|told| &told.entries),
            ),
            Family::levels(
                "status_list_failing",
                "Followed lists whose last fetch failed or was refused",
                levels(|told| &told.failing),
            ),
            Family {
                name: "status_list_fetches",
                help: "Fetches of followed lists, by outcome",
                values: Values::Counts(self.0.iter().flat_map(fetches).collect()),
            },
        ]
    }
}

impl Exhibit for Figures {
    fn families(&self) -> Vec<Family> {
        self.families_at(moment::now().seconds())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r64_the_page_shows_age_entries_and_failures_of_followed_lists() {
        let told = Arc::new(Told::default());
        let figures = Figures::new(vec![(IssuerId(7), Arc::clone(&told))]);
        let labels: Labels = vec![("issuer", "7".to_owned())];
        let values = || figures.families_at(UnixSeconds(160)).into_iter().map(|family| family.values);
        assert_eq!(values().next(), Some(Values::Seconds(Vec::new())), "no age until each list has come");
        told.as_of.store(100, Relaxed);
        told.entries.store(2_048, Relaxed);
        told.failing.store(1, Relaxed);
        told.fetched.store(5, Relaxed);
        told.failed.store(3, Relaxed);
        let outcome = |outcome: &str| [labels.clone(), vec![("outcome", outcome.to_owned())]].concat();
        let wanted = [
            Values::Seconds(vec![(labels.clone(), 60.0)]),
            Values::Levels(vec![(labels.clone(), 2_048)]),
            Values::Levels(vec![(labels.clone(), 1)]),
            Values::Counts(vec![(outcome("good"), 5), (outcome("failed"), 3)]),
        ];
        assert_eq!(values().collect::<Vec<_>>(), wanted);
    }
}
