//! One issuer's chain, watched once for all of its feeds.

use std::sync::{Arc, PoisonError, RwLock};

use bytes::{Bytes, BytesMut};
use hufu_contract::{Frame, FrameKind};
use hufu_registry::{ChainSource, Fault};
use hufu_wire::chain::{Checkpoint, Head};
use hufu_wire::{IssuerId, Sequence};
use tokio::sync::watch;

use super::recent::{FramedSet, Recent};
use crate::limits;

/// What there is to send.
#[derive(Clone, Debug, Default)]
pub(super) struct Latest {
    /// The last set that was seen.
    pub(super) tip: u64,
    /// The newest head, framed.
    pub(super) head: Bytes,
    /// How many heads there were, so that none is sent twice.
    pub(super) heads: u64,
    /// The newest checkpoint, framed.
    pub(super) checkpoint: Option<Offer>,
}

/// A checkpoint to send.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    pub(super) sequence: u64,
    pub(super) frame: Bytes,
}

/// One issuer's chain.
pub(super) struct Chain {
    source: Arc<dyn ChainSource>,
    issuer: IssuerId,
    latest: watch::Sender<Latest>,
    recent: RwLock<Recent>,
}

impl Chain {
    /// Looks at a chain for the first time: the head that its first feed begins with.
    pub(super) async fn open(source: Arc<dyn ChainSource>, issuer: IssuerId) -> Result<Chain, Fault> {
        let head = source.head(issuer).await?;
        let latest = Latest {
            tip: sequence_of(&head)?,
            head: framed(FrameKind::Head, &head),
            heads: 1,
            checkpoint: None,
        };
        let chain = Chain {
            source,
            issuer,
            latest: watch::Sender::new(latest),
            recent: RwLock::new(Recent::new(limits::RECENT_BYTES)),
        };
        chain.look_for_checkpoint().await?;
        Ok(chain)
    }

    pub(super) fn issuer(&self) -> IssuerId {
        self.issuer
    }

    pub(super) fn watch(&self) -> watch::Receiver<Latest> {
        self.latest.subscribe()
    }

    pub(super) fn is_watched(&self) -> bool {
        self.latest.receiver_count() > 0
    }

    /// Sets after `after` as feeds send them.
    pub(super) async fn sets(&self, after: u64) -> Result<Vec<FramedSet>, Fault> {
        let at_hand =
            self.recent.read().unwrap_or_else(PoisonError::into_inner).after(after, limits::FEED_BATCH_BYTES);
        if let Some(sets) = at_hand {
            return Ok(sets);
        }
        let sets = self.source.sets(self.issuer, Sequence(after), limits::FEED_BATCH_BYTES).await?;
        Ok(sets.into_iter().map(FramedSet::from).collect())
    }

    /// Takes in what was appended, lets the feeds have it at once, and a head after it (R23).
    pub(super) async fn look(&self) -> Result<(), Fault> {
        loop {
            self.look_for_sets().await?;
            let head = self.source.head(self.issuer).await?;
            let named = sequence_of(&head)?;
            let tip = self.latest.borrow().tip;
            if named > tip && self.look_for_sets().await? {
                // More was appended meanwhile. A head must not come before what it names.
                continue;
            }
            if named < tip {
                // The store was restored from a backup. Heads say so; what is appended from here is another history.
                self.recent.write().unwrap_or_else(PoisonError::into_inner).clear();
            }
            self.latest.send_modify(|latest| {
                latest.tip = named;
                latest.head = framed(FrameKind::Head, &head);
                latest.heads += 1;
            });
            return Ok(());
        }
    }

    /// Whether there were any.
    async fn look_for_sets(&self) -> Result<bool, Fault> {
        let mut any = false;
        loop {
            let tip = self.latest.borrow().tip;
            let sets = self.source.sets(self.issuer, Sequence(tip), limits::FEED_BATCH_BYTES).await?;
            let Some(last) = sets.last().map(|set| set.sequence.0) else { return Ok(any) };
            {
                let mut recent = self.recent.write().unwrap_or_else(PoisonError::into_inner);
                for set in sets {
                    recent.push(set.into());
                }
            }
            self.latest.send_modify(|latest| latest.tip = last);
            any = true;
        }
    }

    /// Takes in a newer checkpoint.
    pub(super) async fn look_for_checkpoint(&self) -> Result<(), Fault> {
        let Some(bytes) = self.source.checkpoint(self.issuer).await? else { return Ok(()) };
        let checkpoint: Checkpoint = hufu_wire::read(&bytes)
            .map_err(|fault| Fault::Damaged(format!("the checkpoint of issuer {}: {fault}", self.issuer)))?;
        let sequence = checkpoint.sequence.0;
        self.latest.send_if_modified(|latest| {
            let newer = latest.checkpoint.as_ref().is_none_or(|known| known.sequence < sequence);
            if newer {
                latest.checkpoint = Some(Offer { sequence, frame: framed(FrameKind::Checkpoint, &bytes) });
            }
            newer
        });
        Ok(())
    }
}

fn framed(kind: FrameKind, payload: &[u8]) -> Bytes {
    let mut frame = BytesMut::new();
    Frame::put(kind, payload, &mut frame);
    frame.freeze()
}

fn sequence_of(head: &[u8]) -> Result<u64, Fault> {
    let head: Head = hufu_wire::read(head).map_err(|fault| Fault::Damaged(format!("a head: {fault}")))?;
    Ok(head.sequence.0)
}
