//! The registry's folder of snapshots, each under the digest that a checkpoint names.
//!
//! Nothing is verified here: whoever loads a snapshot believes the checkpoint's two signatures and the digest, never
//! the registry.

use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, stream};
use hufu_wire::IssuerId;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Semaphore;

use super::problem::{ApiProblem, Kind};
use super::types::Hex;

/// Bytes read from a file at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// Uploads at once: a snapshot is made once a day, and each may fill the disk.
const UPLOADS_MAX: usize = 4;

/// How long a sender may be silent within one upload.
const IDLE_MAX: Duration = Duration::from_secs(30);

/// Where snapshots are kept.
#[derive(Clone, Debug)]
pub(super) struct SnapshotFolder {
    folder: PathBuf,
    bytes_max: u64,
    /// Room for uploads.
    room: Arc<Semaphore>,
}

impl SnapshotFolder {
    /// The folder, made if it is not there.
    pub(super) fn open(folder: &Path, bytes_max: u64) -> io::Result<SnapshotFolder> {
        std::fs::create_dir_all(folder)?;
        let room = Arc::new(Semaphore::new(UPLOADS_MAX));
        Ok(SnapshotFolder { folder: folder.to_owned(), bytes_max, room })
    }

    fn path(&self, issuer: IssuerId, digest: &Hex<32>) -> PathBuf {
        self.folder.join(format!("{issuer}-{digest}.snapshot"))
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
        let folder = self.folder.clone();
        // The file vanishes with its handle, also when the sender goes away in between.
        let part = blocking(move || tempfile::Builder::new().prefix(".part-").tempfile_in(folder)).await?;
        let (handle, part) = part.into_parts();
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
        let (path, folder) = (self.path(issuer, digest), self.folder.clone());
        blocking(move || {
            part.persist(path)?;
            // The name is as durable as the bytes only when the folder is, too.
            std::fs::File::open(folder)?.sync_all()
        })
        .await
    }

    /// The file and its length.
    pub(super) async fn get(&self, issuer: IssuerId, digest: &Hex<32>) -> Result<(u64, Body), ApiProblem> {
        let file = match File::open(self.path(issuer, digest)).await {
            Ok(file) => file,
            Err(why) if why.kind() == io::ErrorKind::NotFound => {
                return Err(ApiProblem::new(Kind::NotFound, format!("there is no snapshot {digest} here")));
            }
            Err(why) => return Err(disk(&why)),
        };
        let length = file.metadata().await.map_err(|why| disk(&why))?.len();
        let chunks = stream::try_unfold(file, |mut file| async move {
            let mut chunk = BytesMut::with_capacity(CHUNK_BYTES);
            let read = file.read_buf(&mut chunk).await?;
            Ok::<_, io::Error>((read > 0).then(|| (chunk.freeze(), file)))
        });
        Ok((length, Body::from_stream(chunks)))
    }

    fn too_large(&self) -> ApiProblem {
        ApiProblem::new(
            Kind::TooLarge,
            format!("this registry takes snapshots of {} bytes at most", self.bytes_max),
        )
    }
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
