//! Snapshots in a local folder or an S3-compatible object store, one file by the name of its digest.
//!
//! Engines [`fetch`](hufu_sync::Snapshots::fetch) what a checkpoint names; writers of snapshots
//! [`publish`](Objects::publish) them, [`list`](Objects::list) them and make room with
//! [`prune`](Objects::prune). A name once taken keeps its content: nothing here overwrites.
//!
//! `docs/SYNC.md` has the rules. The feature `s3` brings the object store; a folder is always there.

mod fault;
mod fetch;
mod objects;
mod place;
mod publish;
#[cfg(feature = "s3")]
mod s3;
mod shelf;

pub use fault::Misconfigured;
pub use objects::Objects;
pub use place::Place;
pub use publish::Published;
#[cfg(feature = "s3")]
pub use s3::S3Options;
pub use shelf::Stored;
