use std::io;
use std::path::{Path, PathBuf};

use hufu_wire::IssuerId;

use super::version::VERSION;
use crate::fault::TableFault;

/// Why a snapshot file was not written or not loaded. The table is as it was, and so is the file that was to be
/// replaced.
#[derive(Debug, thiserror::Error)]
#[error("{}: {kind}", file.display())]
pub struct SnapshotFault {
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub kind: SnapshotFaultKind,
}

/// What is wrong with a snapshot file, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotFaultKind {
    /// The operating system refused.
    #[error("cannot {doing}: {error}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The answer.
        error: io::Error,
    },
    /// Something else than a snapshot.
    #[error("not a Hufu status snapshot; check the path")]
    NotASnapshot,
    /// Written by another version of Hufu.
    #[error(
        "a snapshot of version {found}, but this engine reads version {VERSION}: fetch it again from a registry of this version"
    )]
    OtherVersion {
        /// The version in the file.
        found: u32,
    },
    /// Cut off, altered, or never a proper snapshot.
    #[error("damaged ({what}); the table is unchanged: fetch or generate the snapshot again")]
    Damaged {
        /// What gave it away.
        what: &'static str,
    },
    /// Of another issuer than the writer's.
    #[error("a snapshot of issuer {found}, but issuer {wanted} was to be loaded: correct the configuration")]
    OtherIssuer {
        /// The issuer in the file.
        found: IssuerId,
        /// The issuer whose writer was given.
        wanted: IssuerId,
    },
    /// Longer than the caller accepts.
    #[error("more than {bytes_max} bytes arrived, which is the limit")]
    TooLarge {
        /// The limit.
        bytes_max: u64,
    },
    /// More words than there are holder indexes.
    #[error("a snapshot holds at most 4294967296 holders")]
    TooManyHolders,
    /// This issuer is not followed here.
    #[error("issuer {issuer} is not in the table, so there is nothing to write")]
    NotFollowed {
        /// The issuer.
        issuer: IssuerId,
    },
    /// The table has no room for it, or is further on already.
    #[error(transparent)]
    Table(#[from] TableFault),
}

impl SnapshotFault {
    pub(crate) fn new(file: &Path, kind: SnapshotFaultKind) -> SnapshotFault {
        SnapshotFault { file: file.to_path_buf(), kind }
    }
}

impl SnapshotFaultKind {
    /// For `map_err`: an I/O error with what was being done.
    pub(super) fn io(doing: &'static str) -> impl FnOnce(io::Error) -> SnapshotFaultKind {
        move |error| SnapshotFaultKind::Io { doing, error }
    }
}
