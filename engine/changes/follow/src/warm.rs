//! Makes warm copies.

use std::fmt::Display;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use hufu_table::{Reader, write_snapshot_on};
use tokio::sync::oneshot;

use crate::copies::{CopyJob, CopyOutcome, KeptCopy};
use crate::folder::Folder;

/// A warm copy that is being made, in a thread of its own that only reads the table.
#[derive(Default)]
pub(crate) struct WarmCopying(Option<Running>);

struct Running {
    done: oneshot::Receiver<CopyOutcome>,
    spoiled: Arc<AtomicBool>,
}

impl WarmCopying {
    pub(crate) fn begin(&mut self, job: CopyJob, folder: &Folder, reader: &Reader) {
        let (report, done) = oneshot::channel();
        let spoiled = Arc::new(AtomicBool::new(false));
        let (folder, reader, seen) = (folder.clone(), reader.clone(), Arc::clone(&spoiled));
        let thread = thread::Builder::new().name(format!("warm-{}", folder.issuer())).spawn(move || {
            // The receiver is gone when the following was stopped.
            let _ = report.send(copy(&job, &folder, &reader, &seen));
        });
        // Without a thread the sender is gone, which `done` tells.
        drop(thread);
        self.0 = Some(Running { done, spoiled });
    }

    /// The words are about to become a snapshot's: a copy that is being written of those before is of no use.
    pub(crate) fn spoil(&self) {
        if let Some(running) = &self.0 {
            // Relaxed: it guards no memory. Set before the first word changes; a copy that is complete is pure.
            running.spoiled.store(true, Ordering::Relaxed);
        }
    }

    /// How the copy that is being made ends; never, when none is.
    pub(crate) async fn done(&mut self) -> CopyOutcome {
        let Some(running) = &mut self.0 else { return pending().await };
        let ended = (&mut running.done).await;
        self.0 = None;
        ended.unwrap_or_else(|_| {
            CopyOutcome::Failed("the thread that writes it stopped unexpectedly".to_owned())
        })
    }
}

/// Makes a warm copy. `spoiled` is set when a snapshot is loaded meanwhile.
pub(crate) fn copy(job: &CopyJob, folder: &Folder, reader: &Reader, spoiled: &AtomicBool) -> CopyOutcome {
    attempt(job, folder, reader, spoiled).unwrap_or_else(|what| {
        // What is half written only takes room.
        let _ = folder.disk.remove(&folder.copy());
        CopyOutcome::Failed(what)
    })
}

/// In this order: the words under a name of their own, then the state that names them; the old ones are removed
/// afterwards. Killed at any instant, the state names words that are there.
fn attempt(
    job: &CopyJob,
    folder: &Folder,
    reader: &Reader,
    spoiled: &AtomicBool,
) -> Result<CopyOutcome, String> {
    let disk = &folder.disk;
    let kept = match job {
        CopyJob::Write(warm) => {
            let copy = folder.copy();
            let info = write_snapshot_on(disk, reader, folder.issuer(), warm.as_of(), &copy).map_err(text)?;
            // Relaxed: as in WarmCopying::spoil.
            let is_spoiled = spoiled.load(Ordering::Relaxed);
            #[cfg(feature = "planted")]
            let is_spoiled = is_spoiled || hufu_wire::planted::rare(8);
            if is_spoiled {
                disk.remove(&copy).map_err(text)?;
                return Ok(CopyOutcome::Spoiled);
            }
            disk.rename(&copy, &folder.snapshot(info.digest)).map_err(text)?;
            KeptCopy { warm: *warm, info }
        }
        CopyJob::Seal(kept) => {
            let file = disk.open(&folder.snapshot(kept.info.digest));
            file.and_then(|file| file.sync()).map_err(text)?;
            *kept
        }
    };
    folder.sync().map_err(text)?;
    let state = kept.warm.seal(&kept.info).ok_or("the snapshot is of another sequence")?;
    folder.put(&folder.state(), &state).map_err(|error| format!("{}: {error}", folder.state().display()))?;
    Ok(CopyOutcome::Kept(kept))
}

fn text(fault: impl Display) -> String {
    fault.to_string()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use hufu_codes::chain::Authorities;
    use hufu_sync::{Follower, WarmCopy};
    use hufu_table::{Limits, Table};
    use hufu_wire::{HolderIndex, IssuerId, StatusWord};

    use super::*;
    use crate::recorded::{Recorded, Step, named};

    const ISSUER: IssuerId = IssuerId(110_000);

    /// A folder, a table with one word in it, and what its follower knows.
    fn scene() -> (tempfile::TempDir, Recorded, Folder, Reader, WarmCopy) {
        let (home, disk) = (tempfile::tempdir().unwrap(), Recorded::default());
        let folder = Folder::open(disk.shared(), home.path(), ISSUER).unwrap();
        let table = Table::new(Limits::for_holders(1, 1000)).unwrap();
        let mut writer = table.writer(ISSUER).unwrap();
        writer.make_room(HolderIndex(1)).unwrap();
        writer.set(HolderIndex(1), StatusWord::from_bits(1)).unwrap();
        let authorities = Authorities::new(ISSUER, IssuerId(100_000), IssuerId(900_001)).unwrap();
        let warm = Follower::new(writer, authorities).unwrap().warm();
        (home, disk, folder, table.reader(), warm)
    }

    #[test]
    fn r22_the_state_is_written_when_the_snapshot_that_it_names_is_on_the_disk() {
        let (_home, disk, folder, reader, warm) = scene();
        let never = AtomicBool::new(false);
        let CopyOutcome::Kept(kept) = copy(&CopyJob::Write(warm), &folder, &reader, &never) else {
            panic!("a good disk")
        };
        let put = |ending| [Step::Written, Step::Synced, named(ending), Step::Folder];
        let snapshot = [&put("partial")[..], &[named("snapshot"), Step::Folder]].concat();
        assert_eq!(disk.steps(), [&snapshot[..], &put("state")].concat());

        let made = copy(&CopyJob::Seal(kept), &folder, &reader, &never);
        assert!(matches!(made, CopyOutcome::Kept(_)));
        let sealed = [&[Step::Synced, Step::Folder][..], &put("state")].concat();
        assert_eq!(disk.steps(), sealed, "one that was loaded");
    }

    #[test]
    fn r22_a_spoiled_copy_is_never_sealed() {
        let (home, _, folder, reader, warm) = scene();
        let made = copy(&CopyJob::Write(warm), &folder, &reader, &AtomicBool::new(true));
        assert!(matches!(made, CopyOutcome::Spoiled));
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0, "neither a state nor a snapshot");
    }

    #[test]
    fn r22_a_copy_that_is_being_written_is_spoiled_by_a_snapshot_that_is_loaded() {
        WarmCopying::default().spoil();
        let (_report, done) = oneshot::channel();
        let spoiled = Arc::new(AtomicBool::new(false));
        let copying = WarmCopying(Some(Running { done, spoiled: Arc::clone(&spoiled) }));
        copying.spoil();
        assert!(spoiled.load(Ordering::Relaxed));
    }
}
