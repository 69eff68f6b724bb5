//! The tables of `engine.toml` and their defaults.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use hufu_wire::limits;
use serde::Deserialize;
#[cfg(test)]
use serde::Serialize;
use toml::Spanned;

use super::addresses::Addresses;

/// Addresses.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Listen {
    /// Sealed requests.
    pub(crate) udp: Spanned<Addresses>,
    /// The port that devices are told for sealed requests; 0 for the one of `udp`.
    pub(crate) advertised_port: u16,
    /// QUIC.
    pub(crate) quic: Addresses,
    /// Prometheus metrics over HTTP; an empty text for none.
    pub(crate) metrics: Metrics,
}

/// Where metrics are served, if anywhere.
#[derive(Clone, Copy, Debug, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
#[serde(try_from = "String")]
#[cfg_attr(test, serde(into = "String"))]
pub(crate) struct Metrics(pub(crate) Option<SocketAddr>);

/// Threads of the sealed-UDP side.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Workers {
    /// How many; 0 for one a core.
    pub(crate) threads: Spanned<usize>,
    /// Cores to pin them to, in order; empty for none.
    pub(crate) cores: Spanned<Vec<usize>>,
    /// How long a worker spins on an empty socket before it sleeps, microseconds.
    pub(crate) busy_poll_us: Spanned<u32>,
}

/// What devices may do.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Devices {
    /// Device ids are below this.
    #[expect(clippy::struct_field_names, reason = "the key's name in the file")]
    pub(crate) devices_max: Spanned<u32>,
    /// Checks a second of one device over a long time.
    pub(crate) rate_per_s: Spanned<u32>,
    /// Checks at once after a pause.
    pub(crate) burst: Spanned<u32>,
    /// Life of a cookie, seconds.
    pub(crate) cookie_s: Spanned<u32>,
    /// Whether devices are refused when the revocation list is past its next update.
    pub(crate) crl_must_be_fresh: Spanned<bool>,
}

/// How old the trust list may be.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Trust {
    /// Whether no code is admitted once the next trust list is overdue.
    pub(crate) list_must_be_fresh: Spanned<bool>,
}

/// How much memory the engine may use.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Memory {
    /// Issuers.
    pub(crate) issuers_max: Spanned<usize>,
    /// Holders of all issuers together.
    pub(crate) holders_max: Spanned<u64>,
    /// Credentials remembered as verified.
    pub(crate) seen_entries: Spanned<usize>,
    /// Presentations remembered as used.
    pub(crate) pass_back_entries: Spanned<usize>,
}

/// Where everything is; relative names count from the folder of the configuration file.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
#[serde(deny_unknown_fields)]
pub(crate) struct Files {
    /// The operator's public key.
    pub(crate) operator_key: PathBuf,
    /// The trust list.
    pub(crate) trust_list: PathBuf,
    /// The site policies.
    pub(crate) sites: PathBuf,
    /// Snapshots, one for each issuer.
    #[serde(default)]
    pub(crate) snapshots: Vec<PathBuf>,
    /// Where older versions had a seed; refused, with the command that takes it over.
    pub(crate) cluster_seed: Option<Spanned<PathBuf>>,
    /// Root certificates of the operator's CA.
    pub(crate) ca: PathBuf,
    /// The engine's certificate.
    pub(crate) certificate: PathBuf,
    /// Its key.
    pub(crate) key: PathBuf,
    /// Revoked device certificates.
    pub(crate) crl: Option<PathBuf>,
    /// The folder in which the engine remembers what may never be forgotten.
    pub(crate) state: PathBuf,
}

impl Default for Listen {
    fn default() -> Listen {
        Listen {
            udp: bare((Ipv4Addr::UNSPECIFIED, 7410).into()),
            advertised_port: 0,
            quic: (Ipv4Addr::UNSPECIFIED, 7411).into(),
            metrics: Metrics(Some((Ipv4Addr::LOCALHOST, 7412).into())),
        }
    }
}

impl Default for Workers {
    fn default() -> Workers {
        Workers { threads: bare(0), cores: bare(Vec::new()), busy_poll_us: bare(0) }
    }
}

impl Default for Devices {
    fn default() -> Devices {
        Devices {
            devices_max: bare(65_536),
            rate_per_s: bare(200),
            burst: bare(2_048),
            cookie_s: bare(limits::COOKIE_S_MAX),
            crl_must_be_fresh: bare(false),
        }
    }
}

impl Default for Trust {
    fn default() -> Trust {
        Trust { list_must_be_fresh: bare(false) }
    }
}

impl Default for Memory {
    fn default() -> Memory {
        Memory {
            issuers_max: bare(64),
            holders_max: bare(100_000_000),
            seen_entries: bare(4_194_304),
            pass_back_entries: bare(1_048_576),
        }
    }
}

/// A default stands nowhere in the file.
pub(super) fn bare<T>(value: T) -> Spanned<T> {
    Spanned::new(0..0, value)
}

impl Files {
    pub(super) fn make_relative_to(&mut self, folder: &Path) {
        let Files {
            operator_key,
            trust_list,
            sites,
            snapshots,
            cluster_seed: _,
            ca,
            certificate,
            key,
            crl,
            state,
        } = self;
        [operator_key, trust_list, sites, ca, certificate, key, state]
            .into_iter()
            .chain(snapshots)
            .chain(crl)
            .for_each(|path| *path = folder.join(&*path));
    }
}

impl Workers {
    /// How many workers there will be.
    pub(crate) fn count(&self) -> usize {
        match *self.threads.get_ref() {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        }
    }
}

impl TryFrom<String> for Metrics {
    type Error = String;

    fn try_from(text: String) -> Result<Metrics, String> {
        if text.is_empty() {
            return Ok(Metrics(None));
        }
        let address = text.parse().map_err(|_| format!("{text:?} is no address and port"))?;
        Ok(Metrics(Some(address)))
    }
}

#[cfg(test)]
impl From<Metrics> for String {
    fn from(metrics: Metrics) -> String {
        metrics.0.map(|address| address.to_string()).unwrap_or_default()
    }
}
