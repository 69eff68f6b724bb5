//! Checkpoints: both authorities' word for a whole table.

use hufu_codes::chain::{chain_digest, content_digest, open_checkpoint};
use hufu_contract::{Hex, Scope, StoredSet};
use hufu_wire::chain::{ChangeSet, Checkpoint, Parts};
use hufu_wire::{IssuerId, UnixMillis, read};

use super::{Registry, check_not_ahead, check_not_late};
use crate::caller::Caller;
use crate::fault::Fault;
use crate::store::StoredCheckpoint;
use crate::trail::{Action, Entry};

impl Registry {
    /// Takes a checkpoint, its bytes after `docs/SYNC.md`; answers whether it is the newest now. It must be at a set
    /// of this chain: elsewhere it would lead engines away from it.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`], [`Fault::Unbelieved`], [`Fault::Conflict`] when it is of the future,
    /// more than a week old, or not at a set of this chain.
    pub async fn put_checkpoint(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        bytes: &[u8],
        now: UnixMillis,
    ) -> Result<bool, Fault> {
        caller.may(Scope::Checkpoint, issuer)?;
        let authorities = self.authorities(issuer).await?;
        let checkpoint: Checkpoint =
            *open_checkpoint(bytes, &authorities, &self.keyring.load(), self.backend)?;
        check_not_ahead("the checkpoint", checkpoint.made, now)?;
        check_not_late("the checkpoint", checkpoint.made, now)?;
        let Checkpoint { sequence, made, snapshot, .. } = checkpoint;
        let set = self.store.set(issuer, sequence).await?.ok_or_else(|| {
            Fault::Conflict(format!("the checkpoint is at set {sequence}, which is not in the chain here"))
        })?;
        if !is_at(&checkpoint, &set)? {
            return Err(Fault::Conflict(format!(
                "set {sequence} of the checkpoint is not set {sequence} of this chain: there are two histories"
            )));
        }
        let what = format!("set {sequence}, snapshot {}", Hex(snapshot));
        let entry = Entry::new(now, caller, Action::CheckpointPut, Some(issuer), what);
        let stored = StoredCheckpoint { issuer, sequence, made, bytes: bytes.to_vec().into() };
        self.store.put_checkpoint(&stored, &entry).await
    }

    /// Leaves a line of the trail for a snapshot that is kept now. Its digest was compared; what is in it is believed only
    /// under a checkpoint.
    ///
    /// # Errors
    /// [`Fault::Forbidden`].
    pub async fn note_snapshot(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        snapshot: &[u8; 32],
        now: UnixMillis,
    ) -> Result<(), Fault> {
        caller.may(Scope::Checkpoint, issuer)?;
        self.store
            .note(&Entry::new(now, caller, Action::SnapshotPut, Some(issuer), Hex(*snapshot).to_string()))
            .await
    }

    /// Leaves a line of the trail for snapshots that were dropped because no checkpoint names them.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] and [`Fault::Damaged`], those of the store.
    pub async fn note_dropped(&self, issuer: IssuerId, snapshots: u64, now: UnixMillis) -> Result<(), Fault> {
        let what = format!("{snapshots} that no checkpoint names");
        self.store.note(&Entry::of_itself(now, Action::SnapshotsDropped, Some(issuer), what)).await
    }
}

/// Whether `checkpoint` says what `set` says of itself.
fn is_at(checkpoint: &Checkpoint, set: &StoredSet) -> Result<bool, Fault> {
    let damaged = |fault: hufu_wire::Malformed| {
        Fault::Damaged(format!("set {} of issuer {}: {fault}", set.sequence, checkpoint.issuer))
    };
    let proposed = read::<ChangeSet<'_>>(&set.bytes).map_err(damaged)?.content.proposed;
    let parts = Parts::of(&set.bytes).map_err(damaged)?;
    let digest = chain_digest(parts.position, &content_digest(parts.content));
    Ok(digest == checkpoint.digest && proposed == checkpoint.proposed)
}
