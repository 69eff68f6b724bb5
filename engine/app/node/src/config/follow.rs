//! `[[follow]]`: issuers whose chains the engine follows as they grow, and from where.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use hufu_codes::chain::Authorities;
use hufu_wire::IssuerId;
use serde::Deserialize;
#[cfg(test)]
use serde::Serialize;
use toml::Spanned;

use super::places::{FeedPlace, SnapshotPlace};
use hufu_files::settings::bare;
use hufu_files::settings::{Misconfigured, Place};

/// One issuer to follow.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
#[serde(deny_unknown_fields)]
pub struct Follow {
    /// Whose chain.
    pub issuer: Spanned<u32>,
    /// Whose keys confirm its changes.
    pub national: Spanned<u32>,
    /// Whose keys sign its heads.
    pub publisher: Spanned<u32>,
    /// Where change sets and heads come from.
    pub feed: Spanned<FeedPlace>,
    /// Where the snapshots are that checkpoints name; the registry's own, or the feed's folder, when absent.
    pub snapshots: Option<Spanned<SnapshotPlace>>,
    /// A file with the token that the feed asks for.
    pub token: Option<PathBuf>,
    /// A file with one line `name:password`, for NATS.
    pub user: Option<PathBuf>,
    /// Root certificates for the feed, when they are not the system's.
    pub ca: Option<PathBuf>,
    /// The engine's own certificate, for NATS.
    pub certificate: Option<PathBuf>,
    /// Its private key.
    pub key: Option<PathBuf>,
    /// After how long without a message the feed counts as dead, milliseconds.
    #[serde(default = "silent_ms")]
    pub silent_ms: Spanned<u32>,
    /// After how long the sets that a head has named count as not coming, milliseconds.
    #[serde(default = "hung_ms")]
    pub hung_ms: Spanned<u32>,
    /// Time between warm copies, seconds.
    #[serde(default = "warm_every_s")]
    pub warm_every_s: Spanned<u32>,
    /// Where this is said, for messages.
    #[serde(skip)]
    pub place: String,
}

/// `serve --follow URL[,ISSUER,NATIONAL,PUBLISHER]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Short {
    /// Where change sets and heads come from.
    feed: FeedPlace,
    /// Whose chain, who confirms it, who publishes it; the trust list says so when they are absent.
    pub named: Option<[u32; 3]>,
    token: Option<PathBuf>,
    ca: Option<PathBuf>,
}

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
    pub fn from(feed: FeedPlace, [issuer, national, publisher]: [u32; 3], place: String) -> Follow {
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
    pub fn issuer(&self) -> IssuerId {
        IssuerId(*self.issuer.get_ref())
    }

    /// Who signs it.
    ///
    /// # Errors
    /// The issuer is named as its own national platform.
    pub fn authorities(&self) -> anyhow::Result<Authorities> {
        let of = |id: &Spanned<u32>| IssuerId(*id.get_ref());
        Ok(Authorities::new(self.issuer(), of(&self.national), of(&self.publisher))?)
    }

    /// Where its snapshots are; `None` only where `check` has refused it.
    pub fn snapshots(&self) -> Option<SnapshotPlace> {
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
    pub fn with_files(self, token: Option<PathBuf>, ca: Option<PathBuf>) -> Short {
        Short { token, ca, ..self }
    }

    /// The table that it stands for.
    pub fn follow(&self, named: [u32; 3]) -> Follow {
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
