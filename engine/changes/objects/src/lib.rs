//! Snapshots in a local folder or an S3-compatible object store, one file by the name of its digest.
//!
//! Records of checks are archived beside them, under names of their own ([`keep_file`](Objects::keep_file)).
//!
//! Engines [`fetch`](hufu_sync::Snapshots::fetch) what a checkpoint names; writers of snapshots
//! [`publish`](Objects::publish) them, [`list`](Objects::list) them and make room with
//! [`prune`](Objects::prune). A name once taken keeps its content; only [`grow_file`](Objects::grow_file) replaces a file,
//! by one that begins with it.
//!
//! `docs/SYNC.md` has the rules. The feature `s3` brings the object store; a folder is always there.

mod fault;
mod fetch;
mod files;
mod objects;
mod place;
mod publish;
#[cfg(feature = "s3")]
mod s3;
mod shelf;

pub use fault::Misconfigured;
pub use files::unfinished;
pub use objects::Objects;
pub use place::Place;
pub use publish::Published;
#[cfg(feature = "s3")]
pub use s3::S3Options;
pub use shelf::Stored;
