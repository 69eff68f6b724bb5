//! What an engine's certificates and lists come to at this moment: figures for the metrics page, and whether the engine
//! is ready.

use std::sync::{Mutex, MutexGuard, PoisonError};

use hufu_files::moment;
use hufu_transport::{Exhibit, Family, Labels};
use hufu_wire::UnixSeconds;

use super::certificates::RevocationList;

/// The newest facts, for whoever asks.
pub(super) struct Health(Mutex<Facts>);

/// What certificates and lists say of themselves.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    /// The first and the last second of the engine's own certificate.
    pub(super) certificate: Option<(UnixSeconds, UnixSeconds)>,
    /// Revocation lists of devices, and whether devices are refused under one that is too old.
    pub(super) crls: Vec<RevocationList>,
    pub(super) crl_must_be_fresh: bool,
    /// The trust list, and whether codes are refused under one that is too old.
    pub(super) trust_list: TrustFacts,
    pub(super) trust_list_must_be_fresh: bool,
    /// Where the engine's clock stands still, for tests of clients.
    pub(super) clock_stands_at: Option<UnixSeconds>,
}

/// What the trust list says of itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct TrustFacts {
    pub(super) version: u64,
    pub(super) made_at: UnixSeconds,
    pub(super) next_by: Option<UnixSeconds>,
}

impl Health {
    /// These are the facts.
    pub(super) fn new(facts: Facts) -> Health {
        Health(Mutex::new(facts))
    }

    /// These are the facts from now on.
    pub(super) fn set(&self, facts: Facts) {
        *self.facts() = facts;
    }

    fn facts(&self) -> MutexGuard<'_, Facts> {
        // The facts are replaced whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Facts {
    /// Why gates would not be served under these, one line a cause.
    pub(super) fn not_ready(&self, now: UnixSeconds) -> Vec<String> {
        let mut why = Vec::new();
        if let Some(at) = self.clock_stands_at {
            why.push(format!(
                "the engine's clock stands still at {}: it is for tests of clients, and no real gate may ask it",
                moment::show(at)
            ));
        }
        if let Some((begin, end)) = self.certificate {
            let renew = "no gate can connect; `hufu ca server` issues a new one";
            if now < begin {
                why.push(format!(
                    "the engine's certificate is valid from {}, or this clock is behind: {renew}",
                    moment::show(begin)
                ));
            }
            if now > end {
                why.push(format!("the engine's certificate ended {}: {renew}", moment::show(end)));
            }
        }
        for RevocationList { authority, next_by, .. } in &self.crls {
            if let Some(next_by) = next_by.filter(|next_by| self.crl_must_be_fresh && now >= *next_by) {
                why.push(format!(
                    "the next revocation list of {authority} was due by {}, and crl_must_be_fresh is set: no gate can \
                     connect; `hufu ca refresh` signs one",
                    moment::show(next_by)
                ));
            }
        }
        let next_by = self.trust_list.next_by;
        if self.trust_list_must_be_fresh && next_by.is_none_or(|next_by| now > next_by) {
            let due = next_by.map_or_else(
                || "the trust list does not say when the next one is due".to_owned(),
                |next_by| format!("the next trust list was due by {}", moment::show(next_by)),
            );
            why.push(format!(
                "{due}, and list_must_be_fresh is set: no code is admitted; `hufu keys trust refresh` signs one"
            ));
        }
        why
    }

