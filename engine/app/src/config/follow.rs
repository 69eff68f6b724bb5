//! `[[follow]]`: issuers whose chains the engine follows as they grow, and from where.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use hufu_codes::chain::Authorities;
use hufu_objects::Place as ObjectPlace;
use hufu_wire::IssuerId;
use serde::Deserialize;
#[cfg(test)]
use serde::Serialize;
use toml::Spanned;

use super::fault::{Misconfigured, Place};
use super::sections::bare;

/// One issuer to follow.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
#[serde(deny_unknown_fields)]
pub(crate) struct Follow {
    /// Whose chain.
    pub(crate) issuer: Spanned<u32>,
    /// Whose keys confirm its changes.
    pub(crate) national: Spanned<u32>,
    /// Whose keys sign its heads.
    pub(crate) publisher: Spanned<u32>,
    /// Where change sets and heads come from.
    pub(crate) feed: Spanned<FeedPlace>,
    /// Where the snapshots are that checkpoints name; the registry's own, or the feed's folder, when absent.
    pub(crate) snapshots: Option<Spanned<SnapshotPlace>>,
    /// A file with the token that the feed asks for.
    pub(crate) token: Option<PathBuf>,
    /// A file with one line `name:password`, for NATS.
    pub(crate) user: Option<PathBuf>,
    /// Root certificates for the feed, when they are not the system's.
    pub(crate) ca: Option<PathBuf>,
    /// The engine's own certificate, for NATS.
    pub(crate) certificate: Option<PathBuf>,
    /// Its private key.
    pub(crate) key: Option<PathBuf>,
    /// After how long without a message the feed counts as dead, milliseconds.
    #[serde(default = "silent_ms")]
    pub(crate) silent_ms: Spanned<u32>,
    /// After how long the sets that a head has named count as not coming, milliseconds.
    #[serde(default = "hung_ms")]
    pub(crate) hung_ms: Spanned<u32>,
    /// Time between warm copies, seconds.
    #[serde(default = "warm_every_s")]
    pub(crate) warm_every_s: Spanned<u32>,
    /// Where this is said, for messages.
    #[serde(skip)]
    pub(crate) place: String,
}

/// `serve --follow URL[,ISSUER,NATIONAL,PUBLISHER]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Short {
    /// Where change sets and heads come from.
    feed: FeedPlace,
    /// Whose chain, who confirms it, who publishes it; the trust list says so when they are absent.
    pub(crate) named: Option<[u32; 3]>,
    token: Option<PathBuf>,
    ca: Option<PathBuf>,
}

/// Where a feed is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
#[serde(try_from = "String")]
#[cfg_attr(test, serde(into = "String"))]
pub(crate) enum FeedPlace {
    /// A registry's HTTP API, by its address.
    Registry(String),
    /// NATS JetStream, by the server's address.
    Nats(String),
    /// A folder that somebody drops files into.
    Folder(PathBuf),
}

/// Where snapshots are.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
#[serde(try_from = "String")]
#[cfg_attr(test, serde(into = "String"))]
pub(crate) enum SnapshotPlace {
    /// The registry that is the feed as well.
    Registry,
    /// A folder.
    Folder(PathBuf),
    /// A bucket of an S3-compatible store.
    S3 {
        /// Its name.
        bucket: String,
        /// What every name in it begins with, perhaps nothing.
        prefix: String,
    },
}

const HTTPS: &str = "https://";
const HTTP: &str = "http://";
const NATS: [&str; 2] = ["nats://", "tls://"];
const FILE: &str = "file:";
const S3: &str = "s3://";

fn silent_ms() -> Spanned<u32> {
    bare(5_000)
}

fn hung_ms() -> Spanned<u32> {
    bare(1_500)
}

fn warm_every_s() -> Spanned<u32> {
    bare(300)
}

impl Follow {
    /// What is followed with nothing said but from where and whom; `place` is where that is said.
    pub(crate) fn from(feed: FeedPlace, [issuer, national, publisher]: [u32; 3], place: String) -> Follow {
        Follow {
            issuer: bare(issuer),
            national: bare(national),
            publisher: bare(publisher),
            feed: bare(feed),
            snapshots: None,
            token: None,
            user: None,
            ca: None,
            certificate: None,
            key: None,
            silent_ms: silent_ms(),
            hung_ms: hung_ms(),
            warm_every_s: warm_every_s(),
            place,
        }
    }

