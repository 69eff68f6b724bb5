//! Chains through NATS JetStream, as `registry.toml` says.

use std::sync::Arc;

use anyhow::{bail, ensure};
use hufu_files::keys;
use hufu_nats::{CertificateFiles, Credentials, Keep, NatsOptions, Publisher, PublisherOptions};
use hufu_registry::ChainSource;

use crate::assemble::Assembled;
use crate::config::Nats;

/// Publishes every chain of the registry until it is dropped. Called within a tokio runtime.
pub(crate) fn publish(nats: &Nats, assembled: &Assembled) -> anyhow::Result<Publisher> {
    let source: Arc<dyn ChainSource> = assembled.registry.clone();
    Ok(Publisher::start(options(nats)?, source))
}

/// What the publisher is started with.
///
/// # Errors
/// What does not go together, or the file that cannot be used.
pub(crate) fn options(nats: &Nats) -> anyhow::Result<PublisherOptions> {
    let mut options = NatsOptions::new(nats.servers.get_ref())?;
    options.credentials = match (&nats.user, &nats.token) {
        (None, None) => Credentials::None,
        (Some(user), None) => Credentials::User(user.clone()),
        (None, Some(token)) => Credentials::Token(token.clone()),
        (Some(_), Some(_)) => bail!("[nats] names a user and a token; the servers want one of them"),
    };
    ensure!(nats.certificate.is_some() == nats.key.is_some(), "[nats] certificate and key go together");
    for of_ours in [&nats.user, &nats.token].into_iter().flatten() {
        keys::warn_if_shared(of_ours)?;
    }
    nats.key.as_deref().map_or(Ok(()), keys::ensure_private)?;
    options.ca.clone_from(&nats.ca);
    options.certificate = nats
        .certificate
        .clone()
        .zip(nats.key.clone())
        .map(|(certificate, key)| CertificateFiles { certificate, key });
    let keep = Keep { sets: nats.keep_sets, bytes: nats.keep_bytes, age_s: nats.keep_age_s };
    Ok(PublisherOptions { nats: options, replicas: *nats.replicas.get_ref(), keep })
}
