//! Where a stream stands, by what is in it, and what becomes of a stream that holds something else than the chain.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::Stream;
use hufu_wire::chain::{Checkpoint, Head};
use hufu_wire::{Message as _, Sequence};

use super::{Sets, StreamPosition};
use crate::fault::{NatsFault, OrMissing as _};
use crate::placed::Placed;
use crate::publisher::condition::PublishFault;
use crate::{names, search, streams};

/// For how long a stream must hold another history before it is emptied: a registry's database may be on its way
/// back, and an operator may be reading the log.
const REPAIR_AFTER: Duration = Duration::from_secs(2);
/// Messages in a row that are no sets. A stream with more at its end is emptied.
const FOREIGN_MAX: usize = 1000;

/// What a stream's last set is to the chain.
enum Relation {
    /// The chain has it too.
    Same,
    /// The chain does not reach that far, and nothing contradicts it.
    Ahead { tip: Sequence },
    /// The chain has another one.
    Other,
}

impl Sets {
    /// Notices that the stream is gone, or not as we left it.
    pub(super) async fn check_stream(&mut self) -> Result<(), PublishFault> {
        let stream = self.link.jetstream.get_stream(names::stream(self.issuer)).await;
        let next = stream.or_missing("looking at a stream")?.map(|stream| next(&stream));
        self.position = self.position.filter(|position| Some(position.next) == next);
        self.looked = Instant::now();
        Ok(())
    }

    /// Finds out how far the stream has come; `None` when it had to be emptied first.
    pub(super) async fn look(&mut self) -> Result<Option<StreamPosition>, PublishFault> {
        let stream = streams::ensure_sets(&self.link, self.issuer, &self.shared.options).await?;
        self.looked = Instant::now();
        // In this order: what the chain is compared with was in the stream before the chain was asked.
        let last = stream.get_last_raw_message_by_subject(&names::sets(self.issuer)).await;
        let last = last.or_missing("reading a stream's end")?;
        let next = next(&stream).max(last.as_ref().map_or(0, |message| message.sequence + 1));
        let Some(message) = last else {
            if stream.cached_info().state.messages > 0 {
                // Messages were removed at its end, and a server then finds none of those before.
                return self.empty(&stream, next).await.map(|()| None);
            }
            self.contradicted = None;
            return Ok(Some(StreamPosition { last: 0, next, chain: self.beginning().await? }));
        };
        let last = message.sequence;
        let Some(newest) = self.newest(&stream, message).await? else {
            return self.empty(&stream, next).await.map(|()| None);
        };
        match self.relation(&stream, &newest).await? {
            Relation::Same => {
                self.contradicted = None;
                Ok(Some(StreamPosition { last, next, chain: newest.sequence }))
            }
            Relation::Ahead { tip } => Err(PublishFault::Ahead { tip, newest: newest.sequence }),
            Relation::Other
                if self.contradicted.get_or_insert_with(Instant::now).elapsed() < REPAIR_AFTER =>
            {
                Err(PublishFault::OtherHistory { sequence: newest.sequence })
            }
            Relation::Other => self.empty(&stream, last + 1).await.map(|()| None),
        }
    }

    /// The newest set that is there. Others may publish on the subject too, for a server asks for no signature;
    /// what they leave is stepped over, here and by followers.
    async fn newest(&self, stream: &Stream, last: StreamMessage) -> Result<Option<Placed>, PublishFault> {
        let first = stream.cached_info().state.first_sequence;
        let mut at = last.sequence;
        let mut message = Some(last);
        for _ in 0..FOREIGN_MAX {
            let placed = message.and_then(|message| Placed::read(&message.payload, self.issuer));
            if placed.is_some() || at <= first {
                return Ok(placed);
            }
            at -= 1;
            message = stream.get_raw_message(at).await.or_missing("reading a stream")?;
        }
        Ok(None)
    }

    /// Before the first set that an empty stream gets: engines without older ones start from the checkpoint, which
    /// the set it names shows to be of this chain.
    async fn beginning(&self) -> Result<Sequence, PublishFault> {
        let checkpoint = self.shared.source.checkpoint(self.issuer).await?;
        let checkpoint = checkpoint.and_then(|bytes| Checkpoint::read_from(&bytes).ok());
        let mut after = checkpoint.map_or(0, |checkpoint| checkpoint.sequence.0 - 1);
        if let Some(sets) = self.shared.options.keep.sets {
            after = after.max(self.tip().await?.sequence.0.saturating_sub(sets));
        }
        Ok(Sequence(after))
    }

    async fn relation(&self, stream: &Stream, newest: &Placed) -> Result<Relation, PublishFault> {
        let before = Sequence(newest.sequence.0 - 1);
        let sets = self.shared.source.sets(self.issuer, before, 0).await?;
        if let Some(set) = sets.first().filter(|set| set.sequence == newest.sequence) {
            let is_same = self.placed(set)?.digest == newest.digest;
            return Ok(if is_same { Relation::Same } else { Relation::Other });
        }
        let tip = self.tip().await?;
        if tip.sequence >= newest.sequence {
            // The chain has gone on from a checkpoint above, and this one is no part of it.
            return Ok(Relation::Other);
        }
        let at = search::first_after(stream, self.issuer, tip.sequence).await?;
        let following = search::message_from(stream, self.issuer, at).await?;
        let following = following.and_then(|message| Placed::read(&message.payload, self.issuer));
        let is_same =
            following.is_some_and(|set| set.sequence.0 == tip.sequence.0 + 1 && set.previous == tip.digest);
        Ok(if is_same { Relation::Ahead { tip: tip.sequence } } else { Relation::Other })
    }

    async fn tip(&self) -> Result<Head, PublishFault> {
        let head = self.shared.source.head(self.issuer).await?;
        Head::read_from(&head).map_err(|fault| PublishFault::Registry(fault.to_string()))
    }

    /// Empties the stream below `end`. What another registry may have published since stays.
    async fn empty(&mut self, stream: &Stream, end: u64) -> Result<(), PublishFault> {
        let emptied = stream.purge().sequence(end).await;
        emptied.map_err(|error| NatsFault::Refused(format!("emptying a stream: {error}")))?;
        tracing::warn!("the stream of issuer {} was emptied; it is filled again", self.issuer);
        self.shared.counters.repairs.fetch_add(1, Ordering::Relaxed);
        self.contradicted = None;
        self.with_ids = false;
        Ok(())
    }
}

fn next(stream: &Stream) -> u64 {
    stream.cached_info().state.last_sequence + 1
}