    /// Whose chain.
    pub(crate) fn issuer(&self) -> IssuerId {
        IssuerId(*self.issuer.get_ref())
    }

    /// Who signs it.
    ///
    /// # Errors
    /// The issuer is named as its own national platform.
    pub(crate) fn authorities(&self) -> anyhow::Result<Authorities> {
        let of = |id: &Spanned<u32>| IssuerId(*id.get_ref());
        Ok(Authorities::new(self.issuer(), of(&self.national), of(&self.publisher))?)
    }

    /// Where its snapshots are; `None` only where [`check`](Self::check) has refused it.
    pub(crate) fn snapshots(&self) -> Option<SnapshotPlace> {
        match (&self.snapshots, self.feed.get_ref()) {
            (Some(named), _) => Some(named.get_ref().clone()),
            (None, FeedPlace::Registry(_)) => Some(SnapshotPlace::Registry),
            (None, FeedPlace::Folder(folder)) => Some(SnapshotPlace::Folder(folder.clone())),
            (None, FeedPlace::Nats(_)) => None,
        }
    }

    /// Refuses what can be seen to be wrong without looking anywhere else.
    pub(super) fn check(&self, place: Place<'_>) -> Result<(), Misconfigured> {
        if let Err(fault) = self.authorities() {
            let mend = "two authorities sign every change (docs/SYNC.md)";
            return Err(place.misconfigured("national", &self.national, fault.to_string(), mend));
        }
        place.within("silent_ms", &self.silent_ms, 1_500..=3_600_000)?;
        place.within("hung_ms", &self.hung_ms, 100..=60_000)?;
        place.within("warm_every_s", &self.warm_every_s, 1..=86_400)?;
        if let Some(missing) = self.feed.get_ref().missing() {
            return Err(place.misconfigured("feed", &self.feed, missing.0, missing.1));
        }
        let of_feed = matches!(self.feed.get_ref(), FeedPlace::Registry(_));
        match &self.snapshots {
            Some(named) if *named.get_ref() == SnapshotPlace::Registry && !of_feed => {
                let what = "the feed is no registry".to_owned();
                Err(place.misconfigured("snapshots", named, what, "name a folder or a bucket"))
            }
            Some(named) => match named.get_ref().missing() {
                Some(missing) => Err(place.misconfigured("snapshots", named, missing.0, missing.1)),
                None => Ok(()),
            },
            None if self.snapshots().is_none() => {
                let what = "snapshots is missing, and NATS keeps none".to_owned();
                Err(place.misconfigured("feed", &self.feed, what, "name a folder or a bucket as snapshots"))
            }
            None => Ok(()),
        }?;
        self.check_credentials()
            .map_err(|what| place.misconfigured("feed", &self.feed, what.0.to_owned(), what.1))
    }

    /// Refuses files that nobody would ask for.
    fn check_credentials(&self) -> Result<(), (&'static str, &'static str)> {
        let Follow { token, user, ca, certificate, key, .. } = self;
        let feed = self.feed.get_ref();
        if matches!(feed, FeedPlace::Folder(_)) && token.iter().chain(ca).next().is_some() {
            return Err(("a folder asks for neither token nor ca", "leave them out"));
        }
        if !matches!(feed, FeedPlace::Nats(_)) && user.iter().chain(certificate).chain(key).next().is_some() {
            return Err(("user, certificate and key are for NATS", "leave them out"));
        }
        if token.is_some() && user.is_some() {
            return Err(("token and user are both there", "keep the one that the servers ask for"));
        }
        if certificate.is_some() != key.is_some() {
            return Err(("certificate and key go together", "name both or none"));
        }
        Ok(())
    }

    pub(super) fn make_relative_to(&mut self, folder: &Path) {
        let Follow { feed, snapshots, token, user, ca, certificate, key, .. } = self;
        if let FeedPlace::Folder(path) = feed.get_mut() {
            *path = folder.join(&*path);
        }
        if let Some(SnapshotPlace::Folder(path)) = snapshots.as_mut().map(Spanned::get_mut) {
            *path = folder.join(&*path);
        }
        let files = token.iter_mut().chain(user).chain(ca).chain(certificate).chain(key);
        files.for_each(|path| *path = folder.join(&*path));
    }
}

