//! `[[status_list]]`: foreign issuers whose Token Status Lists the engine follows, and whose signatures it believes.

use std::path::{Path, PathBuf};

use hufu_files::settings::{Misconfigured, Place, bare};
use hufu_statuslist::Shards;
use hufu_wire::IssuerId;
use serde::Deserialize;
#[cfg(test)]
use serde::Serialize;
use toml::Spanned;

use super::FeedPlace;

/// One foreign issuer.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(Serialize))]
#[serde(deny_unknown_fields)]
pub struct StatusList {
    /// The number by which devices and sites name it; of no issuer on the trust list.
    pub issuer: Spanned<u32>,
    /// Where its list is, exactly as credentials name it; `{shard}` for the number of each of several.
    pub uri: Spanned<String>,
    /// Where it is fetched from instead: another URL, or `file:PATH`.
    pub from: Option<Spanned<String>>,
    /// Files with its keys: JWK, a JWK set, PEM of public keys, or roots for tokens with certificates.
    pub keys: Vec<PathBuf>,
    /// How many lists it has.
    #[serde(default = "one")]
    pub lists: Spanned<u32>,
    /// Entries of each list; with several lists 1,048,576 where nothing is said, else any number.
    pub entries: Option<Spanned<u32>>,
    /// Time between two fetches, seconds; a shorter `ttl` of the list counts instead.
    #[serde(default = "sixty")]
    pub interval_s: Spanned<u32>,
    /// Root certificates for the host, when they are not the system's.
    pub ca: Option<PathBuf>,
    /// Where this is said, for messages.
    #[serde(skip)]
    pub place: String,
}

fn one() -> Spanned<u32> {
    bare(1)
}

fn sixty() -> Spanned<u32> {
    bare(60)
}

impl StatusList {
    /// Whose lists.
    pub fn issuer(&self) -> IssuerId {
        IssuerId(*self.issuer.get_ref())
    }

    /// How its holders are spread over lists.
    pub fn shards(&self) -> Shards {
        Shards::new(self.uri.get_ref().clone(), self.entries().unwrap_or(Shards::ENTRIES))
    }

    /// Entries of each list, where that is agreed.
    pub fn entries(&self) -> Option<u32> {
        self.entries.as_ref().map(|entries| *entries.get_ref())
    }

    /// Where a list is fetched from.
    pub fn place_of_list(&self, shard: u32) -> String {
        let from = self.from.as_ref().unwrap_or(&self.uri).get_ref().clone();
        Shards::new(from, 1).uri(shard)
    }

    pub(super) fn make_relative_to(&mut self, folder: &Path) {
        self.keys.iter_mut().chain(&mut self.ca).for_each(|path| *path = folder.join(&*path));
        if let Some(from) = self.from.as_mut().map(Spanned::get_mut)
            && let Some(path) = from.strip_prefix("file:")
        {
            *from = format!("file:{}", folder.join(path).display());
        }
    }

    pub(super) fn check(&self, place: Place<'_>) -> Result<(), Misconfigured> {
        place.within("lists", &self.lists, 1..=4_096)?;
        place.within("interval_s", &self.interval_s, 1..=86_400)?;
        if let Some(entries) = &self.entries {
            place.within("entries", entries, 1..=1 << 26)?;
        }
        if self.keys.is_empty() {
            let what = "keys names no file, so nothing could be believed".to_owned();
            return Err(place.misconfigured("issuer", &self.issuer, what, "name a JWK or a PEM file"));
        }
        let is_place = |text: &str| match text.parse::<FeedPlace>() {
            Ok(FeedPlace::Registry(_)) => Some(true),
            Ok(FeedPlace::Folder(_)) => Some(false),
            _ => None,
        };
        let no_place = |key, value: &Spanned<String>, mend| {
            let what = format!("{:?} is no place of a list", value.get_ref());
            place.misconfigured(key, value, what, mend)
        };
        // Identity, so a URL; what is fetched may lie in a file.
        if is_place(self.uri.get_ref()) != Some(true) {
            return Err(no_place("uri", &self.uri, "write https://HOST/PATH, as credentials name it"));
        }
        if let Some(from) = self.from.as_ref().filter(|from| is_place(from.get_ref()).is_none()) {
            return Err(no_place("from", from, "write https://HOST/PATH or file:PATH"));
        }
        let count = *self.lists.get_ref();
        let is_same = self.place_of_list(0) == self.place_of_list(1) || !self.shards().are_told_apart();
        if count > 1 && is_same {
            let what = format!("the URI is the same for each of {count} lists");
            return Err(place.misconfigured(
                "lists",
                &self.lists,
                what,
                "write {shard} where its number stands",
            ));
        }
        Ok(())
    }
}
