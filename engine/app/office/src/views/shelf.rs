//! The views that can be read now: those in the folder whose day still has its key.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use hufu_records::{Day, Folder, KeyFolder, OpenView, View, ViewHeader};

/// The views of each day, one of each engine.
pub(super) type Days = BTreeMap<Day, Vec<Arc<OpenView>>>;

/// The folder of views, and the keys that open them.
pub(super) struct Shelf {
    folder: PathBuf,
    keys: Vec<(PathBuf, KeyFolder<Folder>)>,
    held: BTreeMap<PathBuf, Held>,
    /// Faults that were logged.
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
    pub(super) fn new(folder: PathBuf, keys: Vec<(PathBuf, KeyFolder<Folder>)>) -> Shelf {
        Shelf { folder, keys, held: BTreeMap::new(), told: BTreeSet::new() }
    }

    /// Looks at the folders again. A view whose key is gone is left out at once. Its file is removed, too, when a later
    /// day of the same engine can be read: then the keys are the right ones, and this one was destroyed.
    pub(super) fn look(&mut self) -> anyhow::Result<Days> {
        let folder = self.folder.clone();
        let cannot = || format!("the folder of views {}", folder.display());
        let (mut held, mut gone) = (BTreeMap::new(), Vec::new());
        for entry in std::fs::read_dir(&folder).with_context(cannot)? {
            let entry = entry.with_context(cannot)?;
            if !entry.file_name().to_str().is_some_and(ViewHeader::is_file_name) {
                continue;
            }
            let (path, metadata) = (entry.path(), entry.metadata().with_context(cannot)?);
            match self.look_at(&path, stamp(&metadata)) {
                Look::Held(view) => drop(held.insert(path, view)),
                Look::Gone(header) => gone.push((path, header)),
                Look::Fault(why) => self.tell(why),
            }
        }
        self.held = held;
        for (path, header) in gone {
            let mut views = self.held.values().map(|held| held.view.header());
            if !views.any(|view| view.engine == header.engine && view.day > header.day) {
                self.tell(format!(
                    "{}: its key is in no folder of keys; the day is not served, and the file is left as it is",
                    path.display()
                ));
                continue;
            }
            match std::fs::remove_file(&path) {
                Ok(()) => tracing::info!("{} is removed: the key of the day was destroyed", path.display()),
                Err(why) => self.tell(format!("{} cannot be removed: {why}", path.display())),
            }
        }
        let mut days = Days::new();
        for held in self.held.values() {
            days.entry(held.view.header().day).or_default().push(Arc::clone(&held.view));
        }
        Ok(days)
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

    /// Logs a fault once.
    fn tell(&mut self, fault: String) {
        if !self.told.contains(&fault) {
            tracing::error!("{fault}");
            self.told.insert(fault);
        }
    }
}

fn stamp(metadata: &Metadata) -> Stamp {
    (metadata.ino(), metadata.mtime(), metadata.mtime_nsec(), metadata.len())
}
