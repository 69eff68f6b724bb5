//! What a chain has and its stream has not.
//!
//! Each set is stored only right after the message that we know to be the stream's last, so whoever publishes at
//! the same time, or has just been killed, leaves no gap and nothing twice: the loser looks again.

mod position;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use async_nats::jetstream::publish::PublishAck;
use hufu_contract::StoredSet;
use hufu_wire::{IssuerId, Sequence};

use super::condition::PublishFault;
use super::shared::Shared;
use super::window::Window;
use crate::fault::NatsFault;
use crate::link::Link;
use crate::names;
use crate::placed::Placed;

/// How much is read from the registry at once.
const BATCH_BYTES: usize = 4 << 20;
/// How often the stream is looked at though nothing was published, should it be gone.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How often in a row a stream is found to be other than it was, before waiting.
const RETRIES_MAX: u32 = 8;

pub(super) struct Sets {
    link: Link,
    shared: Arc<Shared>,
    issuer: IssuerId,
    /// Where the stream stands, if nothing unexpected has happened since.
    position: Option<StreamPosition>,
    looked: Instant,
    window: Window,
    /// Whether sets carry ids. A server also knows those of sets that have been removed since.
    with_ids: bool,
    /// Since when the stream has held another history than the chain.
    contradicted: Option<Instant>,
}

/// How far a stream has come.
#[derive(Clone, Copy, Debug)]
struct StreamPosition {
    /// The stream's number for its last set, 0 if it holds none.
    last: u64,
    /// The number that the stream will give next.
    next: u64,
    /// Up to here the chain is in the stream, or will not be.
    chain: Sequence,
}

impl Sets {
    pub(super) fn new(link: Link, shared: Arc<Shared>, issuer: IssuerId) -> Sets {
        Sets {
            link,
            shared,
            issuer,
            position: None,
            looked: Instant::now(),
            window: Window::new(),
            with_ids: true,
            contradicted: None,
        }
    }

    /// Publishes what is missing. Tells how many sets it stored.
    pub(super) async fn catch_up(&mut self) -> Result<u64, PublishFault> {
        if self.looked.elapsed() > LOOK_EVERY {
            self.check_stream().await?;
        }
        let (mut stored, mut retries) = (0, 0);
        loop {
            if self.position.is_none() {
                if retries > RETRIES_MAX {
                    return Err(PublishFault::Contended);
                }
                self.position = self.look().await?;
            }
            let Some(position) = self.position else {
                retries += 1;
                continue;
            };
            let sets = self.shared.source.sets(self.issuer, position.chain, BATCH_BYTES).await?;
            if sets.is_empty() {
                self.with_ids = true;
                return Ok(stored);
            }
            let published = self.publish(position, sets).await?;
            retries = if published == 0 { retries + 1 } else { 0 };
            stored += published;
        }
    }

    /// Publishes `sets` after `position`, many at a time. Tells how many it stored; fewer than all when another
    /// publisher was faster.
    async fn publish(&mut self, position: StreamPosition, sets: Vec<StoredSet>) -> Result<u64, PublishFault> {
        let mut sets = sets.into_iter();
        let (mut sent, mut next, mut stored) = (VecDeque::new(), position, 0);
        self.position = None;
        loop {
            while sent.len() < self.window.size()
                && let Some(set) = sets.next()
            {
                let sequence = set.sequence;
                let placed = self.placed(&set)?;
                let headers = names::set_headers(self.issuer, &placed, next.last, self.with_ids);
                let bytes = set.bytes.len();
                let subject = names::sets(self.issuer);
                let ack = self.link.jetstream.publish_with_headers(subject, headers, set.bytes).await;
                let ack = ack.map_err(|error| self.unsent(sequence, bytes, &error))?;
                next = StreamPosition { last: next.next, next: next.next + 1, chain: sequence };
                sent.push_back((next, ack));
            }
            let Some((position, ack)) = sent.pop_front() else { break };
            if !self.is_stored(ack.await, &position)? {
                self.window.shrink();
                return Ok(stored);
            }
            stored += 1;
            self.shared.counters.sets.fetch_add(1, Ordering::Relaxed);
            self.window.grow();
        }
        self.position = Some(next);
        self.looked = Instant::now();
        Ok(stored)
    }

    /// Whether a set is where it was to be.
    fn is_stored(
        &mut self,
        answer: Result<PublishAck, PublishError>,
        position: &StreamPosition,
    ) -> Result<bool, PublishFault> {
        match answer {
            Ok(ack) if ack.sequence == position.last => Ok(true),
            Ok(ack) => {
                // Known by its id and not where it should be: removed since, or another publisher was faster.
                self.with_ids &= !ack.duplicate;
                Ok(false)
            }
            Err(error) => match error.kind() {
                PublishErrorKind::WrongLastSequence | PublishErrorKind::StreamNotFound => Ok(false),
                PublishErrorKind::Other => {
                    Err(NatsFault::Refused(format!("publishing set {}: {error}", position.chain)).into())
                }
                _ => {
                    Err(NatsFault::Unreachable(format!("publishing set {}: {error}", position.chain)).into())
                }
            },
        }
    }

    fn placed(&self, set: &StoredSet) -> Result<Placed, PublishFault> {
        Placed::read(&set.bytes, self.issuer).filter(|placed| placed.sequence == set.sequence).ok_or_else(
            || PublishFault::Registry(format!("what it has for set {} is not that set", set.sequence)),
        )
    }

    fn unsent(&self, sequence: Sequence, bytes: usize, error: &PublishError) -> PublishFault {
        if error.kind() == PublishErrorKind::MaxPayloadExceeded {
            PublishFault::TooLarge { sequence, bytes, bytes_max: self.link.client.max_payload() }
        } else {
            NatsFault::Unreachable(format!("publishing set {sequence}: {error}")).into()
        }
    }
}
