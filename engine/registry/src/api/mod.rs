//! The registry over HTTP.

mod frame;
pub mod types;

pub use frame::{FRAME_HEADER_BYTES, FRAME_PAYLOAD_BYTES_MAX, Frame, FrameKind, Frames, NotAFrame};
