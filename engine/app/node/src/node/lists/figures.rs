//! What a publisher of status lists shows on its metrics page (R64).

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use hufu_files::moment;
use hufu_transport::{Exhibit, Family, Labels, Values};
use hufu_wire::{IssuerId, UnixSeconds};

/// The lists of one issuer.
#[derive(Debug)]
pub(super) struct Figures {
    issuer: IssuerId,
    /// Of each list.
    entries: u32,
    told: Mutex<Told>,
}

#[derive(Debug, Default)]
struct Told {
    /// The date of each list that was written since the start.
    issued: BTreeMap<u32, UnixSeconds>,
    written: u64,
    failures: u64,
}

impl Figures {
    pub(super) fn new(issuer: IssuerId, entries: u32) -> Figures {
        Figures { issuer, entries, told: Mutex::default() }
    }

    /// These were written.
    pub(super) fn note(&self, lists: impl Iterator<Item = (u32, UnixSeconds)>) {
        let mut told = self.told();
        for (shard, issued) in lists {
            told.issued.insert(shard, issued);
            told.written += 1;
        }
    }

    /// A list could not be signed or written.
    pub(super) fn note_failure(&self) {
        self.told().failures += 1;
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        // Numbers, whole at every moment.
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn families_at(&self, now: UnixSeconds) -> Vec<Family> {
        let told = self.told();
        let labels = || -> Labels { vec![("issuer", self.issuer.to_string())] };
        let lists = told.issued.len() as u64;
        // Before the first list there is no age: absent is not zero.
        let oldest = told.issued.values().min().map(|then| (labels(), f64::from(now.0) - f64::from(then.0)));
        let level = |name, help, level| Family::levels(name, help, [(labels(), level)]);
        let count =
            |name, help, count| Family { name, help, values: Values::Counts(vec![(labels(), count)]) };
        vec![
            Family::seconds(
                "status_list_published_age_seconds",
                "Time since the date of the oldest list that is published",
                oldest,
            ),
            level("status_list_published_lists", "Lists that are published", lists),
            level(
                "status_list_published_entries",
                "Entries of all lists that are published",
                lists * u64::from(self.entries),
            ),
            count("status_list_published", "Lists signed and written", told.written),
            count(
                "status_list_published_failures",
                "Times that lists could not be signed or written",
                told.failures,
            ),
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
    fn r64_a_publisher_shows_the_age_of_its_oldest_list_and_what_failed() {
        let figures = Figures::new(IssuerId(7), 1_024);
        let labels: Labels = vec![("issuer", "7".to_owned())];
        let values = |at| figures.families_at(UnixSeconds(at)).into_iter().map(|family| family.values);
        assert_eq!(values(9).next(), Some(Values::Seconds(Vec::new())), "no age before the first list");
        figures.note([(0, UnixSeconds(100)), (1, UnixSeconds(130))].into_iter());
        figures.note([(1, UnixSeconds(160))].into_iter());
        figures.note_failure();
        let wanted = [
            Values::Seconds(vec![(labels.clone(), 60.0)]),
            Values::Levels(vec![(labels.clone(), 2)]),
            Values::Levels(vec![(labels.clone(), 2_048)]),
            Values::Counts(vec![(labels.clone(), 3)]),
            Values::Counts(vec![(labels, 1)]),
        ];
        assert_eq!(values(160).collect::<Vec<_>>(), wanted);
    }
}
