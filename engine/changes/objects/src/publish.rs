//! A snapshot file into the store, under the name of its digest, once.

use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::Read;
use std::path::Path as FilePath;

use bytes::Bytes;
use futures_util::StreamExt;
use hufu_sync::FeedFault;
use hufu_table::{Snapshot, SnapshotDigest};
use object_store::path::Path;
use object_store::{Error as StoreError, ObjectStoreExt, PutMode, PutPayload, WriteMultipart};

use crate::fault::{of_disk, of_store};
use crate::fetch::aside;
use crate::objects::Objects;

/// What has become of a snapshot that was to be published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    /// It is in the store now.
    Stored,
    /// The very same file had been there already.
    Known,
}

/// One part of an upload, bytes. S3 takes ten thousand of them, so the largest snapshot takes less than half.
const PART_BYTES: usize = 8 << 20;

/// Parts under way at a time.
const PARTS: usize = 4;

/// What the name of an upload that is not yet complete ends with.
pub(crate) const PARTIAL: &str = ".partial";

impl Objects {
    /// Stores the snapshot at `path`, so that it can be fetched as `snapshot`. Publishing it again changes nothing.
    /// Only the digest in the file is compared; its words are checked where it is loaded.
    ///
    /// # Errors
    /// [`FeedFault::Disk`] when the file cannot be read or is not the snapshot of that digest;
    /// [`FeedFault::Garbled`] when the store has another file under this name, which is left as it is; and what the
    /// store says.
    pub async fn publish(&self, path: &FilePath, snapshot: SnapshotDigest) -> Result<Published, FeedFault> {
        let file = self.open(path, snapshot).await?;
        let key = self.key(snapshot);
        match self.put(file, path, &key).await {
            Ok(()) => Ok(Published::Stored),
            Err(PutFault::Taken) => self.compare(path, &key).await,
            Err(PutFault::Failed(fault)) => Err(fault),
        }
    }

    async fn open(&self, path: &FilePath, snapshot: SnapshotDigest) -> Result<File, FeedFault> {
        let owned = path.to_path_buf();
        let opened = aside(move || {
            let found = Snapshot::open(&owned).map_err(|fault| fault.to_string())?.info().digest;
            if found != snapshot {
                return Err(format!("{} is snapshot {found} and not {snapshot}", owned.display()));
            }
            File::open(&owned).map_err(|error| format!("{}: {error}", owned.display()))
        });
        opened.await.map_err(|what| of_disk(&self.name, &what))
    }

    pub(crate) async fn put(&self, file: File, path: &FilePath, key: &Path) -> Result<(), PutFault> {
        let (file, first) = self.part(file, path).await?;
        if first.len() < PART_BYTES {
            let create = PutMode::Create.into();
            let put = self.store.put_opts(key, PutPayload::from(first), create).await;
            return put.map(drop).map_err(|error| self.put_fault(&error));
        }
        // Large uploads come in parts and cannot ask for a free name at the end, so they are renamed to it.
        let partial = Path::from(format!("{key}.{:016x}{PARTIAL}", RandomState::new().hash_one(())));
        let stored = async {
            self.put_parts(file, first, path, &partial).await?;
            self.store.copy_if_not_exists(&partial, key).await.map_err(|error| self.put_fault(&error))
        };
        let stored = stored.await;
        // What stays behind when this fails too is taken by `prune`.
        _ = self.store.delete(&partial).await;
        stored
    }

    async fn put_parts(&self, file: File, first: Bytes, path: &FilePath, key: &Path) -> Result<(), PutFault> {
        let failed = |error: StoreError| PutFault::Failed(of_store(&self.name, &error));
        let upload = self.store.put_multipart(key).await.map_err(failed)?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, PART_BYTES);
        let (mut file, mut part) = (file, first);
        while !part.is_empty() {
            if let Err(error) = upload.wait_for_capacity(PARTS).await {
                _ = upload.abort().await;
                return Err(failed(error));
            }
            upload.put(part);
            (file, part) = match self.part(file, path).await {
                Ok(next) => next,
                Err(fault) => {
                    _ = upload.abort().await;
                    return Err(fault);
                }
            };
        }
        upload.finish().await.map(drop).map_err(failed)
    }

    /// The next part of the file: shorter than [`PART_BYTES`] only at its end.
    async fn part(&self, mut file: File, path: &FilePath) -> Result<(File, Bytes), PutFault> {
        let read = aside(move || {
            let mut part = Vec::with_capacity(PART_BYTES);
            (&mut file).take(PART_BYTES as u64).read_to_end(&mut part).map(|_| (file, part.into()))
        });
        let disk = |error| of_disk(&self.name, &format!("{}: {error}", path.display()));
        read.await.map_err(|error| PutFault::Failed(disk(error)))
    }

    /// Whether what has the name is the file at `path`, byte for byte.
    pub(crate) async fn compare(&self, path: &FilePath, key: &Path) -> Result<Published, FeedFault> {
        let disk = |error: std::io::Error| of_disk(&self.name, &format!("{}: {error}", path.display()));
        let differs = || FeedFault::Garbled {
            feed: self.name.clone(),
            what: format!(
                "another file has the name {key}; it was kept: compare both and delete the wrong one"
            ),
        };
        let mut file = File::open(path).map_err(disk)?;
        let there = self.store.get(key).await.map_err(|error| of_store(&self.name, &error))?;
        if there.meta.size != file.metadata().map_err(disk)?.len() {
            return Err(differs());
        }
        let mut pieces = there.into_stream();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|error| of_store(&self.name, &error))?;
            let compared = aside(move || {
                let mut here = vec![0; piece.len()];
                file.read_exact(&mut here).map(|()| (file, here == piece))
            });
            let (rest, is_same) = compared.await.map_err(disk)?;
            if !is_same {
                return Err(differs());
            }
            file = rest;
        }
        Ok(Published::Known)
    }

    fn put_fault(&self, error: &StoreError) -> PutFault {
        match error {
            StoreError::AlreadyExists { .. } => PutFault::Taken,
            error => PutFault::Failed(of_store(&self.name, error)),
        }
    }
}

pub(crate) enum PutFault {
    /// Something has the name.
    Taken,
    Failed(FeedFault),
}
