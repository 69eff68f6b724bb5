//! From the words of the configuration to feeds and places of snapshots.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use hufu_files::keys;
use hufu_follow::FileDrop;
use hufu_objects::Objects;
use hufu_sync::{Feed, Snapshots};
use hufu_upstream::{Api, ApiOptions, HttpFeed, RegistrySnapshots};

use crate::config::{FeedPlace, Follow, SnapshotPlace};

/// Where one issuer's chain comes from, and the snapshots that its checkpoints name.
pub(super) struct Source {
    pub(super) feed: Box<dyn Feed>,
    pub(super) snapshots: Arc<dyn Snapshots>,
}

impl Source {
    /// Reads what the feed needs, and asks nobody for anything yet. No snapshot of more than `bytes_max` is fetched:
    /// the table has no room for it.
    pub(super) fn open(follow: &Follow, bytes_max: u64) -> anyhow::Result<Source> {
        let issuer = follow.issuer();
        let place = follow.snapshots().context("no place for its snapshots is configured")?;
        let (feed, own): (Box<dyn Feed>, Option<Arc<dyn Snapshots>>) = match follow.feed.get_ref() {
            FeedPlace::Registry(url) => {
                let (token, ca) = (follow.token.clone(), follow.ca.clone());
                token.iter().chain(&ca).try_for_each(|file| readable(file))?;
                token.as_deref().map_or(Ok(()), keys::warn_if_shared)?;
                let api = Api::open(&ApiOptions { url: url.clone(), token, ca })?;
                let snapshots = RegistrySnapshots::new(api.clone(), issuer).with_bytes_max(bytes_max);
                (Box::new(HttpFeed::new(api, issuer)), Some(Arc::new(snapshots)))
            }
            FeedPlace::Nats(servers) => (nats(follow, servers)?, None),
            FeedPlace::Folder(folder) => {
                (Box::new(FileDrop::new(folder)), Some(Arc::new(FileDrop::new(folder))))
            }
        };
        let own = own.filter(|_| follow.snapshots.is_none() || place == SnapshotPlace::Registry);
        let snapshots = own.map_or_else(|| elsewhere(&place, bytes_max), Ok)?;
        Ok(Source { feed, snapshots })
    }
}

fn elsewhere(place: &SnapshotPlace, bytes_max: u64) -> anyhow::Result<Arc<dyn Snapshots>> {
    let objects = match place {
        SnapshotPlace::Registry => anyhow::bail!("the feed is no registry"),
        SnapshotPlace::Folder(folder) => Objects::folder(folder)?,
        SnapshotPlace::S3 { bucket, prefix } => s3(bucket, prefix)?,
    };
    Ok(Arc::new(objects.with_bytes_max(bytes_max)))
}

/// Said now, and not when the first gate waits for what is missing.
fn readable(file: &Path) -> anyhow::Result<()> {
    hufu_files::read(file).map(drop)
}

#[cfg(feature = "nats")]
fn nats(follow: &Follow, servers: &str) -> anyhow::Result<Box<dyn Feed>> {
    use hufu_nats::{CertificateFiles, Credentials, NatsFeed, NatsOptions};
    let Follow { token, user, ca, certificate, key, .. } = follow.clone();
    let named = [&token, &user, &ca, &certificate, &key].into_iter().flatten();
    named.into_iter().try_for_each(|file| readable(file))?;
    for of_ours in [&token, &user].into_iter().flatten() {
        keys::warn_if_shared(of_ours)?;
    }
    key.as_deref().map_or(Ok(()), keys::ensure_private)?;
    let mut options = NatsOptions::new(servers)?;
    options.ca = ca;
    options.credentials = match (token, user) {
        (Some(token), _) => Credentials::Token(token),
        (None, Some(user)) => Credentials::User(user),
        (None, None) => Credentials::None,
    };
    let files = certificate.zip(key);
    options.certificate = files.map(|(certificate, key)| CertificateFiles { certificate, key });
    Ok(Box::new(NatsFeed::new(options, follow.issuer())))
}

#[cfg(not(feature = "nats"))]
fn nats(_: &Follow, servers: &str) -> anyhow::Result<Box<dyn Feed>> {
    anyhow::bail!("{servers}: this hufu was built without NATS")
}

#[cfg(feature = "s3")]
fn s3(bucket: &str, prefix: &str) -> anyhow::Result<Objects> {
    Ok(Objects::s3(bucket, prefix, &hufu_objects::S3Options::default())?)
}

#[cfg(not(feature = "s3"))]
fn s3(bucket: &str, _: &str) -> anyhow::Result<Objects> {
    anyhow::bail!("s3://{bucket}: this hufu was built without S3")
}
