//! The engine's own configuration: `engine.toml`. Every key is described in `docs/examples/engine.toml`,
//! which a test keeps equal to what stands here.

mod fault;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use hufu_wire::limits;
use serde::Deserialize;
#[cfg(test)]
use serde::Serialize;
use toml::Spanned;

use self::fault::{Misconfigured, Place};
use crate::files;

/// Everything `hufu serve` is told.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Addresses.
    #[serde(default)]
    pub(crate) listen: Listen,
    /// Threads of the sealed-UDP side.
    #[serde(default)]
    pub(crate) workers: Workers,
    /// What devices may do.
    #[serde(default)]
    pub(crate) devices: Devices,
    /// How much memory the engine may use.
    #[serde(default)]
    pub(crate) memory: Memory,
    /// Where everything is.
    pub(crate) files: Files,
}

/// Addresses.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Listen {
    /// Sealed requests.
    pub(crate) udp: SocketAddr,
    /// QUIC.
    pub(crate) quic: SocketAddr,
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
    /// The seed all engines of the cluster share.
    pub(crate) cluster_seed: PathBuf,
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
            udp: (Ipv4Addr::UNSPECIFIED, 7410).into(),
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
            rate_per_s: bare(100),
            burst: bare(200),
            cookie_s: bare(limits::COOKIE_S_MAX),
            crl_must_be_fresh: bare(false),
        }
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
fn bare<T>(value: T) -> Spanned<T> {
    Spanned::new(0..0, value)
}

impl Config {
    /// Reads and checks `engine.toml`; names in it come back relative to where it lies.
    ///
    /// # Errors
    /// [`Misconfigured`] with file, line and key, or that the file cannot be read.
    pub(crate) fn load(path: &Path) -> anyhow::Result<Config> {
        let text = files::read_text(path)?;
        let mut config = Config::parse(&text, path)?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        config.files.make_relative_to(&folder);
        Ok(config)
    }

    /// The same from text; `path` is only a name for the error.
    fn parse(text: &str, path: &Path) -> Result<Config, Misconfigured> {
        let place = Place { text, path };
        let config: Config = toml::from_str(text).map_err(|error| place.unreadable(&error))?;
        config.check(place)?;
        Ok(config)
    }

    fn check(&self, place: Place<'_>) -> Result<(), Misconfigured> {
        let Config { workers, devices, memory, .. } = self;
        place.within("threads", &workers.threads, 0..=256)?;
        place.within("busy_poll_us", &workers.busy_poll_us, 0..=1_000_000)?;
        let cores = workers.cores.get_ref().len();
        if cores != 0 && cores != *workers.threads.get_ref() {
            return Err(place.misconfigured(
                "cores",
                &workers.cores,
                format!("names {cores} cores for {} threads", workers.threads.get_ref()),
                "name one core for each thread, or none at all",
            ));
        }
        place.within("devices_max", &devices.devices_max, 1..=limits::DEVICES_MAX)?;
        place.within("rate_per_s", &devices.rate_per_s, 0..=1_000_000)?;
        place.within("burst", &devices.burst, 1..=1_000_000)?;
        place.within("cookie_s", &devices.cookie_s, 1..=limits::COOKIE_S_MAX)?;
        place.within("issuers_max", &memory.issuers_max, 1..=limits::ISSUERS_MAX)?;
        place.within("holders_max", &memory.holders_max, 1..=1 << 33)?;
        place.within("seen_entries", &memory.seen_entries, 1_024..=1 << 32)?;
        place.within("pass_back_entries", &memory.pass_back_entries, 1_024..=1 << 32)
    }
}

impl Files {
    fn make_relative_to(&mut self, folder: &Path) {
        let Files {
            operator_key,
            trust_list,
            sites,
            snapshots,
            cluster_seed,
            ca,
            certificate,
            key,
            crl,
            state,
        } = self;
        [operator_key, trust_list, sites, cluster_seed, ca, certificate, key, state]
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

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: &str = "[files]\noperator_key = 'o'\ntrust_list = 't'\nsites = 's'\ncluster_seed = 'c'\n\
                         ca = 'a'\ncertificate = 'e'\nkey = 'k'\nstate = 'st'\n";
    const EXAMPLE: &str = include_str!("../../../docs/examples/engine.toml");

    fn parse(text: &str) -> Result<Config, Misconfigured> {
        Config::parse(text, Path::new("engine.toml"))
    }

    fn refused(text: &str) -> String {
        parse(text).expect_err(text).to_string()
    }

    #[test]
    fn a_config_needs_only_its_files() {
        let config = parse(FILES).unwrap();
        assert_eq!(config.listen.udp.port(), 7410);
        assert!(config.files.crl.is_none());
    }

    #[test]
    fn errors_name_file_line_key_and_mend() {
        for (lines, wanted) in [
            ("[listen]\nupd = '127.0.0.1:1'", "engine.toml:2: upd: there is no such key; did you mean udp?"),
            ("[listen]\n\nudp = 7410", "engine.toml:3: udp: "),
            ("[listen]\nudp = 'here'", "engine.toml:2: udp: "),
            ("[listen]\nmetrics = 'no'", "engine.toml:2: metrics: \"no\" is no address and port"),
            ("[workers]\nthreads = 'two'", "engine.toml:2: threads: "),
            (
                "[workers]\nthreads = 999",
                "engine.toml:2: threads: 999 is out of range; write a whole number from 0 to 256",
            ),
            ("[workers]\nthreads = 2\ncores = [0]", "engine.toml:3: cores: names 1 cores for 2 threads"),
            ("[devices]\ncookie_s = 90000", "engine.toml:2: cookie_s: 90000 is out of range"),
            ("[memory]\nholders_max = 0", "engine.toml:2: holders_max: 0 is out of range"),
            ("[walls]\nhigh = true", "engine.toml:1: walls: there is no such key"),
            ("[listen]\nudp = ", "engine.toml:2: udp: "),
        ] {
            let said = refused(&format!("{lines}\n{FILES}"));
            assert!(said.contains(wanted), "{lines:?} says {said:?}, not {wanted:?}");
        }
        let said = refused(&FILES.replace("sites = 's'\n", ""));
        assert!(said.contains("engine.toml:1: sites: is missing"), "{said}");
        assert!(refused("").contains("engine.toml:1: files: is missing"));
    }

    /// The example sets the files and shows every other key, commented out, with its default.
    #[test]
    fn the_example_is_the_documentation_of_every_key() {
        let config = parse(EXAMPLE).unwrap();
        let bare = |line: &str| {
            let key = line.strip_prefix("# ")?.split_once(" = ")?.0;
            key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_').then(|| line[2..].to_owned())
        };
        let uncommented: Vec<_> =
            EXAMPLE.lines().map(|line| bare(line).unwrap_or_else(|| line.to_owned())).collect();
        let shown = parse(&uncommented.join("\n")).unwrap();
        let tables = |config: &Config| match toml::Value::try_from(config).unwrap() {
            toml::Value::Table(tables) => tables,
            other => panic!("{other}"),
        };
        for (name, defaults) in tables(&config) {
            let keys: Vec<_> = defaults.as_table().unwrap().keys().cloned().collect();
            let shown = tables(&shown)[&name].clone();
            for key in keys {
                assert!(EXAMPLE.contains(&format!("{key} = ")), "{name}.{key} is not in the example");
                if name != "files" {
                    assert_eq!(shown[&key], defaults[&key], "{name}.{key} has another default");
                }
            }
        }
    }
}