impl Short {
    /// The same with the files that the feed asks for.
    #[must_use]
    pub(crate) fn with_files(self, token: Option<PathBuf>, ca: Option<PathBuf>) -> Short {
        Short { token, ca, ..self }
    }

    /// The table that it stands for.
    pub(crate) fn follow(&self, named: [u32; 3]) -> Follow {
        let Short { feed, token, ca, .. } = self.clone();
        let place = format!("--follow {feed}");
        Follow { token, ca, ..Follow::from(feed, named, place) }
    }
}

impl FromStr for Short {
    type Err = String;

    fn from_str(text: &str) -> Result<Short, String> {
        let mut parts = text.rsplitn(4, ',').map(str::trim);
        let ids =
            [parts.next(), parts.next(), parts.next()].map(|part| part.and_then(|part| part.parse().ok()));
        let (feed, named) = match (ids, parts.next()) {
            ([Some(publisher), Some(national), Some(issuer)], Some(feed)) => {
                (feed, Some([issuer, national, publisher]))
            }
            _ => (text, None),
        };
        if feed.contains(',') {
            return Err(
                "write URL, or URL,ISSUER,NATIONAL,PUBLISHER with the numbers of three issuers".to_owned()
            );
        }
        let feed: FeedPlace = feed.parse()?;
        if matches!(feed, FeedPlace::Nats(_)) {
            return Err(
                "NATS keeps no snapshots; a [[follow]] table in the configuration names them".to_owned()
            );
        }
        Ok(Short { feed, named, token: None, ca: None })
    }
}

/// What this program was built without: what is wrong, and how it is mended.
type Missing = (String, &'static str);

impl FeedPlace {
    fn missing(&self) -> Option<Missing> {
        let needs_nats = matches!(self, FeedPlace::Nats(_)) && !cfg!(feature = "nats");
        needs_nats.then(|| {
            (
                "this hufu was built without NATS".to_owned(),
                "build it with `--features nats`, or name another feed",
            )
        })
    }
}

impl SnapshotPlace {
    fn missing(&self) -> Option<Missing> {
        let needs_s3 = matches!(self, SnapshotPlace::S3 { .. }) && !cfg!(feature = "s3");
        needs_s3.then(|| {
            (
                "this hufu was built without S3".to_owned(),
                "build it with `--features s3`, or name another place",
            )
        })
    }
}

impl FromStr for FeedPlace {
    type Err = String;

    fn from_str(text: &str) -> Result<FeedPlace, String> {
        if let Some(path) = text.strip_prefix(FILE).filter(|path| !path.is_empty()) {
            return Ok(FeedPlace::Folder(path.into()));
        }
        if NATS.iter().any(|scheme| has_host(text, scheme)) {
            return Ok(FeedPlace::Nats(text.to_owned()));
        }
        if has_host(text, HTTPS) || has_host(text, HTTP) && is_loopback(text) {
            return Ok(FeedPlace::Registry(text.trim_end_matches('/').to_owned()));
        }
        if has_host(text, HTTP) {
            return Err(format!(
                "{text:?} would send the token in the clear; away from the loopback it is https://"
            ));
        }
        Err(format!("{text:?} is no feed; write https://HOST:PORT, nats://HOST:PORT or file:FOLDER"))
    }
}

impl FromStr for SnapshotPlace {
    type Err = String;

    fn from_str(text: &str) -> Result<SnapshotPlace, String> {
        if text == "registry" {
            return Ok(SnapshotPlace::Registry);
        }
        let is_named = text.starts_with(FILE) || text.starts_with(S3);
        match text.parse().ok().filter(|_| is_named) {
            Some(ObjectPlace::Folder(folder)) => Ok(SnapshotPlace::Folder(folder)),
            Some(ObjectPlace::S3 { bucket, prefix }) => Ok(SnapshotPlace::S3 { bucket, prefix }),
            None => {
                Err(format!("{text:?} holds no snapshots; write registry, file:FOLDER or s3://BUCKET/PREFIX"))
            }
        }
    }
}

fn has_host(text: &str, scheme: &str) -> bool {
    text.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
}

/// Whether a URL is of this machine, by its number or as `localhost`.
fn is_loopback(url: &str) -> bool {
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

impl TryFrom<String> for FeedPlace {
    type Error = String;

    fn try_from(text: String) -> Result<FeedPlace, String> {
        text.parse()
    }
}

impl TryFrom<String> for SnapshotPlace {
    type Error = String;

    fn try_from(text: String) -> Result<SnapshotPlace, String> {
        text.parse()
    }
}

impl fmt::Display for FeedPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FeedPlace::Registry(url) | FeedPlace::Nats(url) => f.write_str(url),
            FeedPlace::Folder(path) => write!(f, "{FILE}{}", path.display()),
        }
    }
}

