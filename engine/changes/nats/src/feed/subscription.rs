//! A consumer of the stream of sets, and plain subscriptions to heads and checkpoints, over one connection.

use std::collections::VecDeque;
use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, push};
use async_nats::jetstream::stream::{ConsumerErrorKind, Stream};
use async_nats::{Message, StatusCode, Subject, Subscriber, jetstream};
use bytes::Bytes;
use futures_util::StreamExt as _;
use hufu_sync::Delivery;
use hufu_wire::chain::Checkpoint;
use hufu_wire::{IssuerId, Message as _, Sequence};
use tokio::time::{Instant, sleep_until};

use super::checkpoint;
use crate::fault::{NatsFault, OrMissing as _};
use crate::link::Link;
use crate::{names, placed, search};

/// How often a server sends a heartbeat when there is nothing else.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(1);
/// Without a message for so long, the consumer is gone: JetStream does not report that it has forgotten one.
const SILENCE_MAX: Duration = Duration::from_millis(2500);
/// For so long a server keeps a consumer whose client has gone.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(10);
/// On a message, how many the consumer has sent before; on a heartbeat, how many in all.
const LAST_CONSUMER: &str = "Nats-Last-Consumer";
/// On a heartbeat, where to answer so that the consumer goes on.
const CONSUMER_STALLED: &str = "Nats-Consumer-Stalled";

#[derive(Debug)]
pub(super) struct Subscription {
    link: Link,
    issuer: IssuerId,
    /// The sets after this one were asked for.
    after: Sequence,
    sets: Subscriber,
    heads: Subscriber,
    checkpoints: Subscriber,
    /// How many messages the consumer has sent and we have seen.
    seen: u64,
    /// Whether a set has come: the first one tells whether there are older ones.
    has_begun: bool,
    /// When the consumer was last heard.
    heard: Instant,
    /// Where an answer is owed; without it the consumer stops.
    answer: Option<Subject>,
    ready: VecDeque<Delivery>,
}

enum Incoming {
    Set(Message),
    Head(Bytes),
    Checkpoint(Bytes),
}

impl Subscription {
    pub(super) async fn begin(
        link: &Link,
        issuer: IssuerId,
        after: Sequence,
    ) -> Result<Subscription, NatsFault> {
        let name = names::stream(issuer);
        let stream = link.jetstream.get_stream(&name).await;
        let stream = stream.or_missing(&format!("looking for stream {name}"))?.ok_or_else(|| {
            NatsFault::Unreachable(format!(
                "there is no stream {name} yet; the registry's publisher creates it"
            ))
        })?;
        let inbox = link.client.new_inbox();
        // Before the consumer: it begins at once.
        let sets = subscribe(link, inbox.clone()).await?;
        let heads = subscribe(link, names::heads(issuer)).await?;
        let checkpoints = subscribe(link, names::checkpoints(issuer)).await?;
        let mut ready = VecDeque::new();
        if is_trimmed_away(link, &stream, issuer, after).await? {
            ready.push_back(Delivery::Trimmed { first: None });
        }
        consume(&stream, inbox, search::first_after(&stream, issuer, after).await?).await?;
        let link = link.clone();
        let heard = Instant::now();
        Ok(Subscription {
            link,
            issuer,
            after,
            sets,
            heads,
            checkpoints,
            seen: 0,
            has_begun: false,
            heard,
            answer: None,
            ready,
        })
    }

    pub(super) fn link(&self) -> &Link {
        &self.link
    }

    /// The next message. Nothing is lost when the future is dropped: between taking a message and handing it on
    /// there is no wait.
    pub(super) async fn next(&mut self) -> Result<Delivery, NatsFault> {
        loop {
            if let Some(delivery) = self.ready.pop_front() {
                return Ok(delivery);
            }
            if let Some(subject) = self.answer.clone() {
                let answered = self.link.client.publish(subject, Bytes::new()).await;
                answered.map_err(|error| NatsFault::Unreachable(error.to_string()))?;
                self.answer = None;
            }
            let silent = sleep_until(self.heard + SILENCE_MAX);
            // In this order: what has come already counts, however long ago.
            let incoming = tokio::select! {
                biased;
                incoming = incoming(&mut self.sets, &mut self.heads, &mut self.checkpoints) => incoming?,
                fault = self.link.lost() => return Err(fault),
                () = silent => {
                    let what = "the consumer is silent".to_owned();
                    return Err(self.link.explain(NatsFault::Unreachable(what)));
                }
            };
            match incoming {
                Incoming::Set(message) => self.set(message)?,
                // Whatever they are: the follower refuses and counts them, and leaves when there are too many.
                Incoming::Head(bytes) => return Ok(Delivery::Head(bytes)),
                Incoming::Checkpoint(bytes) => return Ok(Delivery::Checkpoint(bytes)),
            }
        }
    }

