//! A feed's body as it comes in, turned into deliveries. No I/O.

use bytes::Buf;
use hufu_contract::{Frame, FrameKind, Frames, NotAFrame};
use hufu_sync::Delivery;
use hufu_wire::Sequence;
use hufu_wire::chain::{ChangeSet, Checkpoint, Head};

/// Takes deliveries out of a feed's bytes, however they are cut. Holds at most one frame and what came last.
#[derive(Debug, Default)]
pub struct Deliveries {
    frames: Frames,
}

/// What no registry sends. Nothing after it can be told apart.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotADelivery {
    /// It is no frame.
    #[error(transparent)]
    Frame(#[from] NotAFrame),
    /// It is one, of a length that its kind does not have.
    #[error("a frame of kind {} has {bytes} bytes", *kind as u8)]
    Length {
        /// Its kind.
        kind: FrameKind,
        /// How long it is.
        bytes: usize,
    },
}

impl Deliveries {
    /// Takes what came in.
    pub fn push(&mut self, bytes: &[u8]) {
        self.frames.push(bytes);
    }

    /// The next delivery, `None` until all of it has come in. Take them all before the next [`push`](Self::push).
    ///
    /// # Errors
    /// [`NotADelivery`]: leave the feed then.
    pub fn pull(&mut self) -> Result<Option<Delivery>, NotADelivery> {
        self.frames.next()?.map(delivery).transpose()
    }

    /// Whether a delivery has begun and not ended: a body that ends so was cut off.
    pub fn is_partial(&self) -> bool {
        self.frames.is_partial()
    }
}

/// What a frame carries, of the length that it must have. What it says is for the follower to see.
fn delivery(Frame { kind, mut payload }: Frame) -> Result<Delivery, NotADelivery> {
    let bytes = payload.len();
    let is_length = match kind {
        FrameKind::ChangeSet => bytes > ChangeSet::OVERHEAD_BYTES,
        FrameKind::Head => bytes == Head::BYTES,
        FrameKind::Checkpoint => bytes == Checkpoint::BYTES,
        FrameKind::Trimmed => bytes == size_of::<u64>(),
    };
    if !is_length {
        return Err(NotADelivery::Length { kind, bytes });
    }
    Ok(match kind {
        FrameKind::ChangeSet => Delivery::ChangeSet(payload),
        FrameKind::Head => Delivery::Head(payload),
        FrameKind::Checkpoint => Delivery::Checkpoint(payload),
        FrameKind::Trimmed => {
            let first = payload.get_u64_le();
            Delivery::Trimmed { first: (first != 0).then_some(Sequence(first)) }
        }
    })
}
