//! The registry's folder of snapshots: a folder an issuer, each file under the digest that a checkpoint names, so that
//! an engine may also take an issuer's folder for its place of snapshots.
//!
//! Nothing is verified here: whoever loads a snapshot believes the checkpoint's two signatures and the digest, never
//! the registry.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};
use hufu_wire::IssuerId;
use tempfile::NamedTempFile;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};
use tokio::sync::Semaphore;

use super::problem::{ApiProblem, Kind};
use super::types::Hex;

/// Bytes read from a file at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// Uploads at once: a snapshot is made once a day, and each may fill the disk.
const UPLOADS_MAX: usize = 4;

/// How long a sender may be silent within one upload.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// How the names of uploads begin that are on their way.
const PART: &str = ".part-";

/// An upload that nothing was written to for so long is of a process that was killed.
const PART_DEAD: Duration = Duration::from_secs(3600);

/// Engines of the same group may read the files themselves.
const MODE: u32 = 0o640;

/// Where snapshots are kept.
#[derive(Clone, Debug)]
pub(super) struct SnapshotFolder {
    folder: PathBuf,
    bytes_max: u64,
    /// Room for uploads.
    room: Arc<Semaphore>,
}

impl SnapshotFolder {
    /// The folder, made if it is not there. What killed processes left half written is removed.
    pub(super) fn open(folder: &Path, bytes_max: u64) -> io::Result<SnapshotFolder> {
        std::fs::create_dir_all(folder)?;
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                sweep(&path)?;
            }
        }
        let room = Arc::new(Semaphore::new(UPLOADS_MAX));
        Ok(SnapshotFolder { folder: folder.to_owned(), bytes_max, room })
    }

    fn of(&self, issuer: IssuerId) -> PathBuf {
        self.folder.join(issuer.to_string())
    }

    fn path(&self, issuer: IssuerId, digest: &Hex<32>) -> PathBuf {
        self.of(issuer).join(format!("{digest}.snapshot"))
    }

    /// Takes in a file, whole or not at all: whoever reads finds the old one, the new one or none.
    pub(super) async fn put<E>(
        &self,
        issuer: IssuerId,
        digest: &Hex<32>,
        length: Option<u64>,
        body: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<(), ApiProblem> {
        let Ok(_room) = self.room.try_acquire() else {
            return Err(ApiProblem::new(
                Kind::Busy,
                "other snapshots are on their way: come back when they are here",
            ));
        };
        if length.is_some_and(|length| length > self.bytes_max) {
            return Err(self.too_large());
        }
        let folder = self.of(issuer);
        // The file vanishes with its handle, also when the sender goes away in between.
        let (handle, part) = blocking(move || part_in(&folder)).await?.into_parts();
        let mut file = File::from_std(handle);
        let mut bytes = 0_u64;
        let mut body = pin!(body);
        loop {
            let chunk = match tokio::time::timeout(IDLE_MAX, body.next()).await {
                Ok(None) => break,
                Ok(Some(Ok(chunk))) => chunk,
                Ok(Some(Err(_))) | Err(_) => {
                    return Err(ApiProblem::new(
                        Kind::CutOff,
                        "the upload stopped before its end: send it again",
                    ));
                }
            };
            bytes += chunk.len() as u64;
            if bytes > self.bytes_max {
                return Err(self.too_large());
            }
            file.write_all(&chunk).await.map_err(|why| disk(&why))?;
        }
        if bytes == 0 {
            return Err(ApiProblem::new(Kind::Invalid, "the body is empty: send the snapshot's bytes"));
        }
        // The error of the last write is told here, and by nothing that comes after.
        file.flush().await.map_err(|why| disk(&why))?;
        file.sync_all().await.map_err(|why| disk(&why))?;
        let (path, folder) = (self.path(issuer, digest), self.of(issuer));
        blocking(move || {
            part.persist(path)?;
            // The name is as durable as the bytes only when the folder is, too.
            std::fs::File::open(folder)?.sync_all()
        })
        .await
    }

    /// A file that is kept.
    pub(super) async fn get(&self, issuer: IssuerId, digest: &Hex<32>) -> Result<Kept, ApiProblem> {
        let file = match File::open(self.path(issuer, digest)).await {
            Ok(file) => file,
            Err(why) if why.kind() == io::ErrorKind::NotFound => {
                return Err(ApiProblem::new(Kind::NotFound, format!("there is no snapshot {digest} here")));
            }
            Err(why) => return Err(disk(&why)),
        };
        let bytes = file.metadata().await.map_err(|why| disk(&why))?.len();
        Ok(Kept { file, bytes })
    }

    fn too_large(&self) -> ApiProblem {
        ApiProblem::new(
            Kind::TooLarge,
            format!("this registry takes snapshots of {} bytes at most", self.bytes_max),
        )
    }
}

/// A snapshot's file, open.
#[derive(Debug)]
pub(super) struct Kept {
    file: File,
    bytes: u64,
}

impl Kept {
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

/// A new file in the folder of an issuer, which is made if it is not there.
fn part_in(folder: &Path) -> io::Result<NamedTempFile> {
    if !folder.is_dir() {
        std::fs::create_dir_all(folder)?;
        // Its name must be on the disk before that of the first file in it counts.
        folder.parent().map_or(Ok(()), |parent| std::fs::File::open(parent)?.sync_all())?;
    }
    tempfile::Builder::new().prefix(PART).permissions(Permissions::from_mode(MODE)).tempfile_in(folder)
}

/// Removes uploads that nobody goes on with. Another registry may share the folder: whose upload lives stays.
fn sweep(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let is_part = entry.file_name().to_str().is_some_and(|name| name.starts_with(PART));
        let written = entry.metadata().and_then(|metadata| metadata.modified());
        let is_dead =
            |written| SystemTime::now().duration_since(written).is_ok_and(|since| since > PART_DEAD);
        if is_part && written.is_ok_and(is_dead) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

async fn blocking<T: Send + 'static, E: Into<io::Error> + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, ApiProblem> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(|why| disk(&why.into())),
        Err(_) => Err(ApiProblem::new(Kind::Internal, "the operator finds the cause in the registry's log")),
    }
}

fn disk(why: &io::Error) -> ApiProblem {
    tracing::error!(%why, "the folder of snapshots cannot be used");
    match why.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            ApiProblem::new(Kind::Full, "the registry's disk is full: the operator makes room")
        }
        _ => ApiProblem::new(Kind::Misconfigured, "the operator finds the cause in the registry's log"),
    }
}
