//! The words every part of Hufu shares: ids, the status word, verdicts and their reasons, and the one
//! fixed layout of each message. Bytes become values only through [`read`] and values become bytes only
//! through [`write()`]; past that door everything is typed.
//!
//! `docs/PROTOCOL.md` describes the same layouts for people who write a client in another language,
//! `docs/SYNC.md` those of [`chain`], and `fixtures/golden/` holds bytes of every message with their meaning.

mod bom;
pub mod chain;
mod decision;
mod ids;
pub mod limits;
mod lines;
mod message;
mod offline;
#[cfg(feature = "planted")]
pub mod planted;
mod prefetch;
mod reason;
mod reference;
mod request;
mod roster;
pub mod scan;
mod session;
mod status;
mod stream;
pub mod text;
mod time;
mod verdict;

pub use bom::without_bom;
pub use decision::Decision;
pub use ids::{
    CheckNumber, DeviceGeneration, DeviceId, HolderIndex, HubId, IssuerId, KeyEpoch, KeyId, Lane, RuleId,
    Sequence, SiteId,
};
pub use lines::StrangerLines;
pub use message::{Malformed, Message, NoRoom, read, write};
pub use offline::{OFFLINE_RECORDS_PATH, OfflineAsk, OfflineIssuer};
pub use prefetch::prefetch;
pub use reason::{Actor, Reason};
pub use reference::Reference;
pub use request::{CheckRequest, ReplyHeader, RequestHeader, sealed};
pub use roster::{MemberVerdict, RosterReply};
pub use session::{Cookie, Grant, Scope, SessionKeys, Suite, Suites};
pub use status::{Colour, StatusWord, TestResult};
pub use stream::{Enrolled, FRAME_HEADER_BYTES, FrameHeader, FrameKind, RecordsKept, ServerTime};
pub use time::{ClockOffset, StatusMinute, Step, UnixMillis, UnixSeconds, days_since_1970};
pub use verdict::{Age, CodeKind, Verdict};
