//! The folder as a feed.

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use hufu_sync::{Delivery, Feed, FeedFault};
use hufu_wire::chain::Checkpoint;
use hufu_wire::{Sequence, read};
use tokio::time::{Instant, sleep_until};

use super::files::Listing;
use super::folder::FileDrop;

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
        self.is_trim_reported = false;
        self.files.forget();
        self.look_at = Instant::now();
        Ok(())
    }

    async fn next(&mut self) -> Result<Delivery, FeedFault> {
        loop {
            // Kept over a dropped future: a caller that asks again every second must not wait for ever.
            sleep_until(self.look_at).await;
            if let Some(delivery) = self.look(Instant::now())? {
                return Ok(delivery);
            }
            self.look_at = Instant::now() + LOOK;
        }
    }

    async fn checkpoint(&mut self) -> Result<Option<Bytes>, FeedFault> {
        let listing = self.list()?;
        Ok(self.newest(&listing).map(|(_, _, bytes)| bytes))
    }
}

impl FileDrop {
    /// The next set; when there is none, what else is new.
    fn look(&mut self, now: Instant) -> Result<Option<Delivery>, FeedFault> {
        if let Some(set) = self.take_next(now) {
            return Ok(Some(Delivery::ChangeSet(set)));
        }
        let listing = self.list()?;
        self.files.forget_missing(&listing);
        if let Some(again) = self.files.written_again(&listing.sets) {
            self.files.forget_set(again);
            self.next = self.next.min(again);
            if let Some(set) = self.take_next(now) {
                return Ok(Some(Delivery::ChangeSet(set)));
            }
        }
        Ok(self.look_beyond(&listing, now).or_else(|| self.look_aside(&listing, now)))
    }

    fn take_next(&mut self, now: Instant) -> Option<Bytes> {
        // After one that was written again come those that were delivered since.
        while self.files.is_delivered(self.next) {
            self.next = Sequence(self.next.0.saturating_add(1));
        }
        let set = self.files.new_set(self.next, now)?;
        self.next = Sequence(self.next.0.saturating_add(1));
        self.missing_since = None;
        // The last few are watched: one of them may have been half copied.
        self.files.forget_sets_before(Sequence(self.next.0.saturating_sub(WATCHED)));
        Some(set)
    }

    /// The first set beyond one that is missing, and in time the report that it is no longer here.
    fn look_beyond(&mut self, listing: &Listing, now: Instant) -> Option<Delivery> {
        let is_here = listing.sets.binary_search(&self.next).is_ok();
        let beyond = listing.sets.iter().copied().find(|sequence| *sequence > self.next);
        if is_here || (beyond.is_none() && self.checkpoint_ahead(listing).is_none()) {
            self.missing_since = None;
            return None;
        }
        let since = *self.missing_since.get_or_insert(now);
        if now - since >= MISSING && !self.is_trim_reported {
            self.is_trim_reported = true;
            return Some(Delivery::Trimmed { first: beyond });
        }
        self.files.new_set(beyond?, now).map(Delivery::ChangeSet)
    }

    /// Heads and checkpoints that are new.
    fn look_aside(&mut self, listing: &Listing, now: Instant) -> Option<Delivery> {
        let head = listing.heads.iter().find_map(|path| self.files.new_head(path, now));
        head.map(Delivery::Head).or_else(|| {
            let (_, path, _) = self.newest(listing)?;
            self.files.new_checkpoint(&path, now).map(Delivery::Checkpoint)
        })
    }

    fn checkpoint_ahead(&self, listing: &Listing) -> Option<Sequence> {
        let (sequence, ..) = self.newest(listing)?;
        (sequence >= self.next).then_some(sequence)
    }

    /// The checkpoint that claims the highest sequence, of those that are whole.
    fn newest(&self, listing: &Listing) -> Option<(Sequence, PathBuf, Bytes)> {
        let whole = listing.checkpoints.iter().filter_map(|path| {
            let bytes = self.files.disk.read(path, Checkpoint::BYTES + 1).ok()?;
            Some((read::<Checkpoint>(&bytes).ok()?.sequence, path.clone(), bytes.into()))
        });
        whole.max_by_key(|(sequence, ..)| *sequence)
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

#[cfg(test)]
mod tests {
    use std::fs;

    use hufu_codes::chain::Tip;
    use hufu_wire::chain::Change;
    use hufu_wire::{Colour, StatusWord};

    use super::*;
    use crate::chain::{Words, next};
    use crate::filedrop::files::set_name;

    /// What is whole at its first look, and what stays as it is for ten seconds.
    #[test]
    fn half_copied_files_are_looked_at_again() {
        let (folder, start) = (tempfile::tempdir().unwrap(), Instant::now());
        let (path, mut drop) = (folder.path().join(set_name(Sequence(1))), FileDrop::new(folder.path()));
        let set =
            next(&Tip::START, &Words::new(), &[(1, Change::Status(StatusWord::new(Colour::Red, 0)))]).bytes;
        let mut look = |ms| drop.look(start + Duration::from_millis(ms)).unwrap();
        for (ms, length) in [(0, 0), (1_000, 200), (2_000, set.len() - 1)] {
            fs::write(&path, &set[..length]).unwrap();
            assert_eq!(look(ms), None, "{length} bytes");
        }
        fs::write(&path, &set).unwrap();
        assert_eq!(look(3_000), Some(Delivery::ChangeSet(set.clone().into())));
        assert_eq!(look(4_000), None, "it was delivered");

        let cut = set[..200].to_vec();
        fs::write(&path, &cut).unwrap();
        assert_eq!(look(5_000), None, "written again, it may be in the middle of being copied");
        assert_eq!(look(14_999), None);
        assert_eq!(look(15_000), Some(Delivery::ChangeSet(cut.into())), "nobody copies it any more");
    }

    #[test]
    fn heads_that_are_gone_are_not_remembered() {
        let (folder, start) = (tempfile::tempdir().unwrap(), Instant::now());
        let mut drop = FileDrop::new(folder.path());
        for second in 0..20 {
            let head = folder.path().join(format!("{second}.head"));
            fs::write(&head, b"half a head").unwrap();
            assert_eq!(drop.look(start + Duration::from_secs(second)).unwrap(), None);
            fs::remove_file(head).unwrap();
        }
        assert_eq!(drop.files.remembered(), 1);
    }
}
