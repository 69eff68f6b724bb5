//! The registry's own configuration: `registry.toml`. Every key is described in `docs/examples/registry.toml`, which
//! a test keeps equal to what stands here.

mod families;
mod phones;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use hufu_api::SnapshotLimits;
use serde::Deserialize;
#[cfg(test)]
use serde::Serialize;
use toml::Spanned;

pub use self::families::FamilySettings;
pub use self::phones::PhoneSettings;
use hufu_files as files;
use hufu_files::settings::{LogFormat, Misconfigured, Place, Somewhere, bare};

/// Everything `hufu registry serve` is told.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How the lines of the log are written.
    #[serde(default)]
    pub log: LogFormat,
    /// The address, and how much is done at once.
    #[serde(default)]
    pub listen: Listen,
    /// The database.
    pub store: StorePlace,
    /// Where everything else is.
    pub files: Files,
    /// How much is kept of snapshots.
    #[serde(default)]
    pub snapshots: Snapshots,
    /// How appeals are treated.
    #[serde(default)]
    pub appeals: Appeals,
    /// Rules that instructions may name, by number; any when there is none.
    #[serde(default)]
    pub rules: BTreeMap<RuleNumber, String>,
    /// What decides about relatives of users.
    #[serde(default)]
    pub families: FamilySettings,
    /// How holders' phones are served.
    #[serde(default)]
    pub phones: PhoneSettings,
    /// Where chains are published beside the API.
    pub nats: Option<Nats>,
}

/// The number of a rule, as it stands before its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
#[serde(try_from = "String")]
#[cfg_attr(test, serde(into = "String"))]
pub struct RuleNumber(pub u32);

impl TryFrom<String> for RuleNumber {
    type Error = &'static str;

    fn try_from(text: String) -> Result<RuleNumber, &'static str> {
        text.parse().map(RuleNumber).map_err(|_| "a rule has a number from 0 to 4294967295 before its name")
    }
}

#[cfg(test)]
impl From<RuleNumber> for String {
    fn from(rule: RuleNumber) -> String {
        rule.0.to_string()
    }
}

/// The address, and how much is done at once.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
#[serde(deny_unknown_fields, default)]
pub struct Listen {
    /// The API.
    pub api: Spanned<SocketAddr>,
    /// Holders' phones; an empty text for none.
    pub phones: Spanned<Somewhere>,
    /// Connections at once.
    pub connections_max: Spanned<usize>,
    /// Connections at once of one source.
    pub connections_source_max: Spanned<usize>,
    /// How long TLS may take, and the headers of a request, milliseconds.
    pub headers_ms_max: Spanned<u64>,
    /// Requests at once, feeds not among them.
    pub requests_max: Spanned<usize>,
    /// Requests under way at once of one token.
    pub requests_token_max: Spanned<usize>,
    /// Feeds at once.
    pub feeds_max: Spanned<usize>,
    /// Feeds at once of one token.
    pub feeds_token_max: Spanned<usize>,
    /// How long one request may take, milliseconds.
    pub request_ms_max: Spanned<u64>,
    /// Sets behind the newest checkpoint from which an engine is offered it first.
    pub offer_after_sets: Spanned<u64>,
    /// Prometheus metrics over HTTP; an empty text for none.
    pub metrics: Somewhere,
}

/// How much is kept of snapshots.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
#[serde(deny_unknown_fields, default)]
pub struct Snapshots {
    /// Largest snapshot that is taken, bytes.
    pub one_bytes_max: Spanned<u64>,
    /// Bytes of all.
    pub bytes_max: Spanned<u64>,
    /// Bytes of those of one issuer.
    pub issuer_bytes_max: Spanned<u64>,
    /// How long one is kept that no checkpoint names, seconds.
    pub unnamed_s: Spanned<u64>,
}

/// How appeals of holders are treated.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
#[serde(deny_unknown_fields, default)]
pub struct Appeals {
    /// Within which time one is to be decided, seconds.
    pub due_s: Spanned<u32>,
}

/// The database.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
#[serde(deny_unknown_fields)]
pub struct StorePlace {
    /// `sqlite:FILE` or `postgres://...`.
    pub url: Spanned<String>,
    /// Connections to PostgreSQL.
    #[serde(default = "connections")]
    pub connections: Spanned<u32>,
}

