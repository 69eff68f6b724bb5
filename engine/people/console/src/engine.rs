//! What an engine or a registry says on its metrics page, once a second.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hufu_wire::Reason;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use crate::exposition::{Sample, samples};

/// How often a page is read.
pub(crate) const EVERY: Duration = Duration::from_secs(1);

/// How long a page may take. A later one is silence.
pub(crate) const TRY: Duration = Duration::from_millis(2500);

/// Largest page that is read, bytes. One of 1,024 sites has 200 KB.
const PAGE_BYTES_MAX: usize = 4 << 20;

/// Issuers and sites of one page that are kept.
const ISSUERS_MAX: usize = 256;
const SITES_MAX: usize = 1100;

/// Bounds of times of answers that are kept of one page; an engine has 13.
const BOUNDS_MAX: usize = 64;

/// Admitted, referred, refused.
pub(crate) type Decisions = [u64; 3];

/// One page, read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Figures {
    pub(crate) version: String,
    pub(crate) is_ready: bool,
    pub(crate) decisions: Decisions,
    /// In the order of [`Reason::ALL`].
    pub(crate) reasons: Vec<u64>,
    /// Answers that took at most so many seconds, cumulative, by rising bound.
    pub(crate) took: Vec<(f64, u64)>,
    pub(crate) sites: BTreeMap<u32, Decisions>,
    pub(crate) issuers: BTreeMap<u32, Followed>,
    pub(crate) left: Vec<(Ending, String, i64)>,
    pub(crate) has_failed_records: bool,
    /// Of a registry: whether its database answers.
    pub(crate) store_is_up: Option<bool>,
}

/// How far an engine has followed an issuer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Followed {
    /// Seconds since the issuer was heard of; none when it never was.
    pub(crate) age_s: Option<f64>,
    pub(crate) sequence: u64,
    /// Hexadecimal.
    pub(crate) digest: String,
    pub(crate) is_forked: bool,
}

/// What ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ending {
    Certificate,
    TrustList,
    RevocationList,
    Key,
}

impl Figures {
    /// Reads a page; what it does not say is 0 or absent.
    pub(crate) fn read(page: &str) -> Figures {
        let mut figures = Figures { reasons: vec![0; Reason::ALL.len()], ..Figures::default() };
        let mut took: BTreeMap<u64, u64> = BTreeMap::new();
        for sample in samples(page) {
            figures.take(&sample, &mut took);
        }
        figures.took = took.into_iter().map(|(bound, count)| (f64::from_bits(bound), count)).collect();
        figures
    }

    fn take(&mut self, sample: &Sample<'_>, took: &mut BTreeMap<u64, u64>) {
        let label = |name| sample.label(name).unwrap_or_default();
        let decision = |name: &str| ["admit", "refer", "refuse"].iter().position(|known| *known == name);
        match sample.name {
            "hufu_build_info" => self.version = label("version").chars().take(32).collect(),
            "hufu_ready" => self.is_ready = sample.value > 0.0,
            "hufu_decisions_total" => {
                if let Some(at) = decision(label("decision")) {
                    self.decisions[at] = sample.count();
                }
            }
            "hufu_verdicts_total" => {
                if let Some(at) = Reason::ALL.iter().position(|reason| reason.slug() == label("reason")) {
                    self.reasons[at] = sample.count();
                }
            }
            "hufu_answer_seconds_bucket" => {
                // Bounds are positive: their bits sort as they do.
                let bound = label("le").parse::<f64>().ok().filter(|bound| *bound > 0.0).map(f64::to_bits);
                if let Some(bound) = bound
                    && (took.len() < BOUNDS_MAX || took.contains_key(&bound))
                {
                    let sum = took.entry(bound).or_default();
                    *sum = sum.saturating_add(sample.count());
                }
            }
            "hufu_site_verdicts_total" => {
                let site = label("site").parse().ok().filter(|_| self.sites.len() < SITES_MAX);
                if let (Some(site), Some(at)) = (site, decision(label("decision"))) {
                    self.sites.entry(site).or_default()[at] = sample.count();
                }
            }
            "hufu_issuer_age_seconds" => {
                self.issuer(sample, |issuer, sample| issuer.age_s = Some(sample.value));
            }
            "hufu_follow_sequence" => self.issuer(sample, |issuer, sample| issuer.sequence = sample.count()),
            "hufu_follow_digest_info" => self.issuer(sample, |issuer, sample| {
                issuer.digest = sample.label("digest").unwrap_or_default().chars().take(64).collect();
            }),
            "hufu_follow_forked" => {
                self.issuer(sample, |issuer, sample| issuer.is_forked = sample.value > 0.0);
            }
            "hufu_certificate_left_seconds" | "hufu_registry_certificate_left_seconds" => {
                self.ends(Ending::Certificate, sample);
            }
            "hufu_trust_list_left_seconds" | "hufu_registry_trust_list_left_seconds" => {
                self.ends(Ending::TrustList, sample);
            }
            "hufu_crl_left_seconds" => self.ends(Ending::RevocationList, sample),
            "hufu_records_failed" => self.has_failed_records = sample.value > 0.0,
            "hufu_registry_store_up" => self.store_is_up = Some(sample.value > 0.0),
            _ => {}
        }
    }

    fn issuer(&mut self, sample: &Sample<'_>, set: impl FnOnce(&mut Followed, &Sample<'_>)) {
        if let Some(issuer) = sample.label("issuer").and_then(|issuer| issuer.parse().ok())
            && (self.issuers.len() < ISSUERS_MAX || self.issuers.contains_key(&issuer))
        {
            set(self.issuers.entry(issuer).or_default(), sample);
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "a float becomes the nearest whole second")]
    fn ends(&mut self, what: Ending, sample: &Sample<'_>) {
        if self.left.len() < ISSUERS_MAX {
            let of = sample.label("authority").unwrap_or_default().chars().take(64).collect();
            self.left.push((what, of, sample.value as i64));
        }
    }
}

