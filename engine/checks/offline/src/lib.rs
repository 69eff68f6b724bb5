//! What a gate needs to go on when its network is gone (R06, R60).
//!
//! | type | what it is |
//! | --- | --- |
//! | [`OfflineList`] | the statuses of one issuer in 2 bits a holder, read from bytes and written to them |
//! | [`OfflineClock`] | the time since an engine told it, by a clock that cannot be set |
//! | [`OfflineGate`] | lists, clock and policy together: a code in, a verdict out that says how old its data is |
//! | [`Book`] | the records of those verdicts, kept on the gate's disk until an engine has them |
//! | [`Keeper`] | what to ask an engine for, so that all of this is there when the network goes, and stays on the disk |
//! | [`Shelf`] | the side that receives records, each once |
//!
//! A list comes from an engine, and a [`Follower`](hufu_sync::Follower) keeps it current with the chain's own change
//! sets: the gate verifies both signatures of each. Verdicts come from [`hufu_check::SingleCheck`], which is an engine's
//! code. `docs/GATES.md` says how a gate uses this, `docs/OFFLINE.md` has every byte.

mod book;
mod clock;
mod fault;
mod format;
mod gate;
mod keeper;
mod list;
mod part;
mod record;
mod shelf;
mod statuses;
mod volume;

pub use book::{BOOK_RECORDS_MAX, Book, BookFault};
pub use clock::{BootId, DRIFT_PPM, OfflineClock, Reading, UNCERTAIN_MS_MAX, boot_id, since_boot};
pub use fault::ListFault;
pub use format::OfflineFile;
pub use gate::{NotDecided, NotTaken, OfflineGate, OfflineVerdict, TurnedRed};
pub use keeper::{Errand, Keeper, KeeperFault, OpenFault, Setup};
pub use list::{OfflineList, Room};
pub use part::ChainPart;
pub use record::{BookId, Handover, OfflineRecord};
pub use shelf::{DEVICE_BYTES_MAX, Missing, Received, Shelf};
