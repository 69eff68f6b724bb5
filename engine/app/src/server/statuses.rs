//! The status table, its writers, and the snapshots that fill it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use hufu_table::{Limits, MemoryUse, Reader, Snapshot, Table, Writer};
use hufu_wire::IssuerId;
use indicatif::{ProgressBar, ProgressDrawTarget};

use super::state::State;
use crate::config::Memory;

/// Every issuer's statuses.
pub(super) struct Statuses {
    table: Table,
    followed: BTreeMap<IssuerId, Followed>,
}

struct Followed {
    /// The one file its statuses come from.
    file: PathBuf,
    writer: Writer,
    holders: u64,
}

impl Statuses {
    /// An empty table.
    pub(super) fn new(memory: &Memory) -> anyhow::Result<Statuses> {
        let limits = Limits::for_holders(*memory.issuers_max.get_ref(), *memory.holders_max.get_ref());
        Ok(Statuses { table: Table::new(limits)?, followed: BTreeMap::new() })
    }

    /// For checks.
    pub(super) fn reader(&self) -> Reader {
        self.table.reader()
    }

    /// Loads a snapshot over whatever is known of its issuer.
    ///
    /// # Errors
    /// It is damaged, or older than one that was applied before, in this run or an earlier one (R22). Readers
    /// then see what they saw before.
    pub(super) fn apply(&mut self, path: &Path, state: &State) -> anyhow::Result<String> {
        let snapshot = Snapshot::open(path)?;
        let issuer = snapshot.info().issuer;
        let followed = self.follow(issuer, path)?;
        let held = state.sequence(issuer);
        let offered = snapshot.info().sequence;
        ensure!(
            offered >= held,
            "{}: sequence {offered} of issuer {issuer} is older than {held}, which this engine has applied",
            path.display()
        );
        let begun = Instant::now();
        let info = shown(path, || snapshot.load(&mut followed.writer))?;
        followed.holders = info.holders;
        state.remember_sequence(issuer, info.sequence);
        let took_ms = begun.elapsed().as_millis();
        Ok(format!(
            "issuer {issuer} is at sequence {} with {} holders ({took_ms} ms)",
            info.sequence, info.holders
        ))
    }

    /// The issuer's writer, if this file is the one that speaks for it: a file put in the wrong place must not
    /// change whom it speaks for.
    fn follow(&mut self, issuer: IssuerId, path: &Path) -> anyhow::Result<&mut Followed> {
        let other =
            self.followed.iter().find(|(known, followed)| (**known == issuer) != (followed.file == path));
        if let Some((known, Followed { file, .. })) = other {
            bail!("{} is of issuer {issuer}; {} is of issuer {known}", path.display(), file.display());
        }
        match self.followed.entry(issuer) {
            Entry::Occupied(followed) => Ok(followed.into_mut()),
            Entry::Vacant(place) => {
                let writer = self.table.writer(issuer)?;
                Ok(place.insert(Followed { file: path.to_owned(), writer, holders: 0 }))
            }
        }
    }

    /// Issuers followed.
    pub(super) fn issuers(&self) -> usize {
        self.followed.len()
    }

    /// Holders of whom something is known.
    pub(super) fn holders(&self) -> u64 {
        self.followed.values().map(|followed| followed.holders).sum()
    }

    /// What the table takes, if the kernel says.
    pub(super) fn memory(&self) -> Option<MemoryUse> {
        self.table.reader().memory().ok()
    }
}

/// Shows that something is under way, on a terminal only.
fn shown<T>(path: &Path, work: impl FnOnce() -> T) -> T {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    bar.set_message(format!("loading {}", path.display()));
    bar.enable_steady_tick(Duration::from_millis(100));
    let done = work();
    bar.finish_and_clear();
    done
}
