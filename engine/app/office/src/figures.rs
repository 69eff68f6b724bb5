//! A registry's figures on a metrics page.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hufu_api::{ChainFigures, FigureSource, PhoneFigures, TlsFiles, Took};
use hufu_codes::keyring::Keyring;
use hufu_files::moment;
use hufu_transport::{Exhibit, Family, Histogram, Labels, Values, profile};
use hufu_wire::UnixSeconds;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

/// What the page shows.
pub(crate) struct RegistryFigures {
    pub(crate) source: Arc<FigureSource>,
    /// Those of phones, where phones are served.
    pub(crate) phones: Option<Box<dyn Fn() -> PhoneFigures + Send + Sync>>,
    pub(crate) expiries: Arc<Expiries>,
}

/// When what the registry has loaded ends.
#[derive(Debug, Default)]
pub(crate) struct Expiries(Mutex<Loaded>);

#[derive(Clone, Copy, Debug, Default)]
struct Loaded {
    trust_list_version: u64,
    /// By when the next trust list is due.
    trust_list: Option<UnixSeconds>,
    /// The last second of the API's certificate.
    certificate: Option<UnixSeconds>,
    /// The last second of the phones' certificate.
    phones_certificate: Option<UnixSeconds>,
}

impl Expiries {
    /// This trust list is loaded now.
    pub(crate) fn trust(&self, keyring: &Keyring) {
        let mut loaded = self.loaded();
        (loaded.trust_list_version, loaded.trust_list) = (keyring.version(), keyring.list().next_by());
    }

    /// This certificate is served now. One that cannot be read has no end here; serving it fails elsewhere.
    pub(crate) fn certificate(&self, tls: &TlsFiles) {
        self.loaded().certificate = end_of(tls);
    }

    /// The same of the certificate that phones see.
    pub(crate) fn phones_certificate(&self, tls: &TlsFiles) {
        self.loaded().phones_certificate = end_of(tls);
    }

    fn loaded(&self) -> MutexGuard<'_, Loaded> {
        // Numbers, whole at every moment.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn families(&self, now: UnixSeconds) -> [Family; 4] {
        let loaded = *self.loaded();
        let left =
            |end: Option<UnixSeconds>| end.map(|end| (Labels::new(), f64::from(end.0) - f64::from(now.0)));
        [
            Family::seconds(
                "registry_certificate_left_seconds",
                "Time until the API's certificate expires; below 0 once it has",
                left(loaded.certificate),
            ),
            Family::seconds(
                "registry_phones_certificate_left_seconds",
                "Time until the certificate that phones see expires; below 0 once it has",
                left(loaded.phones_certificate),
            ),
            Family::seconds(
                "registry_trust_list_left_seconds",
                "Time until the next trust list is due; below 0 it is overdue",
                left(loaded.trust_list),
            ),
            Family::level(
                "registry_trust_list_version",
                "The trust list's version",
                loaded.trust_list_version,
            ),
        ]
    }
}

/// The end of a certificate; none of one that cannot be read.
fn end_of(tls: &TlsFiles) -> Option<UnixSeconds> {
    let leaf = CertificateDer::from_pem_file(&tls.certificate).ok();
    leaf.and_then(|leaf| profile::read_end(&leaf).ok())
}

fn phones(figures: &PhoneFigures) -> [Family; 4] {
    let request = |(of, status, count): &(String, u16, u64)| {
        (vec![("request", of.clone()), ("status", status.to_string())], *count)
    };
    let requests = Values::Counts(figures.requests.iter().map(request).collect());
    [
        Family {
            name: "registry_phone_requests",
            help: "Answers to phones, by request and status",
            values: requests,
        },
        Family::counts(
            "registry_phone_refusals",
            "Refusals of phones, by name of the problem or why a connection was closed",
            "cause",
            figures.refusals.iter().copied(),
        ),
        Family::count("registry_phone_renewals", "Credentials issued to phones", figures.renewals),
        Family::level("registry_phone_connections", "Connections of phones open", figures.connections as u64),
    ]
}

impl Exhibit for RegistryFigures {
    fn families(&self) -> Vec<Family> {
        let figures = self.source.figures();
        let issuer = |chain: &ChainFigures| vec![("issuer", chain.issuer.to_string())];
        let class = |class: &String| vec![("class", class.clone())];
        let requests = figures
            .requests
            .iter()
            .map(|(of, status, count)| ([class(of), vec![("status", status.to_string())]].concat(), *count));
        let took = figures.took.iter().map(|(of, Took { counts, sum })| {
            let (bounds, counts, sum) = (&Took::BOUNDS_S, counts.to_vec(), sum.as_secs_f64());
            (class(of), Histogram { bounds, counts, sum })
        });
        let sequences = figures.chains.iter().map(|chain| (issuer(chain), chain.sequence));
        // A chain without a set has no age: absent is not zero.
        let ages = figures.chains.iter().filter_map(|chain| Some((issuer(chain), chain.age?.as_secs_f64())));
        let family = |name, help, values| Family { name, help, values };
        let mut families = vec![
            family(
                "registry_requests",
                "Answers, by class of route and status",
                Values::Counts(requests.collect()),
            ),
            family(
                "registry_answer_seconds",
                "Time until the answer begins, by class of route",
                Values::Histograms(took.collect()),
            ),
            Family::counts(
                "registry_refusals",
                "Refusals, by name of the problem or why a connection was closed",
                "cause",
                figures.refusals.iter().copied(),
            ),
            Family::level("registry_connections", "Connections open", figures.connections as u64),
            Family::level("registry_feeds", "Feeds that are followed", figures.feeds as u64),
            Family::level("registry_snapshot_bytes", "Bytes of kept snapshots", figures.snapshot_bytes),
            Family::level(
                "registry_store_up",
                "1 when the store answered within the last ten seconds",
                figures.store_answers.into(),
            ),
            Family::levels("registry_chain_sequence", "Last set of the chain", sequences),
            Family::seconds("registry_chain_age_seconds", "Time since the last set was confirmed", ages),
            Family::level("registry_trail_lines", "Number of the trail's last line", figures.trail_lines),
            Family::level("registry_tokens", "Tokens that may be used", figures.tokens),
        ];
        families.extend(self.phones.iter().flat_map(|figures| phones(&figures())));
        families.extend(self.expiries.families(moment::now().seconds()));
        families
    }

    fn not_ready(&self) -> Vec<String> {
        let is_silent = !self.source.figures().store_answers;
        is_silent.then(|| "the store does not answer".to_owned()).into_iter().collect()
    }
}
