//! Makes warm copies beside the following.

use std::fs::{self, File};
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use hufu_sync::{Follower, WarmCopy};
use hufu_table::{Reader, SnapshotInfo, write_snapshot_as_of};
use hufu_wire::Sequence;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::durable;
use crate::folder::Folder;
use crate::tail::Tail;

/// Makes one warm copy at a time, in a thread of its own that only reads the table.
pub(crate) struct Keeper {
    folder: Folder,
    reader: Reader,
    every: Duration,
    again: Duration,
    due: Instant,
    /// What is in place.
    kept: Option<Kept>,
    /// A checkpoint's snapshot that was loaded: with a state beside it, it is a warm copy.
    adopted: Option<Kept>,
    writing: Option<Writing>,
}

/// A warm copy: what the follower knew, and the file with the words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept {
    pub(crate) warm: WarmCopy,
    pub(crate) info: SnapshotInfo,
}

/// How the making of one ended.
pub(crate) enum Outcome {
    /// It is in place.
    Kept(Kept),
    /// A snapshot was loaded meanwhile: its words would be of two histories.
    Spoiled,
    /// The disk did not take it. What was in place still is.
    Failed(String),
}

struct Writing {
    done: oneshot::Receiver<Outcome>,
    spoiled: Arc<AtomicBool>,
}

enum Job {
    Write(WarmCopy),
    Seal(Kept),
}

impl Keeper {
    pub(crate) fn new(
        folder: Folder,
        reader: Reader,
        kept: Option<Kept>,
        every: Duration,
        again: Duration,
    ) -> Keeper {
        let due = Instant::now() + every;
        Keeper { folder, reader, every, again, due, kept, adopted: None, writing: None }
    }

    /// When something is to be done, `None` while something is.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.writing.is_none().then_some(self.due)
    }

    /// Whether a copy is being made.
    pub(crate) fn is_busy(&self) -> bool {
        self.writing.is_some()
    }

    /// Something happened that must not be forgotten.
    pub(crate) fn hurry(&mut self, within: Duration) {
        self.due = self.due.min(Instant::now() + within);
    }

    /// The words are about to become a snapshot's: a copy that is being written of those before is of no use.
    pub(crate) fn spoil(&self) {
        if let Some(writing) = &self.writing {
            // Relaxed: it guards no memory. Set before the first word changes; a copy that is complete is pure.
            writing.spoiled.store(true, Ordering::Relaxed);
        }
    }

    /// The words are those of this file of the folder, and no copy need be written.
    pub(crate) fn adopt(&mut self, kept: Kept) {
        self.adopted = Some(kept);
        self.due = Instant::now();
    }

    /// Begins a warm copy if there is anything new to keep; whether it did.
    pub(crate) fn begin(&mut self, follower: &Follower, tail: &mut Tail) -> bool {
        if self.writing.is_some() {
            return false;
        }
        self.due = Instant::now() + self.every;
        let warm = follower.warm();
        let job = match (self.adopted.take(), &self.kept) {
            (Some(adopted), _) => Job::Seal(adopted),
            (None, Some(kept)) if kept.warm == warm && !tail.is_broken() => return false,
            // Only a head was heard since: the words are the same.
            (None, Some(kept)) if kept.warm.is_at(&warm) && !tail.is_broken() => {
                Job::Seal(Kept { warm, info: kept.info })
            }
            (None, None) if follower.tip().sequence == Sequence(0) && !follower.is_forked() => return false,
            (None, _) => {
                tail.begin(follower.tip().sequence);
                Job::Write(warm)
            }
        };
        self.writing = Some(self.start(job));
        true
    }

    /// How the copy that is being made ends; never, when none is.
    pub(crate) async fn done(&mut self) -> Outcome {
        let Some(writing) = &mut self.writing else { return pending().await };
        let ended = (&mut writing.done).await;
        ended.unwrap_or_else(|_| Outcome::Failed("the thread that writes it has ended".to_owned()))
    }

    /// Takes note of how it ended.
    pub(crate) fn ended(&mut self, outcome: &Outcome) {
        self.writing = None;
        match outcome {
            Outcome::Kept(kept) => self.kept = Some(*kept),
            Outcome::Spoiled => {}
            Outcome::Failed(_) => self.due = Instant::now() + self.again,
        }
    }

    fn start(&self, job: Job) -> Writing {
        let (told, done) = oneshot::channel();
        let spoiled = Arc::new(AtomicBool::new(false));
        let (folder, reader, seen) = (self.folder.clone(), self.reader.clone(), Arc::clone(&spoiled));
        let thread = thread::Builder::new().name(format!("warm-{}", folder.issuer())).spawn(move || {
            let outcome = make(&job, &folder, &reader, &seen).unwrap_or_else(|what| {
                // What is half written only takes room.
                let _ = fs::remove_file(folder.copy());
                Outcome::Failed(what)
            });
            // Nobody waits for it any more when the following was stopped.
            let _ = told.send(outcome);
        });
        // Without a thread the sender is gone, which `done` tells.
        drop(thread);
        Writing { done, spoiled }
    }
}