/// What a source said last, and when; or since when it says nothing.
#[derive(Clone, Debug)]
pub(crate) enum Heard<T> {
    /// It answered.
    Figures(Arc<T>),
    /// It has not answered since then.
    Silent(Instant),
}

impl<T> Heard<T> {
    pub(crate) fn silent() -> Heard<T> {
        Heard::Silent(Instant::now())
    }

    /// What it said, if it answers.
    pub(crate) fn figures(&self) -> Option<&Arc<T>> {
        match self {
            Heard::Figures(figures) => Some(figures),
            Heard::Silent(_) => None,
        }
    }

    /// For how long it has been silent.
    pub(crate) fn silent_for(&self) -> Option<Duration> {
        match self {
            Heard::Figures(_) => None,
            Heard::Silent(since) => Some(since.elapsed()),
        }
    }

    /// Puts what was heard now in the place of what was heard before.
    pub(crate) fn put(told: &watch::Sender<Heard<T>>, now: Option<T>) {
        told.send_modify(|heard| match (now, &*heard) {
            (Some(figures), _) => *heard = Heard::Figures(Arc::new(figures)),
            (None, Heard::Silent(_)) => {}
            (None, Heard::Figures(_)) => *heard = Heard::silent(),
        });
    }
}

/// Reads a page for ever.
pub(crate) async fn follow(url: String, http: reqwest::Client, told: watch::Sender<Heard<Figures>>) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let page = tokio::time::timeout(TRY, page(&http, &url)).await.ok().flatten();
        Heard::put(&told, page.map(|page| Figures::read(&page)));
    }
}

async fn page(http: &reqwest::Client, url: &str) -> Option<String> {
    let mut response = http.get(url).send().await.ok().filter(|response| response.status().is_success())?;
    let mut page = Vec::new();
    while let Some(chunk) = response.chunk().await.ok()? {
        if page.len() + chunk.len() > PAGE_BYTES_MAX {
            return None;
        }
        page.extend_from_slice(&chunk);
    }
    String::from_utf8(page).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_an_engine_is_read() {
        let page = "hufu_build_info{version=\"0.1.0\"} 1\nhufu_ready 1\nhufu_decisions_total{decision=\"admit\"} 7\n\
            hufu_decisions_total{decision=\"refuse\"} 2\nhufu_verdicts_total{reason=\"clear\"} 7\n\
            hufu_answer_seconds_bucket{via=\"udp\",le=\"0.001\"} 5\nhufu_answer_seconds_bucket{via=\"quic\",le=\"0.001\"} 1\n\
            hufu_answer_seconds_bucket{via=\"udp\",le=\"+Inf\"} 9\nhufu_site_verdicts_total{site=\"3\",decision=\"refer\"} 4\n\
            hufu_site_verdicts_total{site=\"other\",decision=\"refer\"} 4\nhufu_issuer_age_seconds{issuer=\"310000\"} 0.4\n\
            hufu_follow_sequence{issuer=\"310000\"} 12\nhufu_follow_digest_info{issuer=\"310000\",digest=\"ab\"} 1\n\
            hufu_certificate_left_seconds 100.7\nhufu_crl_left_seconds{authority=\"Devices\"} -5\n";
        let figures = Figures::read(page);
        assert_eq!(
            (figures.version.as_str(), figures.is_ready, figures.decisions),
            ("0.1.0", true, [7, 0, 2])
        );
        assert_eq!(figures.took, [(0.001, 6), (f64::INFINITY, 9)]);
        assert_eq!(figures.sites, BTreeMap::from([(3, [0, 4, 0])]));
        let followed = Followed { age_s: Some(0.4), sequence: 12, digest: "ab".to_owned(), is_forked: false };
        assert_eq!(figures.issuers, BTreeMap::from([(310_000, followed)]));
        let left =
            [(Ending::Certificate, String::new(), 100), (Ending::RevocationList, "Devices".to_owned(), -5)];
        assert_eq!(figures.left, left);
        assert_eq!(Figures::read("no figures\n").decisions, [0; 3]);
    }

    #[test]
    fn r61_a_page_with_too_many_bounds_is_read_in_bounded_memory() {
        let line = |bound: u32, count: u64| format!("hufu_answer_seconds_bucket{{le=\"{bound}\"}} {count}\n");
        let lines: Vec<_> = (1..=20_000).map(|bound| line(bound, 1)).collect();
        let figures = Figures::read(&(lines.concat() + &line(1, 4)));
        assert_eq!((figures.took.len(), figures.took[0]), (BOUNDS_MAX, (1.0, 5)));
        let most = Figures::read(&line(1, 8_000_000_000_000_000).repeat(4000));
        assert_eq!(most.took, [(1.0, u64::MAX)]);
    }

    #[test]
    fn what_does_not_answer_is_silent_from_then_on_and_shows_no_last_figures() {
        let (told, heard) = watch::channel(Heard::silent());
        Heard::put(&told, Some(Figures::default()));
        assert!(heard.borrow().figures().is_some() && heard.borrow().silent_for().is_none());
        Heard::put(&told, None);
        let Heard::Silent(since) = *heard.borrow() else { panic!("it is silent") };
        Heard::put(&told, None);
        assert!(matches!(*heard.borrow(), Heard::Silent(still) if still == since));
        assert!(heard.borrow().figures().is_none());
    }
}