impl fmt::Display for SnapshotPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SnapshotPlace::Registry => f.write_str("registry"),
            SnapshotPlace::Folder(path) => write!(f, "{FILE}{}", path.display()),
            SnapshotPlace::S3 { bucket, prefix } => write!(f, "{S3}{bucket}/{prefix}"),
        }
    }
}

#[cfg(test)]
impl From<FeedPlace> for String {
    fn from(place: FeedPlace) -> String {
        place.to_string()
    }
}

#[cfg(test)]
impl From<SnapshotPlace> for String {
    fn from(place: SnapshotPlace) -> String {
        place.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_is_told_by_its_scheme() {
        let feed = |text: &str| text.parse::<FeedPlace>();
        for loopback in
            ["http://127.0.0.1:7420", "http://localhost:7420", "http://[::1]:7420", "http://127.1.2.3"]
        {
            assert_eq!(feed(loopback), Ok(FeedPlace::Registry(loopback.to_owned())));
        }
        assert_eq!(
            feed("https://registry:7420/"),
            Ok(FeedPlace::Registry("https://registry:7420".to_owned()))
        );
        assert_eq!(feed("nats://a:4222"), Ok(FeedPlace::Nats("nats://a:4222".to_owned())));
        assert_eq!(feed("file:drop/310000"), Ok(FeedPlace::Folder("drop/310000".into())));
        for clear in [
            "http://registry:7420",
            "http://10.0.0.1",
            "http://127.0.0.1.example.org:80",
            "http://localhost.example",
        ] {
            assert!(feed(clear).unwrap_err().contains("in the clear"), "{clear}");
        }
        for none in ["", "https://", "file:", "ftp://host", "registry:7420", "nats:///x"] {
            assert!(feed(none).unwrap_err().contains("is no feed"), "{none}");
        }
    }

    #[test]
    fn the_short_form_names_a_feed_and_perhaps_three_issuers() {
        let short = |text: &str| text.parse::<Short>();
        let feed = FeedPlace::Registry("https://r:7420".to_owned());
        for (text, named) in [("https://r:7420", None), ("https://r:7420,31,1,2", Some([31, 1, 2]))] {
            assert_eq!(short(text), Ok(Short { feed: feed.clone(), named, token: None, ca: None }));
        }
        for (text, wanted) in [
            ("https://r:7420,31", "with the numbers of three"),
            ("https://r:7420,31,1,x", "with the numbers of three"),
            ("https://r:7420,31,1,1,1", "with the numbers of three"),
            ("nats://n,31,1,1", "a [[follow]] table"),
            ("31,1,1", "with the numbers of three"),
            ("r:7420", "is no feed"),
        ] {
            let said = short(text).unwrap_err();
            assert!(said.contains(wanted), "{text}: {said}");
        }
    }

    #[test]
    fn snapshots_are_told_by_their_scheme() {
        let place = |text: &str| text.parse::<SnapshotPlace>();
        assert_eq!(place("registry"), Ok(SnapshotPlace::Registry));
        assert_eq!(place("file:snapshots"), Ok(SnapshotPlace::Folder("snapshots".into())));
        let [bucket, prefix] = ["hufu", "310000"].map(str::to_owned);
        assert_eq!(place("s3://hufu/310000"), Ok(SnapshotPlace::S3 { bucket, prefix }));
        for none in ["", "s3://", "file:", "https://registry:7420"] {
            assert!(place(none).unwrap_err().contains("holds no snapshots"), "{none}");
        }
    }
}