/// In this order: the words under a name of their own, then the state that names them; whoever waits for it removes the
/// old ones. Killed at any instant, the state names words that are there.
fn make(job: &Job, folder: &Folder, reader: &Reader, spoiled: &AtomicBool) -> Result<Outcome, String> {
    let kept = match job {
        Job::Write(warm) => {
            let copy = folder.copy();
            let info = write_snapshot_as_of(reader, folder.issuer(), warm.as_of(), &copy).map_err(told)?;
            // Relaxed: as in Keeper::spoil.
            if spoiled.load(Ordering::Relaxed) {
                fs::remove_file(&copy).map_err(told)?;
                return Ok(Outcome::Spoiled);
            }
            durable::rename(&copy, &folder.snapshot(info.digest)).map_err(told)?;
            Kept { warm: *warm, info }
        }
        Job::Seal(kept) => {
            File::open(folder.snapshot(kept.info.digest))
                .and_then(|file| durable::sync(&file))
                .map_err(told)?;
            *kept
        }
    };
    folder.sync().map_err(told)?;
    let state = kept.warm.seal(&kept.info).ok_or("the snapshot is of another sequence")?;
    folder.put(&folder.state(), &state).map_err(|error| format!("{}: {error}", folder.state().display()))?;
    Ok(Outcome::Kept(kept))
}

fn told(fault: impl std::fmt::Display) -> String {
    fault.to_string()
}

#[cfg(test)]
mod tests {
    use hufu_codes::chain::Authorities;
    use hufu_table::{Limits, Table};
    use hufu_wire::{HolderIndex, IssuerId, StatusWord};

    use super::*;
    use crate::durable::tests::{Step, name, steps};

    const ISSUER: IssuerId = IssuerId(110_000);

    /// A folder, a table with one word in it, and what its follower knows.
    fn scene() -> (tempfile::TempDir, Folder, Reader, WarmCopy) {
        let home = tempfile::tempdir().unwrap();
        let folder = Folder::open(home.path(), ISSUER).unwrap();
        let table = Table::new(Limits::for_holders(1, 1000)).unwrap();
        let mut writer = table.writer(ISSUER).unwrap();
        writer.make_room(HolderIndex(1)).unwrap();
        writer.set(HolderIndex(1), StatusWord::from_bits(1)).unwrap();
        let authorities = Authorities::new(ISSUER, IssuerId(100_000), IssuerId(900_001)).unwrap();
        let warm = Follower::new(writer, authorities).unwrap().warm();
        (home, folder, table.reader(), warm)
    }

    fn files(home: &tempfile::TempDir) -> Vec<String> {
        let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        fs::read_dir(home.path()).unwrap().map(name).collect()
    }

    #[test]
    fn r22_the_state_is_written_when_the_snapshot_that_it_names_is_on_the_disk() {
        let (_home, folder, reader, warm) = scene();
        let never = AtomicBool::new(false);
        let (made, seen) = steps(|| make(&Job::Write(warm), &folder, &reader, &never));
        let Ok(Outcome::Kept(kept)) = made else { panic!("a good disk") };
        let state = [Step::File, name("state"), Step::Folder];
        // The snapshot's own bytes are synced where it is written, in the table.
        assert_eq!(seen, [&[name("snapshot"), Step::Folder][..], &state].concat());

        let (made, seen) = steps(|| make(&Job::Seal(kept), &folder, &reader, &never));
        assert!(matches!(made, Ok(Outcome::Kept(_))));
        assert_eq!(seen, [&[Step::File, Step::Folder][..], &state].concat(), "one that was loaded");
    }

    #[test]
    fn r22_a_spoiled_copy_is_never_sealed() {
        let (home, folder, reader, warm) = scene();
        let made = make(&Job::Write(warm), &folder, &reader, &AtomicBool::new(true));
        assert!(matches!(made, Ok(Outcome::Spoiled)));
        assert_eq!(files(&home), [""; 0], "neither a state nor a snapshot");
    }

    #[test]
    fn r22_a_copy_that_is_being_written_is_spoiled_by_a_snapshot_that_is_loaded() {
        let (_home, folder, reader, _) = scene();
        let mut keeper = Keeper::new(folder, reader, None, Duration::from_secs(3600), Duration::ZERO);
        keeper.spoil();
        let (_told, done) = oneshot::channel();
        let spoiled = Arc::new(AtomicBool::new(false));
        keeper.writing = Some(Writing { done, spoiled: Arc::clone(&spoiled) });
        keeper.spoil();
        assert!(spoiled.load(Ordering::Relaxed));
    }
}