/// Where everything else is; relative names count from the folder of the configuration file.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
#[serde(deny_unknown_fields)]
pub struct Files {
    /// The keys that seal personal fields.
    pub vault: PathBuf,
    /// The operator's public key.
    pub operator_key: PathBuf,
    /// The operator's trust list.
    pub trust_list: PathBuf,
    /// Secret keys that sign heads.
    pub publisher_keys: Vec<PathBuf>,
    /// Secret keys that sign credentials.
    #[serde(default)]
    pub credential_keys: Vec<PathBuf>,
    /// Secret keys that sign rosters.
    #[serde(default)]
    pub roster_keys: Vec<PathBuf>,
    /// The note of where chains end; beside the vault's keys when there is none.
    pub chain_ends: Option<PathBuf>,
    /// The folder of snapshots.
    pub snapshots: Option<PathBuf>,
    /// The API's certificate, PEM.
    pub certificate: Option<Spanned<PathBuf>>,
    /// Its private key, PEM.
    pub key: Option<PathBuf>,
}

/// NATS servers to publish to.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
#[serde(deny_unknown_fields)]
pub struct Nats {
    /// `nats://host:4222`, several with commas between.
    pub servers: Spanned<String>,
    /// A file with one line `name:password`.
    pub user: Option<PathBuf>,
    /// A file with a token.
    pub token: Option<PathBuf>,
    /// Root certificates of the servers.
    pub ca: Option<PathBuf>,
    /// Our certificate, for servers that ask for one.
    pub certificate: Option<PathBuf>,
    /// Its private key.
    pub key: Option<PathBuf>,
    /// How many servers of a cluster keep each stream.
    #[serde(default = "replicas")]
    pub replicas: Spanned<usize>,
    /// At most so many sets are kept for each issuer.
    pub keep_sets: Option<u64>,
    /// At most so many bytes are kept for each issuer.
    pub keep_bytes: Option<u64>,
    /// Seconds for which a set is kept.
    pub keep_age_s: Option<u64>,
}

/// Which database a URL names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreUrl {
    /// A file.
    Sqlite(PathBuf),
    /// A server, with the URL as it stands.
    Postgres(String),
}

/// What an operator reads about every key.
pub const EXAMPLE: &str = "docs/examples/registry.toml";

impl Config {
    /// Reads and checks `registry.toml`; names in it come back relative to where it lies.
    ///
    /// # Errors
    /// [`Misconfigured`] with file, line and key, or that the file cannot be read.
    pub fn load(path: &Path) -> anyhow::Result<Config> {
        let text = files::read_text(path)?;
        let mut config = Config::parse(&text, path)?;
        config.make_relative_to(path.parent().unwrap_or(Path::new("")));
        Ok(config)
    }

    fn parse(text: &str, path: &Path) -> Result<Config, Misconfigured> {
        let place = Place { text, path, example: EXAMPLE };
        let config: Config = toml::from_str(text).map_err(|error| place.unreadable(&error))?;
        config.check(place)?;
        Ok(config)
    }

    fn check(&self, place: Place<'_>) -> Result<(), Misconfigured> {
        let Config { log: _, listen, store, files, snapshots, appeals, rules: _, families, phones, nats } = self;
        // A holder who is kept out waits for hours, not for months.
        place.within("due_s", &appeals.due_s, 60..=31 * 24 * 3600)?;
        families.check(place)?;
        phones.check(place, &listen.phones)?;
        place.within("connections_max", &listen.connections_max, 1..=65_536)?;
        place.within("connections_source_max", &listen.connections_source_max, 1..=65_536)?;
        place.within("headers_ms_max", &listen.headers_ms_max, 100..=60_000)?;
        place.within("requests_token_max", &listen.requests_token_max, 1..=65_536)?;
        place.within("feeds_token_max", &listen.feeds_token_max, 0..=65_536)?;
        place.within("one_bytes_max", &snapshots.one_bytes_max, 1..=i64::MAX.cast_unsigned())?;
        place.within("bytes_max", &snapshots.bytes_max, 1..=i64::MAX.cast_unsigned())?;
        place.within("issuer_bytes_max", &snapshots.issuer_bytes_max, 1..=i64::MAX.cast_unsigned())?;
        // A checkpoint that is being proposed must find its snapshot.
        place.within("unnamed_s", &snapshots.unnamed_s, 3600..=315_360_000)?;
        place.within("requests_max", &listen.requests_max, 1..=65_536)?;
        place.within("feeds_max", &listen.feeds_max, 0..=65_536)?;
        place.within("request_ms_max", &listen.request_ms_max, 100..=600_000)?;
        place.within("offer_after_sets", &listen.offer_after_sets, 1..=u64::MAX)?;
        place.within("connections", &store.connections, 1..=1_000)?;
        if StoreUrl::read(store.url.get_ref()).is_none() {
            // A URL may hold a password: it is not repeated.
            let mend = "write sqlite:FILE, or postgres://USER@HOST/DATABASE";
            return Err(place.misconfigured("url", &store.url, "names no database".to_owned(), mend));
        }
        match (&files.certificate, &files.key) {
            (Some(certificate), None) => {
                let what = "has no key beside it".to_owned();
                return Err(place.misconfigured(
                    "certificate",
                    certificate,
                    what,
                    "name its private key as `key`",
                ));
            }
            (None, _) if !listen.api.get_ref().ip().is_loopback() => {
                let what = "tokens would travel in the clear".to_owned();
                let mend = "name a certificate and its key in [files], or let it be on 127.0.0.1";
                return Err(place.misconfigured("api", &listen.api, what, mend));
            }
            _ => {}
        }
        if let Some(nats) = nats {
            place.within("replicas", &nats.replicas, 1..=5)?;
        }
        Ok(())
    }

