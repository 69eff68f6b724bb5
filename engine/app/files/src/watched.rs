//! Notices that files have been replaced or written to, and applies them until that succeeds.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Files that are applied together, and how they looked when that last succeeded.
pub struct Watched {
    files: Vec<(PathBuf, Option<Stamp>)>,
    failed: Option<Failed>,
}

/// How the files look now that they have changed.
pub struct Change(Vec<Option<Stamp>>);

/// What changes whenever a file is replaced (inode), or written to (time, size).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    modified_s: i64,
    modified_ns: i64,
    bytes: u64,
}

/// A change that could not be applied.
struct Failed {
    stamps: Vec<Option<Stamp>>,
    error: String,
    again: Instant,
    wait: Duration,
}

/// A change that failed is tried again after this long, then after twice as long, and so on: what was wrong
/// may lie outside of the files.
const WAIT_MIN: Duration = Duration::from_secs(1);
/// The longest wait: a large snapshot that is damaged must not be read all day.
const WAIT_MAX: Duration = Duration::from_secs(64);

impl Watched {
    /// The files as they are now.
    pub fn new<'p>(paths: impl IntoIterator<Item = &'p PathBuf>) -> Watched {
        let files = paths.into_iter().map(|path| (path.clone(), stamp(path))).collect();
        Watched { files, failed: None }
    }

    /// Applies the files if they have changed, and tells the log how that went: an error once, not at every try.
    pub fn follow(&mut self, at_once: bool, apply: impl FnOnce() -> anyhow::Result<String>) {
        self.follow_quietly(at_once, || apply().map(Some));
    }

    /// The same for files that change often: `apply` says whether there is anything to tell.
    pub fn follow_quietly(&mut self, at_once: bool, apply: impl FnOnce() -> anyhow::Result<Option<String>>) {
        let now = Instant::now();
        let Some(change) = self.look(at_once, now) else { return };
        let name = self.names(&change);
        match apply() {
            Ok(what) => {
                if let Some(what) = what {
                    tracing::info!("{name}: {what}");
                }
                self.applied(&change);
            }
            Err(error) => {
                let error = format!("{error:#}");
                if at_once || self.is_news(&change, &error) {
                    tracing::error!("{name} is refused, and its previous content stays in use: {error}");
                }
                self.refused(change, error, now);
            }
        }
    }

    /// The change that is to be applied now, if there is one; `at_once` waits for no second try. A file that is
    /// gone has not changed yet: it may be on its way back, and there is nothing to apply.
    pub fn look(&mut self, at_once: bool, now: Instant) -> Option<Change> {
        let stamps: Vec<_> = self.files.iter().map(|(path, _)| stamp(path)).collect();
        let changed = |((_, applied), found): (&(_, _), &Option<Stamp>)| found.is_some() && found != applied;
        if !self.files.iter().zip(&stamps).any(changed) {
            self.failed = None;
            return None;
        }
        let waits = |failed: &Failed| failed.stamps == stamps && now < failed.again;
        if !at_once && self.failed.as_ref().is_some_and(waits) {
            return None;
        }
        Some(Change(stamps))
    }

    /// The change is in force.
    pub fn applied(&mut self, change: &Change) {
        for ((_, applied), found) in self.files.iter_mut().zip(&change.0) {
            *applied = found.or(*applied);
        }
        self.failed = None;
    }

    fn is_news(&self, change: &Change, error: &str) -> bool {
        self.failed.as_ref().is_none_or(|failed| failed.stamps != change.0 || failed.error != error)
    }

    fn refused(&mut self, change: Change, error: String, now: Instant) {
        let before = self.failed.as_ref().filter(|failed| failed.stamps == change.0);
        let wait = before.map_or(WAIT_MIN, |failed| WAIT_MAX.min(failed.wait * 2));
        self.failed = Some(Failed { stamps: change.0, error, again: now + wait, wait });
    }

    /// Which of the files have changed, for the log.
    pub fn names(&self, change: &Change) -> String {
        let changed = self.files.iter().zip(&change.0).filter(|((_, applied), found)| *found != applied);
        changed.map(|((path, _), _)| path.display().to_string()).collect::<Vec<_>>().join(", ")
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = fs::metadata(path).ok()?;
    Some(Stamp {
        inode: metadata.ino(),
        modified_s: metadata.mtime(),
        modified_ns: metadata.mtime_nsec(),
        bytes: metadata.size(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replace(path: &Path, text: &str) {
        let new = path.with_extension("new");
        fs::write(&new, text).unwrap();
        fs::rename(new, path).unwrap();
    }

    #[test]
    fn a_replaced_file_has_changed_once_and_a_missing_one_never() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sites.toml");
        fs::write(&path, "a").unwrap();
        let mut watched = Watched::new([&path]);
        let now = Instant::now();
        assert!(watched.look(false, now).is_none());
        replace(&path, "b");
        let change = watched.look(false, now).unwrap();
        watched.applied(&change);
        assert!(watched.look(false, now).is_none());
        fs::remove_file(&path).unwrap();
        assert!(watched.look(true, now).is_none());
        fs::write(&path, "longer").unwrap();
        assert!(watched.look(false, now).is_some());
    }

    #[test]
    fn a_change_that_failed_is_tried_again_and_told_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("crl.pem");
        fs::write(&path, "a").unwrap();
        let mut watched = Watched::new([&path]);
        replace(&path, "b");
        let now = Instant::now();
        let fail = |watched: &mut Watched, at| {
            let change = watched.look(false, at).unwrap();
            let told = watched.is_news(&change, "no");
            watched.refused(change, "no".to_owned(), at);
            told
        };
        assert!(fail(&mut watched, now));
        assert!(watched.look(false, now).is_none(), "not at once");
        assert!(watched.look(true, now).is_some(), "but when somebody asks for it");
        let later = now + WAIT_MIN;
        assert!(!fail(&mut watched, later), "the same error is not told again");
        assert!(watched.look(false, later + WAIT_MIN).is_none(), "twice as long");
        replace(&path, "c");
        assert!(fail(&mut watched, later), "a new file is new");
        let change = watched.look(true, later).unwrap();
        watched.applied(&change);
        assert!(watched.look(true, later + WAIT_MAX).is_none());
    }
}