    fn families(&self, now: UnixSeconds) -> Vec<Family> {
        let since = |then: UnixSeconds| f64::from(now.0) - f64::from(then.0);
        let until = |then: UnixSeconds| -since(then);
        let one = |value: Option<f64>| value.map(|value| (Labels::new(), value));
        let label = |list: &RevocationList| vec![("authority", list.authority.clone())];
        let crls = |of: &dyn Fn(&RevocationList) -> Option<f64>| -> Vec<(Labels, f64)> {
            self.crls.iter().filter_map(|list| Some((label(list), of(list)?))).collect()
        };
        let numbers = self.crls.iter().filter_map(|list| Some((label(list), list.number?)));
        let TrustFacts { version, made_at, next_by } = self.trust_list;
        vec![
            Family::seconds(
                "certificate_left_seconds",
                "Time until the engine's certificate expires; below 0 once it has",
                one(self.certificate.map(|(_, end)| until(end))),
            ),
            Family::level("trust_list_version", "The trust list's version", version),
            Family::seconds(
                "trust_list_age_seconds",
                "Time since the trust list was made",
                one(Some(since(made_at))),
            ),
            Family::seconds(
                "trust_list_left_seconds",
                "Time until the next trust list is due; below 0 it is overdue",
                one(next_by.map(until)),
            ),
            Family::levels("crl_number", "The revocation list's number", numbers),
            Family::seconds(
                "crl_age_seconds",
                "Time since the revocation list was made",
                crls(&|list| Some(since(list.made_at))),
            ),
            Family::seconds(
                "crl_left_seconds",
                "Time until the next revocation list is due; below 0 it is overdue",
                crls(&|list| list.next_by.map(until)),
            ),
        ]
    }
}

impl Exhibit for Health {
    fn families(&self) -> Vec<Family> {
        self.facts().families(moment::now().seconds())
    }

    fn not_ready(&self) -> Vec<String> {
        self.facts().not_ready(moment::now().seconds())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_transport::Values;

    const NOW: UnixSeconds = UnixSeconds(1_790_000_000);

    fn facts() -> Facts {
        let [begin, soon] = [NOW.0 - 100, NOW.0 + 100].map(UnixSeconds);
        let crl = RevocationList {
            authority: "CN=Root".to_owned(),
            number: Some(9),
            made_at: begin,
            next_by: Some(soon),
        };
        Facts {
            certificate: Some((begin, soon)),
            crls: vec![crl],
            crl_must_be_fresh: true,
            trust_list: TrustFacts { version: 3, made_at: begin, next_by: Some(soon) },
            trust_list_must_be_fresh: true,
            clock_stands_at: None,
        }
    }

    #[test]
    fn an_engine_whose_clock_stands_still_is_never_ready() {
        let why = Facts { clock_stands_at: Some(NOW), ..facts() }.not_ready(NOW);
        assert!(why.len() == 1 && why[0].contains("tests of clients"), "{why:?}");
    }

    #[test]
    fn a9_what_ended_is_not_ready_and_says_what_to_do() {
        assert_eq!(facts().not_ready(NOW), Vec::<String>::new());
        let ended = facts().not_ready(UnixSeconds(NOW.0 + 101));
        for (line, wanted) in
            ended.iter().zip(["hufu ca server", "hufu ca refresh", "hufu keys trust refresh"])
        {
            assert!(line.contains(wanted), "{line}");
        }
        assert_eq!(ended.len(), 3, "{ended:?}");
        let early = facts().not_ready(UnixSeconds(NOW.0 - 101));
        assert!(early.len() == 1 && early[0].contains("this clock is behind"), "{early:?}");
    }

    #[test]
    fn b14_lists_that_are_too_old_are_only_told_where_nothing_is_refused_for_it() {
        let lenient = Facts { crl_must_be_fresh: false, trust_list_must_be_fresh: false, ..facts() };
        let late = UnixSeconds(NOW.0 + 101);
        assert_eq!(lenient.not_ready(late).len(), 1, "the certificate alone");
        let left = |name: &str| {
            let families = lenient.families(late);
            let family = families.iter().find(|family| family.name == name).unwrap();
            family.values.clone()
        };
        assert_eq!(left("trust_list_left_seconds"), Values::Seconds(vec![(Vec::new(), -1.0)]));
        assert_eq!(left("trust_list_age_seconds"), Values::Seconds(vec![(Vec::new(), 201.0)]));
        assert_eq!(left("trust_list_version"), Values::Levels(vec![(Vec::new(), 3)]));
        let label = vec![("authority", "CN=Root".to_owned())];
        assert_eq!(left("crl_left_seconds"), Values::Seconds(vec![(label.clone(), -1.0)]));
        assert_eq!(left("crl_number"), Values::Levels(vec![(label, 9)]));
        assert_eq!(left("certificate_left_seconds"), Values::Seconds(vec![(Vec::new(), -1.0)]));
    }
}
