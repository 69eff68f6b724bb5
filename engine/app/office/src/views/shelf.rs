//! The views that can be read now: those in the folder whose day still has its key.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use hufu_records::{Day, KeyFolder, OpenView, View, ViewHeader};

/// The views of each day, one of each engine.
pub(super) type Days = BTreeMap<Day, Vec<Arc<OpenView>>>;

/// The folder of views, and the keys that open them.
pub(super) struct Shelf {
    folder: PathBuf,
    keys: Vec<(PathBuf, KeyFolder)>,
    held: BTreeMap<PathBuf, Held>,
    /// Views without a key, that may be removed.
    destroyed: Vec<PathBuf>,
    /// Those that could not be removed.
    stuck: BTreeSet<PathBuf>,
    /// What was wrong at the last look, which is in the log.
    told: BTreeSet<String>,
}

struct Held {
    stamp: Stamp,
    /// While it is there, the day is.
    key_file: PathBuf,
    view: Arc<OpenView>,
}

/// Inode, time and bytes of a file: others when it was replaced.
type Stamp = (u64, i64, i64, u64);

/// What became of a file.
enum Look {
    Held(Held),
    /// No folder of keys has its key.
    Gone(ViewHeader),
    Fault(String),
}

impl Shelf {
    pub(super) fn new(folder: PathBuf, keys: Vec<(PathBuf, KeyFolder)>) -> Shelf {
        Shelf {
            folder,
            keys,
            held: BTreeMap::new(),
            destroyed: Vec::new(),
            stuck: BTreeSet::new(),
            told: BTreeSet::new(),
        }
    }

    /// Looks at the folders again. A view whose key is gone is left out at once.
    ///
    /// # Errors
    /// The folder of views cannot be read; nothing is held then.
    pub(super) fn look(&mut self) -> anyhow::Result<Days> {
        let mut faults = BTreeSet::new();
        let looked =
            self.look_for(&mut faults).with_context(|| format!("the views in {}", self.folder.display()));
        if let Err(why) = &looked {
            self.held.clear();
            faults.insert(format!("no view is served: {why:#}"));
        }
        for fault in faults.difference(&self.told) {
            tracing::error!("{fault}");
        }
        self.told = faults;
        looked
    }

    fn look_for(&mut self, faults: &mut BTreeSet<String>) -> io::Result<Days> {
        let (mut held, mut gone) = (BTreeMap::new(), Vec::new());
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if !entry.file_name().to_str().is_some_and(ViewHeader::is_file_name) {
                continue;
            }
            let (path, stamp) = (entry.path(), stamp(&entry.metadata()?));
            match self.look_at(&path, stamp) {
                Look::Held(view) => drop(held.insert(path, view)),
                Look::Gone(header) => gone.push((path, header)),
                Look::Fault(why) => drop(faults.insert(why)),
            }
        }
        self.held = held;
        self.destroyed.clear();
        let mut days = Days::new();
        for held in self.held.values() {
            days.entry(held.view.header().day).or_default().push(Arc::clone(&held.view));
        }
        for (path, header) in gone {
            let mut views = self.held.values().map(|held| held.view.header());
            if views.any(|view| view.engine == header.engine && view.day > header.day) {
                self.destroyed.push(path);
            } else {
                faults.insert(format!(
                    "{}: its key is in no folder of keys; the day is not served, and the file is left as it is",
                    path.display()
                ));
            }
        }
        Ok(days)
    }

    /// Removes the views of destroyed days: of those without a key each for whose engine a later day can be read, so that
    /// the keys are known to be the right ones.
    pub(super) fn sweep(&mut self) {
        for path in self.destroyed.drain(..).filter(|path| !self.stuck.contains(path)).collect::<Vec<_>>() {
            match fs::remove_file(&path) {
                Ok(()) => tracing::info!("{} is removed: the key of the day was destroyed", path.display()),
                Err(why) => {
                    tracing::error!("{} cannot be removed, and its key was destroyed: {why}", path.display());
                    self.stuck.insert(path);
                }
            }
        }
    }

    fn look_at(&mut self, path: &Path, stamp: Stamp) -> Look {
        if let Some(held) = self.held.remove(path)
            && held.stamp == stamp
            && held.key_file.exists()
        {
            return Look::Held(held);
        }
        let view = match View::open(path) {
            Ok(view) => view,
            Err(why) => return Look::Fault(why.to_string()),
        };
        let header = *view.header();
        for (folder, keys) in &self.keys {
            match keys.find(header.day, &header.key) {
                Ok(Some(key)) => {
                    let key_file = folder.join(header.key_file_name());
                    return match view.unlock(&key) {
                        Some(view) => Look::Held(Held { stamp, key_file, view: Arc::new(view) }),
                        None => Look::Gone(header),
                    };
                }
                Ok(None) => {}
                Err(why) => return Look::Fault(format!("the keys in {}: {why}", folder.display())),
            }
        }
        Look::Gone(header)
    }
}

