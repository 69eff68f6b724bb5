//! The streams as they must be.

use std::time::Duration;

use async_nats::jetstream::context::CreateStreamErrorKind;
use async_nats::jetstream::stream::{Config, Stream};
use hufu_wire::chain::Checkpoint;
use hufu_wire::{IssuerId, limits};

use crate::fault::{NatsFault, OrMissing as _};
use crate::link::Link;
use crate::names;
use crate::options::{Keep, PublisherOptions};

/// A message's headers beside its payload.
const HEADER_BYTES_MAX: usize = 1024;
/// For so long a server recognizes a set that it has already. Order does not depend on it.
const DUPLICATES_KNOWN: Duration = Duration::from_secs(120);

/// Creates the stream of an issuer's sets, or corrects its settings.
pub(crate) async fn ensure_sets(
    link: &Link,
    issuer: IssuerId,
    options: &PublisherOptions,
) -> Result<Stream, NatsFault> {
    let Keep { sets, bytes, age_s } = options.keep;
    let age = Duration::from_secs(age_s.unwrap_or(0));
    let window = if age.is_zero() { DUPLICATES_KNOWN } else { DUPLICATES_KNOWN.min(age) };
    ensure(
        link,
        Config {
            name: names::stream(issuer),
            subjects: vec![names::sets(issuer)],
            description: Some(format!("Change sets of issuer {issuer}")),
            max_messages: limit(sets),
            max_bytes: limit(bytes),
            max_age: age,
            duplicate_window: window,
            max_message_size: size(limits::CHANGE_SET_BYTES_MAX),
            num_replicas: options.replicas,
            allow_direct: true,
            max_messages_per_subject: -1,
            max_consumers: -1,
            ..Config::default()
        },
    )
    .await
}

/// Creates the stream of all issuers' newest checkpoints, or corrects its settings.
pub(crate) async fn ensure_checkpoints(link: &Link, options: &PublisherOptions) -> Result<Stream, NatsFault> {
    ensure(
        link,
        Config {
            name: names::CHECKPOINTS.to_owned(),
            subjects: vec![names::CHECKPOINT_SUBJECTS.to_owned()],
            description: Some("Newest checkpoint of each issuer".to_owned()),
            max_messages: -1,
            max_bytes: -1,
            max_messages_per_subject: 1,
            duplicate_window: DUPLICATES_KNOWN,
            max_message_size: size(Checkpoint::BYTES),
            num_replicas: options.replicas,
            allow_direct: true,
            max_consumers: -1,
            ..Config::default()
        },
    )
    .await
}

async fn ensure(link: &Link, wanted: Config) -> Result<Stream, NatsFault> {
    let name = wanted.name.clone();
    let doing = format!("stream {name}");
    let Some(stream) = link.jetstream.get_stream(&name).await.or_missing(&doing)? else {
        return link.jetstream.create_stream(wanted).await.map_err(|error| not_made(&doing, &error));
    };
    let there = &stream.cached_info().config;
    // What is not ours to say, such as on which servers it lives, stays as the operator made it.
    let corrected = Config {
        subjects: wanted.subjects,
        max_messages: wanted.max_messages,
        max_bytes: wanted.max_bytes,
        max_age: wanted.max_age,
        duplicate_window: wanted.duplicate_window,
        max_messages_per_subject: wanted.max_messages_per_subject,
        max_message_size: wanted.max_message_size,
        num_replicas: wanted.num_replicas,
        allow_direct: wanted.allow_direct,
        ..there.clone()
    };
    if corrected != *there {
        link.jetstream.update_stream(&corrected).await.map_err(|error| not_made(&doing, &error))?;
    }
    Ok(stream)
}

fn not_made(doing: &str, error: &async_nats::jetstream::context::CreateStreamError) -> NatsFault {
    match error.kind() {
        CreateStreamErrorKind::JetStream(error) => NatsFault::jetstream(doing, &error),
        CreateStreamErrorKind::TimedOut | CreateStreamErrorKind::JetStreamUnavailable => {
            NatsFault::Unreachable(format!("{doing}: {error}"))
        }
        _ => NatsFault::Refused(format!("{doing}: {error}")),
    }
}

/// As JetStream writes "none".
fn limit(keep: Option<u64>) -> i64 {
    keep.map_or(-1, |keep| i64::try_from(keep.max(1)).unwrap_or(i64::MAX))
}

fn size(payload: usize) -> i32 {
    i32::try_from(payload + HEADER_BYTES_MAX).unwrap_or(i32::MAX)
}
