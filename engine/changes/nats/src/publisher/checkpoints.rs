//! The newest checkpoint of an issuer, one message of one subject.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::jetstream::context::PublishErrorKind;
use bytes::Bytes;
use hufu_wire::IssuerId;

use super::condition::PublishFault;
use super::shared::Shared;
use crate::fault::{NatsFault, OrMissing as _};
use crate::link::Link;
use crate::{names, streams};

/// How often the stream is looked at, in case another publisher has written to it.
const LOOK_EVERY: Duration = Duration::from_secs(5);

pub(super) struct Checkpoints {
    link: Link,
    shared: Arc<Shared>,
    issuer: IssuerId,
    held: Option<Held>,
}

/// What the stream holds.
struct Held {
    since: Instant,
    /// The stream's number for it, 0 for nothing.
    at: u64,
    bytes: Bytes,
}

impl Checkpoints {
    pub(super) fn new(link: Link, shared: Arc<Shared>, issuer: IssuerId) -> Checkpoints {
        Checkpoints { link, shared, issuer, held: None }
    }

    /// Publishes the newest checkpoint unless the stream holds it.
    pub(super) async fn catch_up(&mut self) -> Result<(), PublishFault> {
        // In this order: what the stream is compared with is never older than the stream.
        let held = match self.held.take() {
            Some(held) if held.since.elapsed() < LOOK_EVERY => held,
            _ => self.look().await?,
        };
        let newest = self.shared.source.checkpoint(self.issuer).await?.unwrap_or_default();
        if newest.is_empty() || newest == held.bytes {
            self.held = Some(held);
            return Ok(());
        }
        self.held = self.publish(newest, held.at).await?;
        Ok(())
    }

    async fn look(&self) -> Result<Held, NatsFault> {
        let stream = streams::ensure_checkpoints(&self.link, &self.shared.options).await?;
        let subject = names::checkpoints(self.issuer);
        let held =
            stream.get_last_raw_message_by_subject(&subject).await.or_missing("reading a checkpoint")?;
        let (at, bytes) = held.map(|held| (held.sequence, held.payload)).unwrap_or_default();
        Ok(Held { since: Instant::now(), at, bytes })
    }

    /// `None` when another publisher was faster.
    async fn publish(&self, bytes: Bytes, last: u64) -> Result<Option<Held>, NatsFault> {
        let headers = names::stored_after(names::CHECKPOINTS, last);
        let subject = names::checkpoints(self.issuer);
        let acknowledged =
            async { self.link.jetstream.publish_with_headers(subject, headers, bytes.clone()).await?.await };
        match acknowledged.await {
            Ok(ack) => Ok(Some(Held { since: Instant::now(), at: ack.sequence, bytes })),
            Err(error) if error.kind() == PublishErrorKind::WrongLastSequence => Ok(None),
            Err(error) => Err(NatsFault::Unreachable(format!("publishing a checkpoint: {error}"))),
        }
    }
}
