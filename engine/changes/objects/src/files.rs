//! Files that keep the name they have here: closed segments of records, and a chain that only grows.

use std::fs::File;
use std::path::Path as FilePath;

use bytes::Bytes;
use hufu_sync::FeedFault;
use object_store::path::Path;
use object_store::{
    Error as StoreError, GetOptions, GetRange, ObjectStoreExt, PutMode, PutPayload, UpdateVersion,
};

use crate::fault::{Misconfigured, of_disk, of_store};
use crate::fetch::aside;
use crate::objects::Objects;
use crate::place::Place;
use crate::publish::{PARTIAL, Published, PutFault};

impl Objects {
    /// What `place` names; an S3-compatible store as the `AWS_*` variables of the environment say.
    ///
    /// # Errors
    /// [`Misconfigured`]: there is no such folder, or this program was built without S3.
    pub fn at(place: &Place) -> Result<Objects, Misconfigured> {
        match place {
            Place::Folder(folder) => Objects::folder(folder),
            #[cfg(feature = "s3")]
            Place::S3 { bucket, prefix } => Objects::s3(bucket, prefix, &crate::S3Options::default()),
            #[cfg(not(feature = "s3"))]
            Place::S3 { bucket, .. } => Err(Misconfigured {
                place: format!("s3://{bucket}"),
                what: "this program was built without S3; build it with `--features s3`".to_owned(),
            }),
        }
    }

    /// Stores the file at `path` as `name`, unless the very same is there.
    ///
    /// # Errors
    /// [`FeedFault::Garbled`] when the store has another file under this name, which is left as it is;
    /// [`FeedFault::Disk`] when the file cannot be read; and what the store says.
    pub async fn keep_file(&self, path: &FilePath, name: &str) -> Result<Published, FeedFault> {
        let key = self.file(name);
        match self.store.head(&key).await {
            Ok(_) => return self.compare(path, &key).await,
            Err(StoreError::NotFound { .. }) => {}
            Err(error) => return Err(of_store(&self.name, &error)),
        }
        let owned = path.to_path_buf();
        let opened = aside(move || File::open(&owned)).await;
        let disk = |error| of_disk(&self.name, &format!("{}: {error}", path.display()));
        match self.put(opened.map_err(disk)?, path, &key).await {
            Ok(()) => Ok(Published::Stored),
            Err(PutFault::Taken) => self.compare(path, &key).await,
            Err(PutFault::Failed(fault)) => Err(fault),
        }
    }

    /// Stores `contents` as `name`, in place of an older state that it begins with.
    ///
    /// # Errors
    /// [`FeedFault::Garbled`] when `contents` does not begin with what is there, which is left as it is; and what the
    /// store says.
    pub async fn grow_file(&self, name: &str, contents: &[u8]) -> Result<Published, FeedFault> {
        let (key, contents) = (self.file(name), Bytes::copy_from_slice(contents));
        let of_store = |error| of_store(&self.name, &error);
        let mode = match self.store.get(&key).await {
            Err(StoreError::NotFound { .. }) => PutMode::Create,
            Err(error) => return Err(of_store(error)),
            Ok(there) => {
                let version =
                    UpdateVersion { e_tag: there.meta.e_tag.clone(), version: there.meta.version.clone() };
                let there = there.bytes().await.map_err(of_store)?;
                if there == contents {
                    return Ok(Published::Known);
                }
                if !contents.starts_with(&there) {
                    return Err(self.garbled(format!(
                        "{key} is not an older state of the file here; it was kept: this folder is an old copy, or the \
                         place is that of another engine"
                    )));
                }
                PutMode::Update(version)
            }
        };
        let put = |mode: PutMode| self.store.put_opts(&key, PutPayload::from(contents.clone()), mode.into());
        match put(mode).await {
            Ok(_) => Ok(Published::Stored),
            // A folder knows no versions.
            Err(StoreError::NotImplemented { .. }) => {
                put(PutMode::Overwrite).await.map(|_| Published::Stored).map_err(of_store)
            }
            Err(StoreError::AlreadyExists { .. } | StoreError::Precondition { .. }) => Err(self
                .garbled(format!("{key} was changed at the same time; does another process write there?"))),
            Err(error) => Err(of_store(error)),
        }
    }

    /// The names of all files in the store, rising.
    ///
    /// # Errors
    /// [`FeedFault`], as the store says.
    pub async fn file_names(&self) -> Result<Vec<String>, FeedFault> {
        let files = self.files().await?;
        let names = files.iter().filter_map(|file| file.location.filename().map(str::to_owned));
        let mut names: Vec<_> = names.collect();
        names.sort_unstable();
        Ok(names)
    }

    /// Up to `bytes` bytes from the front of a file; `None` when it is not there.
    ///
    /// # Errors
    /// [`FeedFault`], as the store says.
    pub async fn file_front(&self, name: &str, bytes: u64) -> Result<Option<Bytes>, FeedFault> {
        let options = GetOptions { range: Some(GetRange::Bounded(0..bytes)), ..GetOptions::default() };
        let of_store = |error| of_store(&self.name, &error);
        match self.store.get_opts(&self.file(name), options).await {
            Ok(found) => found.bytes().await.map(Some).map_err(of_store),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(of_store(error)),
        }
    }

    /// Deletes a file.
    ///
    /// # Errors
    /// [`FeedFault`], as the store says.
    pub async fn delete_file(&self, name: &str) -> Result<(), FeedFault> {
        match self.store.delete(&self.file(name)).await {
            Ok(()) | Err(StoreError::NotFound { .. }) => Ok(()),
            Err(error) => Err(of_store(&self.name, &error)),
        }
    }

    fn file(&self, name: &str) -> Path {
        self.prefix.clone().join(name)
    }

    fn garbled(&self, what: String) -> FeedFault {
        FeedFault::Garbled { feed: self.name.clone(), what }
    }
}

/// What `name` will be called once it is whole: it is that of an upload which was never completed, or is under way.
pub fn unfinished(name: &str) -> Option<&str> {
    let (name, random) = name.strip_suffix(PARTIAL)?.rsplit_once('.')?;
    (random.len() == 16).then_some(name)
}
