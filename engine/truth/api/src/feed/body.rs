//! One engine's feed: what it is sent, in order, as fast as it takes it.

use std::collections::VecDeque;
use std::sync::Arc;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use hufu_contract::{Frame, FrameKind};
use hufu_registry::Fault;
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::chain::{Chain, Latest};

/// One engine's feed.
pub(crate) struct Feed {
    chain: Arc<Chain>,
    latest: watch::Receiver<Latest>,
    stopping: watch::Receiver<bool>,
    /// Frames on their way. Nothing more is read before they are taken: a slow engine holds one batch.
    queue: VecDeque<Bytes>,
    /// The last set that was sent.
    at: u64,
    /// The last head that was sent, as [`Latest::heads`] counts.
    heads: u64,
    /// The last checkpoint that was sent.
    checkpoint: u64,
    offer_after_sets: u64,
    _room: OwnedSemaphorePermit,
}

impl Feed {
    pub(super) fn new(
        chain: Arc<Chain>,
        latest: watch::Receiver<Latest>,
        after: u64,
        offer_after_sets: u64,
        stopping: watch::Receiver<bool>,
        room: OwnedSemaphorePermit,
    ) -> Feed {
        Feed {
            chain,
            latest,
            stopping,
            queue: VecDeque::new(),
            at: after,
            heads: 0,
            // The engine has followed up to here, so older checkpoints tell it nothing.
            checkpoint: after,
            offer_after_sets,
            _room: room,
        }
    }

    /// The body of the answer; it ends when the server does, or when `lapsed` does. `share` is held until then.
    pub(crate) fn into_body(
        self,
        lapsed: impl Future<Output = ()> + Send + 'static,
        share: impl Send + 'static,
    ) -> Body {
        let frames = stream::try_unfold((self, share), |(mut feed, share)| async move {
            Ok::<_, Fault>(feed.next().await?.map(|frame| (frame, (feed, share))))
        });
        Body::from_stream(frames.take_until(lapsed))
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Fault> {
        loop {
            if let Some(frame) = self.queue.pop_front() {
                return Ok(Some(frame));
            }
            let latest = self.latest.borrow_and_update().clone();
            self.fill(&latest).await?;
            if !self.queue.is_empty() {
                continue;
            }
            tokio::select! {
                changed = self.latest.changed() => if changed.is_err() { return Ok(None) },
                _ = self.stopping.wait_for(|stop| *stop) => return Ok(None),
            }
        }
    }

    /// Puts what this engine has not been sent into the queue.
    async fn fill(&mut self, latest: &Latest) -> Result<(), Fault> {
        // An engine that is far behind is offered the short way first. Whether it takes it is the engine's to say:
        // the sets follow in any case.
        self.offer(latest, self.at.saturating_add(self.offer_after_sets).saturating_add(1)..);
        if self.heads == 0 {
            self.tell_head(latest);
        }
        if self.at < latest.tip {
            self.send_sets(latest).await?;
        }
        self.tell_head(latest);
        self.offer(latest, ..=self.at);
        Ok(())
    }

    async fn send_sets(&mut self, latest: &Latest) -> Result<(), Fault> {
        let sets = self.chain.sets(self.at).await?;
        let first = sets.first().map_or(0, |set| set.sequence);
        if first != self.at.saturating_add(1) {
            // Somebody removed sets from the store, or it began with a checkpoint.
            let mut trimmed = BytesMut::new();
            Frame::put(FrameKind::Trimmed, &first.to_le_bytes(), &mut trimmed);
            self.queue.push_back(trimmed.freeze());
            self.offer(latest, ..);
        }
        self.at = sets.last().map_or(latest.tip, |set| set.sequence);
        self.queue.extend(sets.into_iter().map(|set| set.frame));
        Ok(())
    }

    /// Sends a head once.
    fn tell_head(&mut self, latest: &Latest) {
        if self.heads != latest.heads {
            self.heads = latest.heads;
            self.queue.push_back(latest.head.clone());
        }
    }

    /// Sends a checkpoint within these sequences once.
    fn offer(&mut self, latest: &Latest, within: impl std::ops::RangeBounds<u64>) {
        if let Some(offer) = &latest.checkpoint
            && offer.sequence > self.checkpoint
            && within.contains(&offer.sequence)
        {
            self.checkpoint = offer.sequence;
            self.queue.push_back(offer.frame.clone());
        }
    }
}
