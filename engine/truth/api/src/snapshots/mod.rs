//! The registry's folder of snapshots: a folder an issuer, each file under the digest that a checkpoint names, so that
//! an engine may also take an issuer's folder for its place of snapshots.
//!
//! A snapshot gets its name only after its bytes were compared with its digest, and it is never replaced by others. Who
//! loads one still believes the checkpoint's two signatures and the digest, never the registry.

mod files;
mod quota;
mod sweep;
mod upload;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, stream};
use hufu_wire::IssuerId;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio::sync::Semaphore;

use self::files::{WHOLE, disk, issuers, remove_parts, too_large};
use self::quota::Quota;
pub(super) use self::sweep::{sweep_all, sweep_issuer};
use self::upload::Upload;
pub(super) use self::upload::UploadOutcome;
use super::options::SnapshotLimits;
use super::problem::{ApiProblem, Kind};
use hufu_contract::Hex;

/// Bytes read from a file at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// Uploads at once: a snapshot is made once a day, and each may fill the disk.
const UPLOADS_MAX: usize = 4;

/// Where snapshots are kept. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct SnapshotFolder(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    limits: SnapshotLimits,
    quota: Arc<Quota>,
    /// Room for uploads.
    room: Semaphore,
}

impl SnapshotFolder {
    /// The folder, made if it is not there. What killed processes left half written is removed.
    pub(super) fn open(folder: &Path, limits: SnapshotLimits) -> io::Result<SnapshotFolder> {
        std::fs::create_dir_all(folder)?;
        for (_, folder) in issuers(folder)? {
            remove_parts(&folder)?;
        }
        let quota = Arc::new(Quota::new(limits));
        quota.count(folder)?;
        let room = Semaphore::new(UPLOADS_MAX);
        Ok(SnapshotFolder(Arc::new(Inner { folder: folder.to_owned(), limits, quota, room })))
    }

    /// Bytes of all snapshots that are kept, when they were last counted.
    pub(super) fn bytes(&self) -> u64 {
        self.0.quota.kept()
    }

    /// Takes in a file, whole and with the digest of its name, or not at all. One that is here already stays.
    pub(super) async fn put<E>(
        &self,
        issuer: IssuerId,
        digest: &Hex<32>,
        length: Option<u64>,
        body: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<UploadOutcome, ApiProblem> {
        let Ok(_room) = self.0.room.try_acquire() else {
            return Err(ApiProblem::new(
                Kind::Busy,
                "too many snapshots are being uploaded: try again later",
            ));
        };
        let bytes_max = self.0.limits.one_bytes_max;
        if length.is_some_and(|length| length > bytes_max) {
            return Err(too_large(bytes_max));
        }
        let (quota, folder) = (Arc::clone(&self.0.quota), self.0.folder.clone());
        // Another registry may share the folder, so what is kept is counted at each upload.
        blocking(move || quota.count(&folder)).await?;
        let share = self.0.quota.hold(issuer, length.unwrap_or(0))?;
        let folder = self.of(issuer);
        let mut arriving = blocking(move || Upload::begin(&folder)).await?;
        arriving.take_in(body, share, bytes_max).await?;
        let (digest, path) = (*digest, self.path(issuer, digest));
        blocking_or(move || arriving.keep(issuer, &digest, &path)).await
    }

    /// A file that is kept.
    pub(super) async fn get(&self, issuer: IssuerId, digest: &Hex<32>) -> Result<SnapshotFile, ApiProblem> {
        let file = match File::open(self.path(issuer, digest)).await {
            Ok(file) => file,
            Err(why) if why.kind() == io::ErrorKind::NotFound => {
                return Err(ApiProblem::new(Kind::NotFound, format!("there is no snapshot {digest} here")));
            }
            Err(why) => return Err(disk(&why)),
        };
        let bytes = file.metadata().await.map_err(|why| disk(&why))?.len();
        Ok(SnapshotFile { file, bytes })
    }

    fn of(&self, issuer: IssuerId) -> PathBuf {
        self.0.folder.join(issuer.to_string())
    }

    fn path(&self, issuer: IssuerId, digest: &Hex<32>) -> PathBuf {
        self.of(issuer).join(format!("{digest}{WHOLE}"))
    }
}

/// A snapshot's file, open.
#[derive(Debug)]
pub(super) struct SnapshotFile {
    file: File,
    bytes: u64,
}

impl SnapshotFile {
    /// How many bytes it has.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// `count` of its bytes from `first` on.
    pub(super) async fn into_body(mut self, first: u64, count: u64) -> Result<Body, ApiProblem> {
        self.file.seek(io::SeekFrom::Start(first)).await.map_err(|why| disk(&why))?;
        let chunks = stream::try_unfold(self.file.take(count), |mut file| async move {
            let mut chunk = BytesMut::with_capacity(CHUNK_BYTES);
            let read = file.read_buf(&mut chunk).await?;
            Ok::<_, io::Error>((read > 0).then(|| (chunk.freeze(), file)))
        });
        Ok(Body::from_stream(chunks))
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, ApiProblem> {
    blocking_or(move || work().map_err(|why| disk(&why))).await
}

/// Does `work` on a thread that may wait for the disk.
async fn blocking_or<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiProblem> + Send + 'static,
) -> Result<T, ApiProblem> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(_) => {
            Err(ApiProblem::new(Kind::Internal, "the cause is in the registry's log: ask the operator"))
        }
    }
}
