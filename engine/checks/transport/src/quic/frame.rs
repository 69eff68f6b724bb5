//! Frames on a stream: read with limits on size, time and memory, written whole.

use std::time::Duration;

use aws_lc_rs::digest::SHA256_OUTPUT_LEN;
use hufu_wire::{FRAME_HEADER_BYTES, FrameHeader, FrameKind, Message, OfflineAsk, Suites, read};
use quinn::{ReadExactError, RecvStream};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// One request frame, and its share of the memory that frames may take.
pub(crate) struct Frame<'s> {
    pub(crate) kind: FrameKind,
    pub(crate) payload: Vec<u8>,
    _taken: [SemaphorePermit<'s>; 2],
}

/// Bytes that frames may still take.
#[derive(Clone, Copy)]
pub(crate) struct Room<'s> {
    /// All together.
    pub(crate) of_all: &'s Semaphore,
    /// Those of this device.
    pub(crate) of_device: &'s Semaphore,
}

/// Why there is no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoFrame {
    /// The device has finished the stream between two frames.
    Finished,
    /// The connection is gone, or the device has reset the stream.
    Lost,
    /// The bytes are no request frame.
    Unreadable,
    /// The frame took too long.
    TooSlow(Awaited),
}

/// What a device has kept an engine waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Awaited {
    /// The first byte of a frame.
    Frame,
    /// The rest of a frame that has begun.
    RestOfFrame,
    /// That it takes the answer.
    Answer,
}

/// How long a device may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waits {
    /// Before a frame's first byte.
    pub(crate) for_frame: Duration,
    /// From there to its last.
    pub(crate) for_rest: Duration,
}

/// Reads the next request frame. A header's word takes room only from its own device, which waits for itself if
/// it announces too much; room that others might need is taken as the bytes arrive, and so is memory.
pub(crate) async fn read_frame<'s>(
    recv: &mut RecvStream,
    room: Room<'s>,
    waits: Waits,
) -> Result<Frame<'s>, NoFrame> {
    let mut head = [0; FRAME_HEADER_BYTES];
    let begun = timeout(waits.for_frame, recv.read_exact(&mut head[..1])).await;
    begun.map_err(|_| NoFrame::TooSlow(Awaited::Frame))?.map_err(|error| match error {
        ReadExactError::FinishedEarly(_) => NoFrame::Finished,
        ReadExactError::ReadError(_) => NoFrame::Lost,
    })?;
    let rest = async {
        recv.read_exact(&mut head[1..]).await.map_err(|error| match error {
            ReadExactError::FinishedEarly(_) => NoFrame::Unreadable,
            ReadExactError::ReadError(_) => NoFrame::Lost,
        })?;
        let header: FrameHeader = read(&head).map_err(|_| NoFrame::Unreadable)?;
        if !may_be_asked(header) {
            return Err(NoFrame::Unreadable);
        }
        let of_device = take(room.of_device, header.payload_bytes).await?;
        let (payload, of_all) = read_payload(recv, header.payload_bytes as usize, room.of_all).await?;
        Ok(Frame { kind: header.kind, payload, _taken: [of_device, of_all] })
    };
    timeout(waits.for_rest, rest).await.map_err(|_| NoFrame::TooSlow(Awaited::RestOfFrame))?
}

fn may_be_asked(header: FrameHeader) -> bool {
    match header.kind {
        FrameKind::Enrol => [0, Suites::BYTES].contains(&(header.payload_bytes as usize)),
        FrameKind::Time => header.payload_bytes == 0,
        FrameKind::Checks | FrameKind::Roster | FrameKind::OfflineRecords => true,
        FrameKind::Offline => header.payload_bytes as usize == OfflineAsk::BYTES,
        FrameKind::Revocations => header.payload_bytes as usize == SHA256_OUTPUT_LEN,
        FrameKind::Enrolled
        | FrameKind::Verdicts
        | FrameKind::RosterVerdicts
        | FrameKind::ServerTime
        | FrameKind::OfflinePart
        | FrameKind::RecordsKept
        | FrameKind::RevocationLists
        | FrameKind::Refused => false,
    }
}

async fn read_payload<'s>(
    recv: &mut RecvStream,
    bytes: usize,
    room: &'s Semaphore,
) -> Result<(Vec<u8>, SemaphorePermit<'s>), NoFrame> {
    let mut payload = Vec::new();
    let mut taken = take(room, 0).await?;
    while payload.len() < bytes {
        match recv.read_chunk(bytes - payload.len(), true).await {
            Ok(Some(chunk)) => {
                taken.merge(take(room, u32::try_from(chunk.bytes.len()).unwrap_or(u32::MAX)).await?);
                payload.extend_from_slice(&chunk.bytes);
            }
            Ok(None) => return Err(NoFrame::Unreadable),
            Err(_) => return Err(NoFrame::Lost),
        }
    }
    Ok((payload, taken))
}

async fn take(room: &Semaphore, bytes: u32) -> Result<SemaphorePermit<'_>, NoFrame> {
    // A room is never closed.
    room.acquire_many(bytes).await.map_err(|_| NoFrame::Lost)
}

/// A frame being written: room for its header, then the payload.
pub(crate) struct Draft(Vec<u8>);

impl Draft {
    /// A draft with room for `payload_bytes`.
    pub(crate) fn new(payload_bytes: usize) -> Draft {
        let mut bytes = Vec::with_capacity(FRAME_HEADER_BYTES + payload_bytes);
        bytes.resize(FRAME_HEADER_BYTES, 0);
        Draft(bytes)
    }

    /// Where the payload is appended.
    pub(crate) fn payload(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }

    /// Appends one message.
    pub(crate) fn put<'m>(&mut self, message: &impl Message<'m>) {
        let from = self.0.len();
        self.0.resize(from + message.size(), 0);
        message.write_to(&mut self.0[from..]);
    }

    /// The frame's bytes.
    pub(crate) fn finish(mut self, kind: FrameKind) -> Vec<u8> {
        let payload_bytes = u32::try_from(self.0.len() - FRAME_HEADER_BYTES).unwrap_or(u32::MAX);
        FrameHeader { kind, payload_bytes }.write_to(&mut self.0[..FRAME_HEADER_BYTES]);
        self.0
    }
}
