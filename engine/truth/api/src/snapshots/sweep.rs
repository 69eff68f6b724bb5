//! Drops the snapshots that no checkpoint names.
//!
//! A file's time of modification is when it was handed in, or last seen named by the newest checkpoint. Only a file that
//! is not named and whose time is long past is dropped: a checkpoint that is being proposed finds its snapshot, and an
//! engine can go on loading the one that was named until now.

use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use hufu_contract::Hex;
use hufu_registry::{ChainSource, Fault, Registry};
use hufu_wire::chain::Checkpoint;
use hufu_wire::{IssuerId, UnixMillis};

use super::SnapshotFolder;
use super::files::{WHOLE, lock, part_of, remove_dead, touch, whole_of};

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Swept {
    /// Snapshots that were dropped.
    pub(crate) dropped: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
}

/// Sweeps the folder of one issuer. Nothing is dropped when its newest checkpoint cannot be read.
pub(crate) async fn sweep_issuer(
    folder: &SnapshotFolder,
    registry: &Registry,
    issuer: IssuerId,
    now: UnixMillis,
) -> Result<Swept, Fault> {
    let damaged = |fault| Fault::Damaged(format!("the checkpoint of issuer {issuer}: {fault}"));
    let named = match registry.checkpoint(issuer).await? {
        Some(bytes) => Some(Hex(hufu_wire::read::<Checkpoint>(&bytes).map_err(damaged)?.snapshot)),
        None => None,
    };
    let (path, kept_for) = (folder.of(issuer), Duration::from_secs(folder.0.limits.unnamed_s));
    let at = SystemTime::UNIX_EPOCH + Duration::from_millis(now.0);
    let work = move || if path.is_dir() { sweep(&path, named, kept_for, at) } else { Ok(Swept::default()) };
    let swept = tokio::task::spawn_blocking(work).await.unwrap_or_else(|why| Err(io::Error::other(why)));
    let swept = swept.map_err(|why| Fault::Misconfigured(format!("the folder of snapshots: {why}")))?;
    if swept.dropped > 0 {
        tracing::info!(%issuer, swept.dropped, swept.bytes, "unused snapshots were removed: no checkpoint names them");
        registry.note_dropped(issuer, swept.dropped, now).await?;
    }
    Ok(swept)
}

/// Sweeps the folder of every issuer that the registry has, and counts what is kept.
pub(crate) async fn sweep_all(folder: &SnapshotFolder, registry: &Registry, now: UnixMillis) {
    let Ok(known) = ChainSource::issuers(registry).await else { return };
    for issuer in known {
        if let Err(fault) = sweep_issuer(folder, registry, issuer, now).await {
            tracing::warn!(%issuer, %fault, "cannot remove unused snapshots");
        }
    }
    let inner = std::sync::Arc::clone(&folder.0);
    let counted = tokio::task::spawn_blocking(move || inner.quota.count(&inner.folder)).await;
    if let Ok(Err(why)) = counted {
        tracing::warn!(%why, "cannot measure the folder of snapshots");
    }
}

fn sweep(folder: &Path, named: Option<Hex<32>>, kept_for: Duration, now: SystemTime) -> io::Result<Swept> {
    let named = named.map(|digest| format!("{digest}{WHOLE}"));
    let _locked = lock(folder)?;
    let mut swept = Swept::default();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if let Some(name) = part_of(&entry) {
            remove_dead(&folder.join(name))?;
            continue;
        }
        let Some(name) = whole_of(&entry) else { continue };
        let metadata = entry.metadata()?;
        let age = now.duration_since(metadata.modified()?);
        match age {
            // A time that lies ahead is of a clock that was ahead: it would keep the file until then.
            _ if Some(&name) == named.as_ref() => touch(&entry.path(), now)?,
            Err(_) => touch(&entry.path(), now)?,
            Ok(age) if age > kept_for => {
                std::fs::remove_file(entry.path())?;
                swept = Swept { dropped: swept.dropped + 1, bytes: swept.bytes + metadata.len() };
            }
            Ok(_) => {}
        }
    }
    Ok(swept)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use super::super::files::remove_parts;
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn file(folder: &Path, digit: u8, modified: SystemTime) -> String {
        let name = format!("{}{WHOLE}", Hex([digit; 32]));
        File::create(folder.join(&name)).unwrap().set_modified(modified).unwrap();
        name
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn only_what_no_checkpoint_names_is_dropped_and_only_after_a_while() {
        let folder = tempfile::tempdir().unwrap();
        let now = SystemTime::now();
        let named = file(folder.path(), 1, now - 90 * DAY);
        let fresh = file(folder.path(), 2, now - DAY);
        let ahead = file(folder.path(), 3, now + 200 * DAY);
        file(folder.path(), 4, now - 8 * DAY);
        let swept = sweep(folder.path(), Some(Hex([1; 32])), 7 * DAY, now).unwrap();
        assert_eq!(swept, Swept { dropped: 1, bytes: 0 });
        assert_eq!(names(folder.path()), [named.clone(), fresh, ahead]);

        // Another one is named: the old one stays for a while from now on, and the clock that was ahead keeps nothing.
        let next = file(folder.path(), 5, now);
        sweep(folder.path(), Some(Hex([5; 32])), 7 * DAY, now + 6 * DAY).unwrap();
        assert!(names(folder.path()).contains(&named));
        sweep(folder.path(), Some(Hex([5; 32])), 7 * DAY, now + 8 * DAY).unwrap();
        assert_eq!(names(folder.path()), [next]);
    }

    #[test]
    fn what_a_killed_registry_left_is_removed_and_what_is_being_written_stays() {
        let folder = tempfile::tempdir().unwrap();
        File::create(folder.path().join(".part-dead")).unwrap();
        let alive = File::create(folder.path().join(".part-alive")).unwrap();
        alive.lock().unwrap();
        remove_parts(folder.path()).unwrap();
        assert_eq!(names(folder.path()), [".part-alive"]);
        drop(alive);
        sweep(folder.path(), None, DAY, SystemTime::now()).unwrap();
        assert_eq!(names(folder.path()), [""; 0]);
    }
}
