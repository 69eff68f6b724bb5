//! Where a followed chain comes from, and where its snapshots are.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use hufu_objects::Place as ObjectPlace;
use serde::Deserialize;
#[cfg(test)]
use serde::Serialize;

/// Where a feed is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
#[serde(try_from = "String")]
#[cfg_attr(test, serde(into = "String"))]
pub enum FeedPlace {
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
pub enum SnapshotPlace {
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

/// What this program was built without: what is wrong, and how it is mended.
pub(super) type Missing = (String, &'static str);

impl FeedPlace {
    /// What this program lacks for it.
    pub(super) fn missing(&self) -> Option<Missing> {
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
    /// What this program lacks for it.
    pub(super) fn missing(&self) -> Option<Missing> {
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