    /// Where the note lies of where chains end.
    pub fn chain_ends(&self) -> PathBuf {
        let files = &self.files;
        files.chain_ends.clone().unwrap_or_else(|| files.vault.with_file_name("chain-ends"))
    }

    fn make_relative_to(&mut self, folder: &Path) {
        let Files {
            vault,
            operator_key,
            trust_list,
            publisher_keys,
            credential_keys,
            roster_keys,
            chain_ends,
            snapshots,
            certificate,
            key,
        } = &mut self.files;
        let keys = publisher_keys.iter_mut().chain(credential_keys).chain(roster_keys);
        let named = [vault, operator_key, trust_list].into_iter().chain(keys);
        let optional = snapshots
            .iter_mut()
            .chain(chain_ends)
            .chain(certificate.iter_mut().map(Spanned::as_mut))
            .chain(key);
        for path in named.chain(optional) {
            *path = folder.join(&*path);
        }
        self.families.make_relative_to(folder);
        self.phones.make_relative_to(folder);
        if let Some(Nats { user, token, ca, certificate, key, .. }) = &mut self.nats {
            for path in [user, token, ca, certificate, key].into_iter().flatten() {
                *path = folder.join(&*path);
            }
        }
        if let Some(StoreUrl::Sqlite(file)) = StoreUrl::read(self.store.url.get_ref()) {
            *self.store.url.as_mut() = format!("{SQLITE}{}", folder.join(file).display());
        }
    }
}

const SQLITE: &str = "sqlite:";

impl StoreUrl {
    /// Reads a URL, `None` when it names no database that is known here.
    pub fn read(url: &str) -> Option<StoreUrl> {
        match url.strip_prefix(SQLITE) {
            Some("") => None,
            Some(file) => Some(StoreUrl::Sqlite(file.into())),
            None if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                Some(StoreUrl::Postgres(url.to_owned()))
            }
            None => None,
        }
    }
}

impl Default for Listen {
    fn default() -> Listen {
        Listen {
            api: bare(SocketAddr::from(([127, 0, 0, 1], 7420))),
            phones: bare(Somewhere(None)),
            connections_max: bare(1_024),
            connections_source_max: bare(256),
            headers_ms_max: bare(10_000),
            requests_max: bare(256),
            requests_token_max: bare(64),
            feeds_max: bare(512),
            feeds_token_max: bare(256),
            request_ms_max: bare(30_000),
            offer_after_sets: bare(1_000),
            metrics: Somewhere(None),
        }
    }
}

impl Default for Appeals {
    fn default() -> Appeals {
        Appeals { due_s: bare(24 * 3600) }
    }
}

impl Default for Snapshots {
    fn default() -> Snapshots {
        let SnapshotLimits { one_bytes_max, bytes_max, issuer_bytes_max, unnamed_s } =
            SnapshotLimits::DEFAULT;
        Snapshots {
            one_bytes_max: bare(one_bytes_max),
            bytes_max: bare(bytes_max),
            issuer_bytes_max: bare(issuer_bytes_max),
            unnamed_s: bare(unnamed_s),
        }
    }
}

impl Snapshots {
    /// As the API takes it.
    pub fn limits(&self) -> SnapshotLimits {
        SnapshotLimits {
            one_bytes_max: *self.one_bytes_max.get_ref(),
            bytes_max: *self.bytes_max.get_ref(),
            issuer_bytes_max: *self.issuer_bytes_max.get_ref(),
            unnamed_s: *self.unnamed_s.get_ref(),
        }
    }
}

fn connections() -> Spanned<u32> {
    bare(16)
}

fn replicas() -> Spanned<usize> {
    bare(1)
}

#[cfg(test)]
mod tests;
