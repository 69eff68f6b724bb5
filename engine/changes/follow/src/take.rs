//! What becomes of one message.

use std::sync::Arc;
use std::time::Duration;

use hufu_codes::chain::Confirmed;
use hufu_codes::keyring::Keyring;
use hufu_sync::{CheckpointAnswer, Delivery, HeadAnswer, SetAnswer, SyncFault};
use hufu_table::{Snapshot, SnapshotInfo};
use hufu_wire::Sequence;
use hufu_wire::chain::Checkpoint;
use tokio::time::Instant;

use crate::clock;
use crate::drive::Drive;
use crate::keeper::Kept;
use crate::leap::Fetched;
use crate::patience::Patience;

/// What a message was good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Worth {
    /// It led on. There is no end of these only if both authorities or the publisher make them.
    LedOn,
    /// It was genuine, but may have been repeated.
    Genuine,
    /// It was neither.
    Nothing,
}

impl Drive {
    /// Gives the follower what came, and its feed the credit or the blame.
    pub(crate) fn take(&mut self, delivery: &Delivery) {
        let keyring = Arc::clone(&self.keys.borrow());
        let was_forked = self.hand.is_forked();
        let (bytes, worth) = match delivery {
            Delivery::ChangeSet(bytes) => (bytes.len(), self.take_set(bytes, &keyring)),
            Delivery::Head(bytes) => (bytes.len(), self.take_head(bytes, &keyring)),
            Delivery::Checkpoint(bytes) => (bytes.len(), self.take_checkpoint(bytes, &keyring)),
            Delivery::Trimmed { first } => (0, self.take_trimmed(*first)),
        };
        let now = Instant::now();
        if self.hand.is_forked() != was_forked {
            // A fork outlives a restart only in the warm copy.
            self.keeper.hurry(Duration::ZERO);
        }
        match worth {
            Worth::LedOn => {
                self.subscription.led_on(now);
                self.patience.restore();
                return;
            }
            Worth::Genuine => self.subscription.spoke(now),
            Worth::Nothing => {}
        }
        if self.patience.is_spent(bytes, now) {
            self.tally.trips_flooded += 1;
            self.subscription.left(now, Patience::rest());
            self.voice.flooding(&self.hand, now);
        }
    }

    fn take_set(&mut self, bytes: &[u8], keyring: &Keyring) -> Worth {
        let (tail, time) = (&mut self.tail, clock::now());
        let mut kept = Ok(());
        let answer = self.hand.change(|follower| {
            follower.change_set_kept(bytes, keyring, time, &mut |_| kept = tail.append(bytes))
        });
        if let Err(error) = kept {
            self.disk_failed(&format!("its tail cannot be written: {error}"));
        }
        match answer {
            Ok(SetAnswer::Applied { .. }) => {
                self.leap.moved(&self.hand);
                self.voice.applied();
                Worth::LedOn
            }
            Ok(SetAnswer::Gap { .. }) => {
                self.subscription.lost_sets(Instant::now());
                Worth::Genuine
            }
            // Not even looked at: whoever repeats it may have no other.
            Ok(SetAnswer::Duplicate | SetAnswer::Behind) => Worth::Nothing,
            Ok(SetAnswer::Fork { .. }) => Worth::Genuine,
            Err(fault) => self.refused(&fault),
        }
    }

    fn take_head(&mut self, bytes: &[u8], keyring: &Keyring) -> Worth {
        let time = clock::now();
        match self.hand.change(|follower| follower.head(bytes, keyring, time)) {
            Ok(HeadAnswer::Current { .. }) => {
                self.heard.keep(bytes);
                self.voice.current(&self.hand);
                Worth::LedOn
            }
            Ok(HeadAnswer::Rollback { held, offered }) => {
                self.voice.rolled_back(held, offered, Instant::now());
                Worth::Genuine
            }
            Ok(HeadAnswer::Gap { .. } | HeadAnswer::Fork { .. }) => {
                self.voice.speaks();
                Worth::Genuine
            }
            // As old as any: repeating it is not speaking.
            Ok(HeadAnswer::Late) => Worth::Nothing,
            Err(fault) => self.refused(&fault),
        }
    }

    fn take_checkpoint(&mut self, bytes: &[u8], keyring: &Keyring) -> Worth {
        let time = clock::now();
        match self.hand.change(|follower| follower.checkpoint(bytes, keyring, time)) {
            Ok(CheckpointAnswer::Load(checkpoint)) => self.leap.offer(&checkpoint),
            Ok(CheckpointAnswer::Agrees | CheckpointAnswer::Behind | CheckpointAnswer::Fork { .. }) => {}
            Err(fault) => return self.refused(&fault),
        }
        // It has no time to be silent by, and can be repeated for ever.
        Worth::Nothing
    }

    fn take_trimmed(&mut self, first: Option<Sequence>) -> Worth {
        if self.leap.trim(first, &self.hand) {
            self.voice.trimmed(&self.hand, first, Instant::now());
        }
        Worth::Nothing
    }

    fn refused(&mut self, fault: &SyncFault) -> Worth {
        self.voice.refused(&self.hand, fault, Instant::now());
        Worth::Nothing
    }

    /// A snapshot has come or has not: loads it, or sees to it that it is fetched again later.
    pub(crate) fn fetched(&mut self, Fetched { of, came }: Fetched) {
        let begun = Instant::now();
        let loaded = came.and_then(|()| {
            self.tally.snapshots_fetched += 1;
            self.load(&of)
        });
        let now = Instant::now();
        match loaded {
            Ok(Some(info)) => {
                self.leap.loaded(now);
                self.leap.moved(&self.hand);
                // Whatever was subscribed was for the sets after another tip.
                self.subscription.anew(now);
                self.voice.loaded(of.sequence, info.holders, now - begun);
            }
            Ok(None) => self.leap.loaded(now),
            Err(what) => {
                self.tally.snapshots_failed += 1;
                self.leap.failed(now);
                self.voice.not_loaded(of.sequence, &what, self.leap.fetch_faults());
            }
        }
        if let Err(error) = self.folder.empty_incoming() {
            self.disk_failed(&format!("what was fetched cannot be removed: {error}"));
        }
    }

    /// Loads what was fetched; `None` when sets have led further meanwhile.
    fn load(&mut self, of: &Confirmed<Checkpoint>) -> Result<Option<SnapshotInfo>, String> {
        let snapshot = Snapshot::open(self.folder.incoming()).map_err(|fault| fault.to_string())?;
        let (folder, keeper, time) = (&self.folder, &self.keeper, clock::now());
        let mut kept = Ok(());
        let loaded = self.hand.change(|follower| {
            follower.load_kept(of, &snapshot, time, &mut || {
                keeper.spoil();
                kept = folder.take_in(of);
            })
        });
        if let Err(error) = kept {
            self.disk_failed(&format!("its snapshot cannot be kept: {error}"));
        }
        match loaded {
            Ok(info) => {
                self.tail.begin(of.sequence);
                self.keeper.adopt(Kept { warm: self.hand.warm(), info });
                Ok(Some(info))
            }
            Err(SyncFault::Overtaken { .. }) => Ok(None),
            Err(fault) => Err(fault.to_string()),
        }
    }
}