    /// What the consumer sent: a set, a heartbeat, or that it wants an answer.
    fn set(&mut self, message: Message) -> Result<(), NatsFault> {
        self.heard = Instant::now();
        if let Some(status) = message.status {
            return self.heartbeat(status, message);
        }
        let message = jetstream::Message { message, context: self.link.jetstream.clone() };
        // Only the server knows the inbox.
        let info = message
            .info()
            .map_err(|_| NatsFault::Garbled("a message does not come from a consumer".to_owned()))?;
        if info.consumer_sequence != self.seen + 1 {
            return Err(NatsFault::Unreachable("messages were lost on the way".into()));
        }
        self.seen += 1;
        let bytes = message.message.payload;
        if !placed::may_be_set(&bytes) {
            tracing::debug!("{} bytes are no set", bytes.len());
            return Ok(());
        }
        if !self.has_begun
            && let Some(first) = placed::sequence(&bytes, self.issuer)
        {
            self.has_begun = true;
            if first.0 > self.after.0 + 1 {
                self.ready.push_back(Delivery::Trimmed { first: Some(first) });
            }
        }
        self.ready.push_back(Delivery::ChangeSet(bytes));
        Ok(())
    }

    fn heartbeat(&mut self, status: StatusCode, message: Message) -> Result<(), NatsFault> {
        if status != StatusCode::IDLE_HEARTBEAT {
            let what = message.description.unwrap_or_default();
            return Err(NatsFault::Unreachable(format!("the server ended the consumer: {status} {what}")));
        }
        let header = |name: &str| message.headers.as_ref()?.get(name).map(|value| value.as_str().to_owned());
        if message.reply.is_some() {
            self.answer = message.reply;
            return Ok(());
        }
        if let Some(stalled) = header(CONSUMER_STALLED) {
            self.answer = Some(stalled.into());
        }
        match header(LAST_CONSUMER).and_then(|sent| sent.parse::<u64>().ok()) {
            Some(sent) if sent > self.seen => {
                Err(NatsFault::Unreachable("messages were lost on the way".into()))
            }
            _ => Ok(()),
        }
    }
}

/// Whichever comes first; where several are there, any of them, so that none waits for ever.
async fn incoming(
    sets: &mut Subscriber,
    heads: &mut Subscriber,
    checkpoints: &mut Subscriber,
) -> Result<Incoming, NatsFault> {
    let incoming = tokio::select! {
        message = sets.next() => message.map(Incoming::Set),
        message = heads.next() => message.map(|head| Incoming::Head(head.payload)),
        message = checkpoints.next() => message.map(|checkpoint| Incoming::Checkpoint(checkpoint.payload)),
    };
    incoming.ok_or_else(|| NatsFault::Unreachable("the connection is lost".into()))
}

async fn subscribe(link: &Link, subject: String) -> Result<Subscriber, NatsFault> {
    link.client.subscribe(subject).await.map_err(|error| NatsFault::Unreachable(error.to_string()))
}

/// Whether the stream has nothing at all and a checkpoint tells that there was something.
async fn is_trimmed_away(
    link: &Link,
    stream: &Stream,
    issuer: IssuerId,
    after: Sequence,
) -> Result<bool, NatsFault> {
    if stream.cached_info().state.messages > 0 {
        return Ok(false);
    }
    let checkpoint = checkpoint::newest(link, issuer).await?;
    let checkpoint = checkpoint.and_then(|bytes| Checkpoint::read_from(&bytes).ok());
    Ok(checkpoint.is_some_and(|checkpoint| checkpoint.sequence > after))
}

/// A consumer that is ours alone, remembered in memory only, and asks for no acknowledgements.
async fn consume(stream: &Stream, inbox: String, start_sequence: u64) -> Result<(), NatsFault> {
    let consumer = push::Config {
        deliver_subject: inbox,
        deliver_policy: DeliverPolicy::ByStartSequence { start_sequence },
        ack_policy: AckPolicy::None,
        max_deliver: 1,
        flow_control: true,
        idle_heartbeat: HEARTBEAT_EVERY,
        inactive_threshold: FORGOTTEN_AFTER,
        memory_storage: true,
        num_replicas: 1,
        ..push::Config::default()
    };
    let made = stream.create_consumer(consumer).await;
    made.map(drop).map_err(|error| match error.kind() {
        ConsumerErrorKind::JetStream(error) => NatsFault::jetstream("creating a consumer", &error),
        _ => NatsFault::Unreachable(format!("creating a consumer: {error}")),
    })
}
