//! An authority's own copy of a chain, followed set by set from the first one. It believes the signatures and nobody
//! who hands the sets over, so that what two authorities say of it is the word of two (docs/SYNC.md, Checkpoint).

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use hufu_codes::chain::{Authorities, Tip};
use hufu_codes::keyring::Keyring;
use hufu_sync::{Follower, SetAnswer};
use hufu_table::{AsOf, Limits, Reader, Slot, Snapshot, SnapshotInfo, Table, write_snapshot_as_of};
use hufu_wire::{HolderIndex, StatusWord, UnixMillis};

use crate::files::{self, Lock, Readable};

/// One issuer's chain as far as it was followed, and every word at its end.
pub(crate) struct Ledger {
    follower: Follower,
    reader: Reader,
    slot: Slot,
}

/// Where a ledger is kept from one run to the next; others wait until this is dropped.
pub(crate) struct LedgerFolder {
    folder: PathBuf,
    authorities: Authorities,
    _lock: Lock,
}

/// docs/SYNC.md, Warm copy: where the state names its snapshot.
const SNAPSHOT_DIGEST_AT: usize = 128;

impl Ledger {
    /// Nothing was followed yet.
    pub(crate) fn new(authorities: Authorities) -> anyhow::Result<Ledger> {
        Ledger::with(authorities, |writer| Ok(Follower::new(writer, authorities)?))
    }

    fn with(
        authorities: Authorities,
        follower: impl FnOnce(hufu_table::Writer) -> anyhow::Result<Follower>,
    ) -> anyhow::Result<Ledger> {
        let table = Table::new(Limits { issuers_max: 1, ..Limits::default() })?;
        let writer = table.writer(authorities.issuer())?;
        let slot = writer.slot();
        Ok(Ledger { follower: follower(writer)?, reader: table.reader(), slot })
    }

    /// Takes the next set of the chain.
    ///
    /// # Errors
    /// It is not the next one, or not what both authorities signed: whoever hands it over is at fault.
    pub(crate) fn take(&mut self, set: &[u8], keyring: &Keyring, now: UnixMillis) -> anyhow::Result<()> {
        let at = self.tip().sequence;
        match self.follower.change_set(set, keyring, now)? {
            SetAnswer::Applied { .. } => Ok(()),
            SetAnswer::Fork { .. } => bail!(
                "the set after {at} follows another history than the one that was followed here: somebody has \
                 rewritten the chain, or this folder is another registry's"
            ),
            SetAnswer::Duplicate | SetAnswer::Behind | SetAnswer::Gap { .. } => {
                bail!("what was sent is not the set after {at}")
            }
        }
    }

    /// Whose chain it is.
    pub(crate) fn issuer(&self) -> hufu_wire::IssuerId {
        self.follower.issuer()
    }

    /// How far the chain was followed.
    pub(crate) fn tip(&self) -> &Tip {
        self.follower.tip()
    }

    /// A holder's word there.
    pub(crate) fn word(&self, holder: HolderIndex) -> StatusWord {
        self.reader.lookup(self.slot, holder)
    }

    /// Every word there, in the one file that there is for it: whoever followed the same chain to the same place
    /// writes the same bytes.
    pub(crate) fn write_snapshot(&self, path: &Path) -> anyhow::Result<SnapshotInfo> {
        let as_of = AsOf { sequence: self.tip().sequence, heard: None };
        Ok(write_snapshot_as_of(&self.reader, self.follower.issuer(), as_of, path)?)
    }
}

impl LedgerFolder {
    /// The folder, made if need be.
    pub(crate) fn open(folder: &Path, authorities: Authorities) -> anyhow::Result<LedgerFolder> {
        files::folder(folder)?;
        let lock = files::lock(folder)?;
        Ok(LedgerFolder { folder: folder.to_owned(), authorities, _lock: lock })
    }

    /// The ledger in it, or an empty one.
    ///
    /// # Errors
    /// What is kept is damaged, or another issuer's.
    pub(crate) fn load(&self, now: UnixMillis) -> anyhow::Result<Ledger> {
        let path = self.state();
        if !path.exists() {
            return Ledger::new(self.authorities);
        }
        let state = files::read(&path)?;
        let mend = || format!("{}: remove the folder to follow the chain from its beginning", path.display());
        let digest = state.get(SNAPSHOT_DIGEST_AT..).context("too short").with_context(mend)?;
        let snapshot = Snapshot::open(self.snapshot(digest)).with_context(mend)?;
        let resume = |writer| Ok(Follower::resume(writer, self.authorities, &state, &snapshot, now)?);
        Ledger::with(self.authorities, resume).with_context(mend)
    }

    /// Keeps a ledger, and says where its snapshot is. Whoever is interrupted finds the one before.
    pub(crate) fn store(&self, ledger: &Ledger) -> anyhow::Result<(PathBuf, SnapshotInfo)> {
        let warm = ledger.follower.warm();
        let partial = self.folder.join(format!("ledger-{}.snapshot", self.authorities.issuer()));
        let info = ledger.write_snapshot(&partial)?;
        let state = warm.seal(&info).context("the snapshot is not of the place that was followed to")?;
        let path = self.snapshot(&info.digest.0);
        let what = || format!("cannot write {}", path.display());
        std::fs::rename(&partial, &path).with_context(what)?;
        files::replace(&self.state(), &state, Readable::All)?;
        self.sweep(&path)?;
        Ok((path, info))
    }

    /// Removes the snapshots of this issuer that no state names any more.
    fn sweep(&self, kept: &Path) -> anyhow::Result<()> {
        let issuer = self.authorities.issuer();
        let prefix = format!("{issuer}-");
        for entry in std::fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.starts_with(&prefix) && name.ends_with(".snapshot") && path != kept {
                std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
            }
        }
        Ok(())
    }

    fn state(&self) -> PathBuf {
        self.folder.join(format!("{}.state", self.authorities.issuer()))
    }

    fn snapshot(&self, digest: &[u8]) -> PathBuf {
        self.folder.join(format!("{}-{}.snapshot", self.authorities.issuer(), hex::encode(digest)))
    }
}

/// Refuses a place beyond the one that is wanted.
pub(crate) fn ensure_not_beyond(ledger: &Ledger, wanted: hufu_wire::Sequence) -> anyhow::Result<()> {
    let held = ledger.tip().sequence;
    ensure!(
        held <= wanted,
        "the chain was followed here to {held} already, and this is for {wanted}: propose a newer checkpoint"
    );
    Ok(())
}
