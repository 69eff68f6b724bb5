//! The way back from a gap or a fork: a table that both authorities vouch for.

use hufu_codes::chain::{Confirmed, open_checkpoint};
use hufu_codes::keyring::Keyring;
use hufu_table::{Snapshot, SnapshotDigest, SnapshotInfo};
use hufu_wire::chain::Checkpoint;
use hufu_wire::limits::CHAIN_SKEW_MS_MAX;
use hufu_wire::{Message, Sequence, UnixMillis};

use crate::answer::CheckpointAnswer;
use crate::fault::SyncFault;
use crate::follower::Follower;

impl Follower {
    /// Takes the bytes of a checkpoint. One of the very place where the words are settles a fork; one that is
    /// ahead names the snapshot to [`load`](Self::load).
    ///
    /// # Errors
    /// [`SyncFault::Chain`], [`SyncFault::FromTheFuture`].
    pub fn checkpoint(
        &mut self,
        bytes: &[u8],
        keyring: &Keyring,
        now: UnixMillis,
    ) -> Result<CheckpointAnswer, SyncFault> {
        let answer = self.take_checkpoint(bytes, keyring, now);
        let counters = &mut self.counters;
        *match &answer {
            Ok(CheckpointAnswer::Agrees) => &mut counters.checkpoints_agreed,
            Ok(CheckpointAnswer::Load(_)) => &mut counters.checkpoints_ahead,
            Ok(CheckpointAnswer::Behind) => &mut counters.checkpoints_behind,
            Ok(CheckpointAnswer::Fork { .. }) => &mut counters.checkpoints_forked,
            Err(_) => &mut counters.checkpoints_refused,
        } += 1;
        answer
    }

    fn take_checkpoint(
        &mut self,
        bytes: &[u8],
        keyring: &Keyring,
        now: UnixMillis,
    ) -> Result<CheckpointAnswer, SyncFault> {
        let checkpoint = open_checkpoint(bytes, &self.authorities, keyring, self.backend)?;
        self.admit_time(Checkpoint::NAME, checkpoint.sequence, checkpoint.made, now)?;
        self.era_known = self.era_known.max(checkpoint.proposed.era());
        if self.leads_on(&checkpoint) {
            return Ok(CheckpointAnswer::Load(checkpoint));
        }
        let here = self.tip.sequence;
        if checkpoint.sequence < here {
            return Ok(CheckpointAnswer::Behind);
        }
        if checkpoint.digest == self.tip.digest {
            self.settled = here;
            self.is_forked = false;
            self.is_contradicted = false;
            return Ok(CheckpointAnswer::Agrees);
        }
        if self.settled == here {
            return Ok(CheckpointAnswer::Behind);
        }
        self.is_forked = true;
        Ok(CheckpointAnswer::Fork { at: here })
    }

    /// Loads the snapshot that a checkpoint names. Until all of it is checked the words are as they were.
    ///
    /// Takes seconds for a large table; readers go on meanwhile. Sets after it are applied as always.
    ///
    /// # Errors
    /// [`SyncFault::AnotherSnapshot`], [`SyncFault::Snapshot`], [`SyncFault::Overtaken`].
    pub fn load(
        &mut self,
        checkpoint: &Confirmed<Checkpoint>,
        snapshot: &Snapshot,
        now: UnixMillis,
    ) -> Result<SnapshotInfo, SyncFault> {
        self.load_kept(checkpoint, snapshot, now, &mut || {})
    }

    /// As [`load`](Self::load), and `keep` is called once for a snapshot that will be loaded: when everything about
    /// it is proven and there is room, before its first word can be seen. A caller that puts the file in its place there
    /// loses nothing that was ever served, and keeps nothing that was refused.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_kept(
        &mut self,
        checkpoint: &Confirmed<Checkpoint>,
        snapshot: &Snapshot,
        now: UnixMillis,
        keep: &mut dyn FnMut(),
    ) -> Result<SnapshotInfo, SyncFault> {
        let loaded = self.take_snapshot(checkpoint, snapshot, now, keep);
        match &loaded {
            Ok(_) => self.counters.snapshots_loaded += 1,
            Err(_) => self.counters.snapshots_refused += 1,
        }
        loaded
    }

    fn take_snapshot(
        &mut self,
        checkpoint: &Confirmed<Checkpoint>,
        snapshot: &Snapshot,
        now: UnixMillis,
        keep: &mut dyn FnMut(),
    ) -> Result<SnapshotInfo, SyncFault> {
        let (issuer, sequence) = (self.issuer(), checkpoint.sequence);
        if !self.leads_on(checkpoint) {
            return Err(SyncFault::Overtaken { issuer, sequence, held: self.tip.sequence });
        }
        let (wanted, info) = (SnapshotDigest(checkpoint.snapshot), *snapshot.info());
        if info.digest != wanted || info.sequence != sequence {
            return Err(SyncFault::AnotherSnapshot { issuer, sequence, wanted, found: info.digest });
        }
        let loaded = snapshot.load_kept(&mut self.words, keep);
        loaded.map_err(|fault| SyncFault::Snapshot { issuer, sequence, fault })?;
        self.tip = *checkpoint.tip();
        self.settled = sequence;
        self.is_forked = false;
        self.is_contradicted = false;
        self.confirmed_to = Sequence(0);
        self.hear_loaded(info.heard, now);
        self.hear_announced(now);
        Ok(info)
    }

    /// Only what is ahead: other words in the same place are what the table refuses as a fork too.
    fn leads_on(&self, checkpoint: &Confirmed<Checkpoint>) -> bool {
        checkpoint.issuer == self.issuer() && checkpoint.sequence > self.tip.sequence
    }

    /// A snapshot brings the time of its own head, and the table has taken it as it is. What was heard before
    /// holds for the later words too. A time after now counts for nothing: cut to now, a clock that was set back
    /// would make all that an engine ever kept look fresh.
    pub(crate) fn hear_loaded(&mut self, loaded: Option<UnixMillis>, now: UnixMillis) {
        let credible = loaded.filter(|time| time.since(now) <= CHAIN_SKEW_MS_MAX);
        let credible = credible.map_or(UnixMillis(0), |time| time.min(now));
        #[cfg(feature = "planted")]
        let credible =
            if hufu_wire::planted::has(hufu_wire::planted::Bug::WarmLooksFresh) { now } else { credible };
        if credible > self.heard {
            (self.heard, self.heard_at) = (credible, self.tip.sequence);
        }
        self.words.heard(self.heard);
    }
}
