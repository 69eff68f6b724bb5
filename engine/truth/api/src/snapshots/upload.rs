//! One snapshot on its way into the folder.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::pin::pin;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use hufu_contract::Hex;
use hufu_wire::IssuerId;
use tempfile::NamedTempFile;
use tokio::fs::File;
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout_at;

use super::files::{PART, SnapshotMismatch, disk, lock, too_large, touch, verify};
use super::quota::Reservation;
use crate::pace::Pace;
use crate::problem::{ApiProblem, Kind};

/// Engines of the same group may read the files themselves.
const MODE: u32 = 0o640;

/// A sender must keep its [`Pace`] in each span of this length, or send the end.
const SPAN: Duration = Duration::from_secs(30);

/// A file without a name that anybody looks for. It vanishes when it is dropped, also when the sender goes away.
#[derive(Debug)]
pub(super) struct Upload {
    part: NamedTempFile,
    /// The same file. It carries a lock until it is closed, so that a part without a lock is a dead process's.
    file: File,
    /// The bytes of the quota that it takes up.
    share: Option<Reservation>,
    bytes: u64,
}

/// What became of a snapshot that was handed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UploadOutcome {
    /// It is kept now.
    Kept,
    /// The same was here already.
    Known,
}

impl Upload {
    /// A new file in the folder of an issuer, which is made if it is not there.
    pub(super) fn begin(folder: &Path) -> io::Result<Upload> {
        if !folder.is_dir() {
            std::fs::create_dir_all(folder)?;
            // Its name must be on the disk before that of the first file in it counts.
            folder.parent().map_or(Ok(()), |parent| std::fs::File::open(parent)?.sync_all())?;
        }
        // Between its making and its lock it would look like a dead process's.
        let _folder = lock(folder)?;
        let permissions = Permissions::from_mode(MODE);
        let part = tempfile::Builder::new().prefix(PART).permissions(permissions).tempfile_in(folder)?;
        let file = part.reopen()?;
        file.lock()?;
        Ok(Upload { part, file: File::from_std(file), share: None, bytes: 0 })
    }

    /// Writes the body to the disk, at most `bytes_max` bytes of it.
    pub(super) async fn take_in<E>(
        &mut self,
        body: impl Stream<Item = Result<Bytes, E>>,
        mut share: Reservation,
        bytes_max: u64,
    ) -> Result<(), ApiProblem> {
        let mut body = pin!(body);
        let mut pace = Pace::begin(SPAN);
        loop {
            let chunk = match timeout_at(pace.until(), body.next()).await {
                Ok(None) => break,
                Ok(Some(Ok(chunk))) => chunk,
                Ok(Some(Err(_))) => return Err(cut_off("the upload stopped before its end: send it again")),
                Err(_) => return Err(cut_off("the upload was too slow: use a faster connection")),
            };
            self.bytes += chunk.len() as u64;
            if self.bytes > bytes_max {
                return Err(too_large(bytes_max));
            }
            share.grow_to(self.bytes)?;
            self.file.write_all(&chunk).await.map_err(|why| disk(&why))?;
            pace.moved(chunk.len() as u64);
        }
        if self.bytes == 0 {
            return Err(ApiProblem::new(Kind::Invalid, "the body is empty: send the snapshot's bytes"));
        }
        self.share = Some(share);
        // The error of the last write is told here, and by nothing that comes after.
        self.file.flush().await.map_err(|why| disk(&why))?;
        self.file.sync_all().await.map_err(|why| disk(&why))
    }

    /// Gives the file its name, `path`, once its bytes are those of `digest`. An intact file of that name stays; a damaged
    /// one is replaced.
    pub(super) fn keep(
        self,
        issuer: IssuerId,
        digest: &Hex<32>,
        path: &Path,
    ) -> Result<UploadOutcome, ApiProblem> {
        verify(self.part.path(), issuer, digest).map_err(|why| refused(&why))?;
        let folder = path.parent().unwrap_or(Path::new("."));
        // Before the lock: reading a large file takes its time.
        let is_damaged = path.exists() && verify(path, issuer, digest).is_err();
        let locked = lock(folder).map_err(|why| disk(&why))?;
        if path.exists() && !is_damaged {
            // Its time begins again: a checkpoint will name it soon.
            touch(path, SystemTime::now()).map_err(|why| disk(&why))?;
            return Ok(UploadOutcome::Known);
        }
        if is_damaged {
            tracing::warn!(file = %path.display(), "a damaged snapshot is replaced by an intact one");
        }
        self.part.persist(path).map_err(|why| disk(&why.error))?;
        // The name is as durable as the bytes only when the folder is, too.
        locked.sync_all().map_err(|why| disk(&why))?;
        Ok(UploadOutcome::Kept)
    }
}

fn refused(why: &SnapshotMismatch) -> ApiProblem {
    match why {
        SnapshotMismatch::Unreadable(fault)
            if matches!(fault.kind, hufu_table::SnapshotFaultKind::Io { .. }) =>
        {
            tracing::error!(%fault, "a snapshot cannot be verified");
            ApiProblem::new(Kind::Misconfigured, "the cause is in the registry's log: ask the operator")
        }
        _ => ApiProblem::new(Kind::WrongDigest, why.to_string()),
    }
}

fn cut_off(detail: &str) -> ApiProblem {
    ApiProblem::new(Kind::CutOff, detail)
}
