//! The tables of `engine.toml` and their defaults.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use hufu_files::settings::{Somewhere, bare};
use hufu_wire::{Suite, Suites, limits};
use serde::Deserialize;
#[cfg(test)]
use serde::Serialize;
use toml::Spanned;

use super::addresses::Addresses;

/// Addresses.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
#[serde(deny_unknown_fields, default)]
pub struct Listen {
    /// Sealed requests.
    pub udp: Spanned<Addresses>,
    /// The port that devices are told for sealed requests; 0 for the one of `udp`.
    pub advertised_port: u16,
    /// QUIC.
    pub quic: Addresses,
    /// Enrolment over HTTPS, for firmware without QUIC; an empty text for none.
    pub https: Somewhere,
    /// Prometheus metrics over HTTP; an empty text for none.
    pub metrics: Somewhere,
}

/// Threads of the sealed-UDP side.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
#[serde(deny_unknown_fields, default)]
pub struct Workers {
    /// How many; 0 for one a core.
    pub threads: Spanned<usize>,
    /// Cores to pin them to, in order; empty for none.
    pub cores: Spanned<Vec<usize>>,
    /// How long a worker spins on an empty socket before it sleeps, microseconds.
    pub busy_poll_us: Spanned<u32>,
}

/// What devices may do.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
#[serde(deny_unknown_fields, default)]
pub struct Devices {
    /// Device ids are below this.
    pub devices_max: Spanned<u32>,
    /// Checks a second of one device over a long time.
    pub rate_per_s: Spanned<u32>,
    /// Checks at once after a pause.
    pub burst: Spanned<u32>,
    /// Life of a cookie, seconds.
    pub cookie_s: Spanned<u32>,
    /// What new sessions may be sealed with: `aes`, `sm4`.
    pub suites: Spanned<Vec<String>>,
    /// Whether devices are refused when the revocation list is past its next update.
    pub crl_must_be_fresh: Spanned<bool>,
}

/// How old the trust list may be.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
#[serde(deny_unknown_fields, default)]
pub struct Trust {
    /// Whether no code is admitted once the next trust list is overdue.
    pub list_must_be_fresh: Spanned<bool>,
}

/// How much memory the engine may use.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
#[serde(deny_unknown_fields, default)]
pub struct Memory {
    /// Issuers.
    pub issuers_max: Spanned<usize>,
    /// Holders of all issuers together.
    pub holders_max: Spanned<u64>,
    /// Credentials remembered as verified.
    pub seen_entries: Spanned<usize>,
    /// Presentations remembered as used.
    pub pass_back_entries: Spanned<usize>,
}

/// Where everything is; relative names count from the folder of the configuration file.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
#[serde(deny_unknown_fields)]
pub struct Files {
    /// The operator's public key.
    pub operator_key: PathBuf,
    /// The trust list.
    pub trust_list: PathBuf,
    /// The site policies.
    pub sites: PathBuf,
    /// Trip credentials that ended before their time, a list an issuer.
    #[serde(default)]
    pub ended_trips: Vec<PathBuf>,
    /// Snapshots, one for each issuer.
    #[serde(default)]
    pub snapshots: Vec<PathBuf>,
    /// Where older versions had a seed; refused, with the command that takes it over.
    pub cluster_seed: Option<Spanned<PathBuf>>,
    /// Root certificates of the operator's CA.
    pub ca: PathBuf,
    /// The engine's certificate.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// Revoked device certificates.
    pub crl: Option<PathBuf>,
    /// The folder in which the engine remembers what may never be forgotten.
    pub state: PathBuf,
}

impl Default for Listen {
    fn default() -> Listen {
        Listen {
            udp: bare((Ipv4Addr::UNSPECIFIED, 7410).into()),
            advertised_port: 0,
            quic: (Ipv4Addr::UNSPECIFIED, 7411).into(),
            https: Somewhere(None),
            metrics: Somewhere(Some((Ipv4Addr::LOCALHOST, 7412).into())),
        }
    }
}

impl Default for Workers {
    fn default() -> Workers {
        Workers { threads: bare(0), cores: bare(Vec::new()), busy_poll_us: bare(0) }
    }
}

impl Devices {
    /// The suites by their names; `None` for a name that is unknown, or without any.
    pub fn suites(&self) -> Option<Suites> {
        Suites::from_names(self.suites.get_ref())
    }
}

impl Default for Devices {
    fn default() -> Devices {
        Devices {
            devices_max: bare(65_536),
            rate_per_s: bare(200),
            burst: bare(2_048),
            cookie_s: bare(limits::COOKIE_S_MAX),
            suites: bare(vec![Suite::Aes.name().to_owned()]),
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

impl Files {
    pub(super) fn make_relative_to(&mut self, folder: &Path) {
        let Files {
            operator_key,
            trust_list,
            sites,
            ended_trips,
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
            .chain(ended_trips)
            .chain(snapshots)
            .chain(crl)
            .for_each(|path| *path = folder.join(&*path));
    }
}

impl Workers {
    /// How many workers there will be.
    pub fn count(&self) -> usize {
        match *self.threads.get_ref() {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        }
    }
}
