//! How sets, heads and checkpoints stand in one HTTP body, one after the other.
//!
//! | offset | bytes | field |
//! | --- | --- | --- |
//! | 0 | 4 | bytes of the payload, little-endian |
//! | 4 | 1 | kind |
//! | 5 | | payload |

use bytes::{Buf, Bytes, BytesMut};
use hufu_wire::limits;

/// Bytes of a frame before its payload.
pub const FRAME_HEADER_BYTES: usize = 5;

/// Largest payload: a full change set.
pub const FRAME_PAYLOAD_BYTES_MAX: usize = limits::CHANGE_SET_BYTES_MAX;

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum FrameKind {
    /// A change set's bytes.
    ChangeSet = 1,
    /// A head's bytes.
    Head = 2,
    /// A checkpoint's bytes.
    Checkpoint = 3,
    /// The sets asked for are no longer here: the first sequence that is, 8 bytes little-endian, 0 for none.
    Trimmed = 4,
}

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What it carries.
    pub kind: FrameKind,
    /// Its bytes.
    pub payload: Bytes,
}

/// What is no sequence of frames. Its sender is at fault, and nothing after it can be told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAFrame {
    /// A kind that this version does not know.
    #[error("no frame has kind {0}")]
    Kind(u8),
    /// More bytes than any message has.
    #[error("a frame of {0} bytes is larger than any message")]
    TooLarge(u32),
}

/// Takes frames out of bytes as they come in, however they are cut.
#[derive(Debug, Default)]
pub struct Frames {
    pending: BytesMut,
}

impl FrameKind {
    /// The kind with this byte.
    pub const fn from_byte(byte: u8) -> Option<FrameKind> {
        match byte {
            1 => Some(FrameKind::ChangeSet),
            2 => Some(FrameKind::Head),
            3 => Some(FrameKind::Checkpoint),
            4 => Some(FrameKind::Trimmed),
            _ => None,
        }
    }
}

impl Frame {
    /// Appends a frame to `out`.
    ///
    /// # Panics
    /// When the payload has 4 GiB or more: no message has.
    pub fn put(kind: FrameKind, payload: &[u8], out: &mut BytesMut) {
        let length = u32::try_from(payload.len()).expect("no message has 4 GiB");
        out.reserve(FRAME_HEADER_BYTES + payload.len());
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&[kind as u8]);
        out.extend_from_slice(payload);
    }
}

impl Frames {
    /// Takes what came in.
    pub fn push(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    /// The next frame, `None` until all of it has come in.
    ///
    /// # Errors
    /// [`NotAFrame`], and again at every further call.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator that says None would be over, these are not"
    )]
    pub fn next(&mut self) -> Result<Option<Frame>, NotAFrame> {
        let Some((header, _)) = self.pending.split_first_chunk::<FRAME_HEADER_BYTES>() else {
            return Ok(None);
        };
        let [a, b, c, d, kind] = *header;
        let length = u32::from_le_bytes([a, b, c, d]);
        let kind = FrameKind::from_byte(kind).ok_or(NotAFrame::Kind(kind))?;
        if length as usize > FRAME_PAYLOAD_BYTES_MAX {
            return Err(NotAFrame::TooLarge(length));
        }
        if self.pending.len() < FRAME_HEADER_BYTES + length as usize {
            return Ok(None);
        }
        self.pending.advance(FRAME_HEADER_BYTES);
        Ok(Some(Frame { kind, payload: self.pending.split_to(length as usize).freeze() }))
    }

    /// Whether a frame has begun and not ended: a body that ends so was cut off.
    pub fn is_partial(&self) -> bool {
        !self.pending.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_out_however_they_are_cut() {
        let mut bytes = BytesMut::new();
        Frame::put(FrameKind::ChangeSet, b"set", &mut bytes);
        Frame::put(FrameKind::Trimmed, &7_u64.to_le_bytes(), &mut bytes);
        assert_eq!(&bytes[..8], b"\x03\0\0\0\x01set");

        for cut in 1..=bytes.len() {
            let mut frames = Frames::default();
            let mut seen = Vec::new();
            for piece in bytes.chunks(cut) {
                frames.push(piece);
                while let Some(frame) = frames.next().unwrap() {
                    seen.push((frame.kind, frame.payload));
                }
            }
            assert!(!frames.is_partial());
            assert_eq!(seen.len(), 2, "cut every {cut} bytes");
            assert_eq!(seen[0], (FrameKind::ChangeSet, Bytes::from_static(b"set")));
            assert_eq!(seen[1], (FrameKind::Trimmed, Bytes::copy_from_slice(&7_u64.to_le_bytes())));
        }
    }

    #[test]
    fn what_is_no_frame_is_refused_before_it_is_gathered() {
        let mut frames = Frames::default();
        frames.push(&[0, 0, 0, 0, 9]);
        assert_eq!(frames.next(), Err(NotAFrame::Kind(9)));
        let mut frames = Frames::default();
        frames.push(&[0xff, 0xff, 0xff, 0xff, 1]);
        assert_eq!(frames.next(), Err(NotAFrame::TooLarge(u32::MAX)));
    }
}