fn stamp(metadata: &Metadata) -> Stamp {
    (metadata.ino(), metadata.mtime(), metadata.mtime_nsec(), metadata.len())
}

#[cfg(test)]
mod tests {
    use hufu_check::{Channel, Durability, Record, Trace};
    use hufu_records::{Folder, Identity, Kept, Row, Secret, Store, StoreOptions, build_view};
    use hufu_wire::{
        CheckNumber, CodeKind, DeviceGeneration, DeviceId, Grant, Reason, Scope, SiteId, UnixMillis, Verdict,
    };

    use super::*;

    const DAY_MS: u64 = 86_400_000;
    const DAYS: [u64; 2] = [20_000, 20_001];

    fn keys(folder: &Path) -> KeyFolder {
        KeyFolder::new(Folder::read(&folder.join("keys")).unwrap(), Box::new(Secret::new([9; 32])))
    }

    /// Two closed days of one check each, and their views.
    fn two_days(folder: &Path) {
        let options = StoreOptions {
            segment_bytes: 1 << 20,
            keep_days: 60,
            day_of: Box::new(|now| Day(u32::try_from(now.0 / DAY_MS).unwrap())),
        };
        let locked = |name: &str| Folder::lock(&folder.join(name)).unwrap();
        let secret = || Secret::new([9; 32]);
        let keep = KeyFolder::new(locked("keys"), Box::new(secret()));
        let mut store =
            Store::open(locked("records"), keep, Identity::of(&secret()).unwrap(), options).unwrap();
        for day in DAYS {
            let now = UnixMillis(day * DAY_MS);
            let trace = Trace::Step([7; 16]);
            let grant = Grant {
                device: DeviceId(1),
                generation: DeviceGeneration(1),
                site: SiteId(7),
                scope: Scope::CHECKS,
            };
            let verdict =
                Verdict { kind: Some(CodeKind::Phone), ..Verdict::of(CheckNumber(1), now, Reason::Clear) };
            let record = Record {
                channel: Channel::Sealed,
                grant,
                lane: None,
                trace,
                durability: Durability::Written,
                verdict,
                roster: None,
            };
            store.commit(now, &[Kept { row: Row::of(&record, 1), trace }]).unwrap();
            store.turn(UnixMillis((day + 1) * DAY_MS)).unwrap();
            let records = Folder::read(&folder.join("records")).unwrap();
            let day = Day(u32::try_from(day).unwrap());
            build_view(&records, &keys(folder), day, &folder.join("views"), |_, _| ()).unwrap();
        }
    }

    fn destroy(folder: &Path, day: u64) {
        let key = format!("day-{}-", Day(u32::try_from(day).unwrap()));
        for entry in fs::read_dir(folder.join("keys")).unwrap() {
            let entry = entry.unwrap();
            if entry.file_name().to_str().unwrap().starts_with(&key) {
                fs::remove_file(entry.path()).unwrap();
            }
        }
    }

    #[test]
    fn r42_a_destroyed_day_is_not_served_and_its_view_is_removed_once_a_later_one_shows_the_keys_are_right() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        fs::create_dir(folder.join("views")).unwrap();
        two_days(folder);
        let files = || fs::read_dir(folder.join("views")).unwrap().count();
        let days = |shelf: &mut Shelf| {
            let days = shelf.look().unwrap();
            shelf.sweep();
            days.keys().map(|day| u64::from(day.0)).collect::<Vec<_>>()
        };
        let mut shelf = Shelf::new(folder.join("views"), vec![(folder.join("keys"), keys(folder))]);
        assert_eq!(days(&mut shelf), DAYS);
        // What is no view is passed over.
        fs::write(folder.join("views/view-2020-01-01-0.hufu"), b"short").unwrap();
        assert_eq!(days(&mut shelf), DAYS);
        destroy(folder, DAYS[0]);
        assert_eq!((days(&mut shelf), files()), (vec![DAYS[1]], 2));
        // The newest day has none after it: a folder of keys that is away looks the same.
        destroy(folder, DAYS[1]);
        assert_eq!((days(&mut shelf), files()), (vec![], 2));
        fs::remove_dir_all(folder.join("views")).unwrap();
        assert!(shelf.look().is_err());
    }
}
