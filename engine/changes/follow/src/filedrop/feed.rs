//! The folder as a feed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use hufu_sync::{Delivery, Feed, FeedFault};
use hufu_wire::chain::Checkpoint;
use hufu_wire::{Sequence, read};
use tokio::time::{Instant, sleep_until};

use super::FileDrop;
use super::files::{Listing, content};

/// How often the folder is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// A set that is missing among others for so long is not being copied: it is no longer here.
const MISSING: Duration = Duration::from_secs(2);

#[async_trait]
impl Feed for FileDrop {
    fn name(&self) -> &str {
        &self.name
    }

    /// People refresh it when they can.
    fn is_live(&self) -> bool {
        false
    }

    async fn subscribe(&mut self, after: Sequence) -> Result<(), FeedFault> {
        self.list()?;
        let next = Sequence(after.0.saturating_add(1));
        if next != self.next {
            (self.next, self.missing_since) = (next, None);
        }
        self.is_trim_told = false;
        self.files.forget();
        self.look_at = Instant::now();
        Ok(())
    }

    async fn next(&mut self) -> Result<Delivery, FeedFault> {
        loop {
            // Kept over a dropped future: whoever asks anew every second must not wait for ever.
            sleep_until(self.look_at).await;
            if let Some(delivery) = self.look()? {
                return Ok(delivery);
            }
            self.look_at = Instant::now() + LOOK;
        }
    }

    async fn checkpoint(&mut self) -> Result<Option<Bytes>, FeedFault> {
        let checkpoints = self.list()?.checkpoints;
        Ok(newest(&checkpoints).map(|(_, _, bytes)| bytes))
    }
}

impl FileDrop {
    /// The next set; when there is none, what else is new.
    fn look(&mut self) -> Result<Option<Delivery>, FeedFault> {
        if let Some(set) = self.take_next() {
            return Ok(Some(Delivery::ChangeSet(set)));
        }
        let listing = self.list()?;
        if let Some(again) = self.files.written_again(&listing.sets) {
            self.files.forget_set(again);
            self.next = self.next.min(again);
            if let Some(set) = self.take_next() {
                return Ok(Some(Delivery::ChangeSet(set)));
            }
        }
        Ok(self.look_beyond(&listing).or_else(|| self.look_aside(&listing)))
    }

    fn take_next(&mut self) -> Option<Bytes> {
        // After one that was written again come those that were delivered since.
        while self.files.is_delivered(self.next) {
            self.next = Sequence(self.next.0.saturating_add(1));
        }
        let set = self.files.new_set(self.next)?;
        self.next = Sequence(self.next.0.saturating_add(1));
        self.missing_since = None;
        // The last few are watched: one of them may have been half copied.
        self.files.forget_sets_before(Sequence(self.next.0.saturating_sub(WATCHED)));
        Some(set)
    }

    /// The first set beyond one that is missing, and in time the word that it is no longer here.
    fn look_beyond(&mut self, listing: &Listing) -> Option<Delivery> {
        let is_here = listing.sets.binary_search(&self.next).is_ok();
        let beyond = listing.sets.iter().copied().find(|sequence| *sequence > self.next);
        if is_here || (beyond.is_none() && self.checkpoint_ahead(listing).is_none()) {
            self.missing_since = None;
            return None;
        }
        let since = *self.missing_since.get_or_insert_with(Instant::now);
        if since.elapsed() >= MISSING && !self.is_trim_told {
            self.is_trim_told = true;
            return Some(Delivery::Trimmed { first: beyond });
        }
        self.files.new_set(beyond?).map(Delivery::ChangeSet)
    }

    /// Heads and checkpoints that are new.
    fn look_aside(&mut self, listing: &Listing) -> Option<Delivery> {
        let head = listing.heads.iter().find_map(|path| self.files.new_head(path));
        head.map(Delivery::Head).or_else(|| {
            let (_, path, _) = newest(&listing.checkpoints)?;
            self.files.new_checkpoint(path).map(Delivery::Checkpoint)
        })
    }

    fn checkpoint_ahead(&self, listing: &Listing) -> Option<Sequence> {
        let (sequence, ..) = newest(&listing.checkpoints)?;
        (sequence >= self.next).then_some(sequence)
    }

    fn list(&self) -> Result<Listing, FeedFault> {
        self.files.list(Sequence(self.next.0.saturating_sub(WATCHED))).map_err(|error| {
            FeedFault::Unreachable {
                feed: self.name.clone(),
                what: format!("the folder cannot be read: {error}"),
            }
        })
    }
}

/// Sets behind the next one that are watched for being written again.
const WATCHED: u64 = 64;

/// The checkpoint that claims the highest sequence, of those that are whole.
fn newest(checkpoints: &[PathBuf]) -> Option<(Sequence, &Path, Bytes)> {
    let whole = checkpoints.iter().filter_map(|path| {
        let is_file = std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
        let bytes = is_file.then(|| content(path, Checkpoint::BYTES).ok())??;
        let sequence = read::<Checkpoint>(&bytes).ok()?.sequence;
        Some((sequence, path.as_path(), bytes.into()))
    });
    whole.max_by_key(|(sequence, ..)| *sequence)
}
