//! Frames on a stream: read with limits on size, time and memory, written whole.

use std::time::Duration;

use hufu_wire::{FRAME_HEADER_BYTES, FrameHeader, FrameKind, Message, read};
use quinn::{ReadExactError, RecvStream};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// One request frame, and its share of the memory that frames may take.
pub(crate) struct Frame<'s> {
    pub(crate) kind: FrameKind,
    pub(crate) payload: Vec<u8>,
    _room: SemaphorePermit<'s>,
}

/// Why there is no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoFrame {
    /// The device has finished the stream between two frames.
    Finished,
    /// The connection is gone, or the device has reset the stream.
    Lost,
    /// The bytes are no request frame, or took too long.
    Unreadable,
}

/// Reads the next request frame. Memory is taken as the bytes arrive, never on the word of a header, and only
/// while all frames together stay within `room`.
pub(crate) async fn read_frame<'s>(
    recv: &mut RecvStream,
    room: &'s Semaphore,
    patience: Duration,
) -> Result<Frame<'s>, NoFrame> {
    let mut head = [0; FRAME_HEADER_BYTES];
    recv.read_exact(&mut head).await.map_err(|error| match error {
        ReadExactError::FinishedEarly(0) => NoFrame::Finished,
        ReadExactError::FinishedEarly(_) => NoFrame::Unreadable,
        ReadExactError::ReadError(_) => NoFrame::Lost,
    })?;
    let header: FrameHeader = read(&head).map_err(|_| NoFrame::Unreadable)?;
    if !may_be_asked(header) {
        return Err(NoFrame::Unreadable);
    }
    let payload = async {
        let room = room.acquire_many(header.payload_bytes).await.map_err(|_| NoFrame::Lost)?;
        Ok((read_payload(recv, header.payload_bytes as usize).await?, room))
    };
    let (payload, room) = timeout(patience, payload).await.map_err(|_| NoFrame::Unreadable)??;
    Ok(Frame { kind: header.kind, payload, _room: room })
}

fn may_be_asked(header: FrameHeader) -> bool {
    match header.kind {
        FrameKind::Enrol | FrameKind::Time => header.payload_bytes == 0,
        FrameKind::Checks | FrameKind::Roster => true,
        FrameKind::Enrolled
        | FrameKind::Verdicts
        | FrameKind::RosterVerdicts
        | FrameKind::ServerTime
        | FrameKind::Refused => false,
    }
}

async fn read_payload(recv: &mut RecvStream, bytes: usize) -> Result<Vec<u8>, NoFrame> {
    let mut payload = Vec::new();
    while payload.len() < bytes {
        match recv.read_chunk(bytes - payload.len(), true).await {
            Ok(Some(chunk)) => payload.extend_from_slice(&chunk.bytes),
            Ok(None) => return Err(NoFrame::Unreadable),
            Err(_) => return Err(NoFrame::Lost),
        }
    }
    Ok(payload)
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
