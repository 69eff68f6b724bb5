//! What is in the store, and making room.

use std::time::SystemTime;

use hufu_sync::FeedFault;
use hufu_table::SnapshotDigest;
use object_store::{ObjectMeta, ObjectStoreExt};

use crate::fault::of_store;
use crate::objects::{Objects, SUFFIX};
use crate::publish::PARTIAL;

/// A snapshot in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its digest, as its name says.
    pub snapshot: SnapshotDigest,
    /// Its size.
    pub bytes: u64,
    /// When it was put there, by the store's clock.
    pub stored: SystemTime,
}

impl Objects {
    /// Every snapshot in the store, the newest first. Files by other names are not looked at.
    ///
    /// # Errors
    /// [`FeedFault`], as the store says.
    pub async fn list(&self) -> Result<Vec<Stored>, FeedFault> {
        let mut all: Vec<Stored> = self.files().await?.iter().filter_map(stored).collect();
        all.sort_by_key(|one| (std::cmp::Reverse(one.stored), one.snapshot.0));
        Ok(all)
    }

    /// Deletes every snapshot that is not one of `keep` and was stored before `before`, and what is left of uploads
    /// that were never completed. Answers with the snapshots that are gone.
    ///
    /// Keep what each issuer's newest checkpoint names, and let `before` leave time for one that is being made.
    ///
    /// # Errors
    /// [`FeedFault`], as the store says; some may be gone then.
    pub async fn prune(&self, keep: &[SnapshotDigest], before: SystemTime) -> Result<Vec<Stored>, FeedFault> {
        let mut gone = Vec::new();
        for file in self.files().await? {
            let snapshot = stored(&file);
            let is_kept = match &snapshot {
                Some(snapshot) => keep.contains(&snapshot.snapshot),
                None => !is_partial(&file),
            };
            if is_kept || SystemTime::from(file.last_modified) >= before {
                continue;
            }
            self.store.delete(&file.location).await.map_err(|error| of_store(&self.name, &error))?;
            gone.extend(snapshot);
        }
        Ok(gone)
    }

    pub(crate) async fn files(&self) -> Result<Vec<ObjectMeta>, FeedFault> {
        let listed = self.store.list_with_delimiter(Some(&self.prefix)).await;
        Ok(listed.map_err(|error| of_store(&self.name, &error))?.objects)
    }
}

fn stored(file: &ObjectMeta) -> Option<Stored> {
    let digest = digest(file.location.filename()?.strip_suffix(SUFFIX)?)?;
    Some(Stored { snapshot: digest, bytes: file.size, stored: file.last_modified.into() })
}

/// An upload under way, or abandoned.
fn is_partial(file: &ObjectMeta) -> bool {
    let name = file.location.filename().and_then(|name| name.strip_suffix(PARTIAL));
    let snapshot = name.and_then(|name| name.split_once(SUFFIX));
    snapshot.is_some_and(|(name, _)| digest(name).is_some())
}

/// Reads 64 lowercase hexadecimal digits.
fn digest(name: &str) -> Option<SnapshotDigest> {
    let mut digest = SnapshotDigest([0; 32]);
    for (at, byte) in digest.0.iter_mut().enumerate() {
        *byte = u8::from_str_radix(name.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    (digest.to_string() == name).then_some(digest)
}
