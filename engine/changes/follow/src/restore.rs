//! What was served before a restart is served again, before anything else is.

use std::io::ErrorKind;
use std::ops::ControlFlow;

use hufu_codes::keyring::Keyring;
use hufu_sync::{CheckpointAnswer, Follower, SetAnswer, WARM_BYTES, WarmCopy};
use hufu_table::{Snapshot, SnapshotDigest};
use hufu_wire::UnixMillis;
use hufu_wire::chain::Checkpoint;

use crate::copies::KeptCopy;
use crate::folder::Folder;
use crate::last_head::LastHead;
use crate::status::Tally;
use crate::tail::{self, End};

/// The words of the warm copy, then the sets of the tail, then, where an engine was killed while it loaded a
/// checkpoint's snapshot, that and the sets after it. Nothing but the words of the warm copy is believed for being
/// here: every set and every checkpoint is proven again.
pub(crate) fn restore(
    follower: &mut Follower,
    folder: &Folder,
    keyring: &Keyring,
    time: UnixMillis,
    tally: &mut Tally,
) -> Option<KeptCopy> {
    let kept = warm(follower, folder, time, tally);
    replay(follower, folder, keyring, tally);
    if finish_loading(follower, folder, keyring, time) {
        replay(follower, folder, keyring, tally);
    }
    LastHead::restore(follower, folder, keyring, time);
    kept
}

fn warm(follower: &mut Follower, folder: &Folder, time: UnixMillis, tally: &mut Tally) -> Option<KeptCopy> {
    let (issuer, path) = (folder.issuer(), folder.state());
    let state = match folder.disk.read(&path, WARM_BYTES + 1) {
        Ok(state) => state,
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        Err(error) => {
            tally.disk_faults += 1;
            tracing::error!("issuer {issuer}: {} cannot be read: {error}", path.display());
            return None;
        }
    };
    match resume(follower, folder, &state, time) {
        Ok(kept) => {
            let sequence = follower.tip().sequence;
            tracing::info!("issuer {issuer} is at {sequence} again, from {}", path.display());
            Some(kept)
        }
        Err(fault) => {
            tally.warm_refused += 1;
            tracing::error!(
                "issuer {issuer}: the warm copy {} is refused: {fault}; following goes on from a checkpoint or from \
                 the beginning of the chain, and nothing needs to be done. If this happens again, check the disk, and \
                 who can write to it",
                path.display()
            );
            None
        }
    }
}

fn resume(
    follower: &mut Follower,
    folder: &Folder,
    state: &[u8],
    time: UnixMillis,
) -> Result<KeptCopy, String> {
    let (warm, digest) = WarmCopy::open(state, folder.issuer()).map_err(text)?;
    let snapshot = Snapshot::open_on(&*folder.disk, &folder.snapshot(digest)).map_err(text)?;
    follower.restore(state, &snapshot, time).map_err(text)?;
    Ok(KeptCopy { warm, info: *snapshot.info() })
}

fn replay(follower: &mut Follower, folder: &Folder, keyring: &Keyring, tally: &mut Tally) {
    let issuer = folder.issuer();
    let tails = match folder.tails() {
        Ok(tails) => tails,
        Err(error) => {
            tracing::error!("issuer {issuer}: the tail cannot be read: {error}");
            return;
        }
    };
    for (after, path) in tails {
        let (before, mut why) = (follower.tip().sequence, String::new());
        let end = tail::replay(&*folder.disk, &path, issuer, after, |set| {
            // It was admitted before, whatever this machine's clock says now; it is not of the future.
            match follower.change_set(set, keyring, UnixMillis(u64::MAX)) {
                Ok(SetAnswer::Applied { .. }) => tally.tail_sets += 1,
                Ok(SetAnswer::Duplicate | SetAnswer::Behind) => {}
                Ok(answer) => why = format!("{answer:?}"),
                Err(fault) => why = fault.to_string(),
            }
            if why.is_empty() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        tally.tails_replayed += 1;
        let (sequence, file) = (follower.tip().sequence, path.display());
        match end {
            Ok(End::Whole) if sequence > before => {
                tracing::info!("issuer {issuer} is at {sequence} again, from {file}");
            }
            Ok(End::Whole) => {}
            Ok(End::Torn) => {
                tracing::info!("issuer {issuer} is at {sequence} again; {file} ends in the middle of a set");
            }
            Ok(End::Damaged) => {
                tracing::error!(
                    "issuer {issuer}: {file} is damaged after sequence {sequence}: check the disk"
                );
            }
            Ok(End::Left) => {
                tracing::warn!("issuer {issuer}: {file} leads no further than {sequence}: {why}");
            }
            Err(error) => tracing::error!("issuer {issuer}: {file} cannot be read: {error}"),
        }
    }
}

/// Whether a snapshot was loaded that an engine was killed over.
fn finish_loading(follower: &mut Follower, folder: &Folder, keyring: &Keyring, time: UnixMillis) -> bool {
    let (issuer, path) = (folder.issuer(), folder.checkpoint());
    let Ok(bytes) = folder.disk.read(&path, Checkpoint::BYTES + 1) else { return false };
    let mut loaded = || -> Result<bool, String> {
        // Admitted before, as the sets of the tail.
        let answer = follower.checkpoint(&bytes, keyring, UnixMillis(u64::MAX)).map_err(text)?;
        let CheckpointAnswer::Load(checkpoint) = answer else { return Ok(false) };
        let digest = SnapshotDigest(checkpoint.snapshot);
        let snapshot = Snapshot::open_on(&*folder.disk, &folder.snapshot(digest)).map_err(text)?;
        follower.load(&checkpoint, &snapshot, time).map_err(text)?;
        Ok(true)
    };
    match loaded() {
        Ok(is_loaded) => is_loaded,
        Err(fault) => {
            tracing::warn!("issuer {issuer}: {} is of no use: {fault}", path.display());
            let _ = folder.disk.remove(&path);
            false
        }
    }
}

fn text(fault: impl std::fmt::Display) -> String {
    fault.to_string()
}
