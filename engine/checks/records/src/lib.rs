//! Records of checks (R40, R41, R42): every check leaves one, sealed under the key of its day, and beside it a slip that
//! only the holder can find.
//!
//! ```text
//! worker ──Record──▶ RingJournal ──ring──▶ Recorder: one thread ──▶ Store ──▶ segments, blocks, days
//!    ◀── Standing: written, synced, lost ◀──────┘
//! ```
//! `docs/RECORDS.md` has the bytes, `docs/decisions/0024-slips.md` the argument for slips.

mod block;
mod closed;
mod day;
mod days;
mod disk;
mod identity;
mod journal;
mod keys;
mod live;
mod recorder;
mod row;
mod scan;
mod segment;
mod shown;
mod slip;
mod store;
mod verify;
mod view;

pub use block::{Header, Kind, Link, RECORDS_MAX};
pub use closed::{Closed, is_segment};
pub use day::{Day, NoDay};
pub use days::{DAYS, DayEntry, DayEvent, Days, DaysFault};
pub use disk::Folder;
pub use identity::{Identity, engine_of, public_key};
pub use journal::RingJournal;
pub use keys::{DayKey, KeyFolder, Secret, Wrapping};
pub use live::{Heard, Listener};
pub use recorder::{Recorder, RecorderByHand, RecorderFigures};
pub use row::{Answer, Row, SlipKind};
pub use segment::{EngineId, KeyName, SegmentHeader};
pub use shown::{channel_slug, decision_slug, kind_slug, record_json};
pub use slip::{CodeKey, Finder, Seen, Slip, Tag};
pub use store::{Kept, OpenFault, SEGMENT_BYTES_MIN, Store, StoreOptions, VERIFIER};
pub use verify::{DayReport, Fault, FaultKind, Found, Held, Report, read, verify};
pub use view::{
    BUCKET_SLIPS_MIN, BuildFault, OpenView, PREFIX_BITS_MAX, View, ViewFault, ViewHeader, build_view,
    prefix_of,
};
