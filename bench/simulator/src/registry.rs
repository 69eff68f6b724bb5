//! The registry's machine: the real registry over its real embedded store, and the authorities that use it.
//!
//! It is asked one thing after the other, so that threads of the store change nothing. Its file lies in memory where the
//! system has a folder for that.

use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use hufu_codes::chain::{AuthoritySigner, Tip, open_instruction};
use hufu_contract::{ChainSource as _, ProposalId};
use hufu_registry::chain::Appended;
use hufu_registry::store::Store;
use hufu_registry::vault::Vault;
use hufu_registry::{Brake, Caller, Issuer, Registry, SecondPhone, Signers};
use hufu_sqlite::SqliteStore;
use hufu_wire::chain::{Change, Changes, Checkpoint, Content, Head, InputsDigest, Proposed, Record};
use hufu_wire::{HolderIndex, Message as _, RuleId, Sequence, UnixMillis};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::clock::{Clock, START_MS};
use crate::people::{ISSUERS_MAX, NATIONAL, PUBLISHER, People, authorities, issuer, publisher};

const FILE: &str = "registry.sqlite";

/// The registry, its file, and what its authorities remember.
pub(crate) struct RegistryMachine {
    people: Rc<People>,
    folder: TempDir,
    runtime: Runtime,
    open: Option<Open>,
    copies: u32,
    backup: Option<PathBuf>,
    /// The machine's clock.
    pub(crate) clock: Clock,
    /// Every set of each chain, as its file holds it.
    pub(crate) sets: Vec<Vec<Bytes>>,
    /// Where each chain ends, as the registry said last.
    tips: Vec<Tip>,
    publisher: AuthoritySigner,
    /// Heads since the registry itself was asked for one.
    heads: u64,
    /// What the authorities handed in for each chain, and were told is in it.
    ledger: Vec<Vec<Signed>>,
}

struct Open {
    registry: Registry,
    store: Arc<dyn Store>,
}

/// A set that is in the chain.
#[derive(Clone, Debug)]
struct Signed {
    instruction: Vec<u8>,
    set: Vec<u8>,
}

/// A set that was appended.
#[derive(Debug)]
pub(crate) struct Added {
    /// After which.
    pub(crate) after: Sequence,
    /// Where the chain ends now.
    pub(crate) tip: Tip,
}

/// What is not done at a registry's own time: it stays valid for a week of a clock that is wrong.
const VALID_S: u32 = 6 * 86_400;
/// One head in so many is the registry's own.
const HEADS_ASKED: u64 = 16;

thread_local! {
    /// An empty registry with its issuers, made once a thread.
    static EMPTY: Result<TempDir, String> = empty().map_err(|fault| format!("{fault:#}"));
}

fn base() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() }
}

fn runtime() -> Result<Runtime> {
    Builder::new_current_thread().enable_time().build().context("no runtime")
}

fn empty() -> Result<TempDir> {
    let folder = TempDir::new_in(base())?;
    let runtime = runtime()?;
    let open = Open::of(&People::of_thread(), &runtime, &folder.path().join(FILE))?;
    for n in 0..ISSUERS_MAX {
        let issuer = Issuer {
            id: issuer(n),
            name: format!("Issuer {n}"),
            national: NATIONAL,
            publisher: PUBLISHER,
            brake: Brake { share_permille: 1000, window_s: 3600, free: u32::MAX },
            second_phone: SecondPhone::Tell,
        };
        let operator = Caller::operator();
        runtime.block_on(open.registry.put_issuer(&operator, &issuer, UnixMillis(START_MS)))?;
    }
    runtime.block_on(open.store.close());
    Ok(folder)
}

impl Open {
    fn of(people: &People, runtime: &Runtime, file: &Path) -> Result<Open> {
        let store: Arc<dyn Store> = Arc::new(runtime.block_on(SqliteStore::open(file))?);
        let vault =
            Vault::open(&format!("hufu-vault 1\nindex {}\nseal {}\n", "a1".repeat(32), "b2".repeat(32)))?;
        let signers = Signers { codes: Vec::new(), rosters: Vec::new(), publishers: vec![publisher()] };
        let registry = Registry::new(Arc::clone(&store), vault, signers, Arc::new(people.keyring.clone()));
        Ok(Open { registry, store })
    }
}

impl RegistryMachine {
    /// A registry without any set.
    ///
    /// # Errors
    /// The real disk's.
    pub(crate) fn new(people: &Rc<People>, issuers: usize) -> Result<RegistryMachine> {
        let folder = TempDir::new_in(base())?;
        EMPTY.with(|empty| match empty {
            Ok(empty) => Ok(fs::copy(empty.path().join(FILE), folder.path().join(FILE))?),
            Err(fault) => bail!("{fault}"),
        })?;
        let mut machine = RegistryMachine {
            people: Rc::clone(people),
            folder,
            runtime: runtime()?,
            open: None,
            copies: 0,
            backup: None,
            clock: Clock::default(),
            sets: vec![Vec::new(); issuers],
            tips: vec![Tip::START; issuers],
            publisher: publisher(),
            heads: 0,
            ledger: vec![Vec::new(); issuers],
        };
        machine.start()?;
        Ok(machine)
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join(FILE)
    }

    /// Whether it runs.
    pub(crate) fn is_up(&self) -> bool {
        self.open.is_some()
    }

    /// Starts it, and reads every chain from its file.
    ///
    /// # Errors
    /// What the registry says of its file.
    pub(crate) fn start(&mut self) -> Result<()> {
        let open = Open::of(&self.people, &self.runtime, &self.file())?;
        for n in 0..self.sets.len() {
            let sets = self.runtime.block_on(open.registry.sets(issuer(n), Sequence(0), usize::MAX >> 1))?;
            self.sets[n] = sets.into_iter().map(|set| set.bytes).collect();
            self.tips[n] = self.runtime.block_on(open.registry.tip(&Caller::operator(), issuer(n)))?;
        }
        self.open = Some(open);
        Ok(())
    }

    /// Ends its process: what its files hold at this instant is what the next one finds.
    ///
    /// # Errors
    /// The real disk's.
    pub(crate) fn kill(&mut self) -> Result<()> {
        let Some(open) = self.open.take() else { return Ok(()) };
        self.copies += 1;
        let kept = self.folder.path().join(format!("kept-{}", self.copies));
        fs::copy(self.file(), &kept)?;
        let wal = hufu_sqlite::companions(&self.file())[0].clone();
        let kept_wal = fs::read(&wal).ok();
        self.runtime.block_on(open.store.close());
        drop(open);
        for beside in hufu_sqlite::companions(&self.file()) {
            let _ = fs::remove_file(beside);
        }
        fs::rename(kept, self.file())?;
        if let Some(bytes) = kept_wal {
            fs::write(wal, bytes)?;
        }
        Ok(())
    }

    /// The operator makes a backup.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn back_up(&mut self) -> Result<()> {
        self.copies += 1;
        let to = self.folder.path().join(format!("backup-{}", self.copies));
        self.runtime.block_on(hufu_sqlite::copy(&self.file(), &to))?;
        self.backup = Some(to);
        Ok(())
    }

    /// The operator puts the last backup in the place of the file, by mistake; whether there was one that is older than it.
    ///
    /// # Errors
    /// The store's.
    pub(crate) fn restore(&mut self) -> Result<bool> {
        let Some(backup) = self.backup.clone() else { return Ok(false) };
        let before: Vec<usize> = self.sets.iter().map(Vec::len).collect();
        self.kill()?;
        for beside in hufu_sqlite::companions(&self.file()) {
            let _ = fs::remove_file(beside);
        }
        fs::copy(backup, self.file())?;
        self.start()?;
        Ok(self.sets.iter().map(Vec::len).collect::<Vec<_>>() != before)
    }

    /// Hands in again what the authorities know to be in the chain and the registry lost.
    ///
    /// # Errors
    /// What the registry says.
    pub(crate) fn hand_in_again(&mut self, now: u64) -> Result<()> {
        for n in 0..self.sets.len() {
            while let Some(signed) = self.ledger[n].get(self.sets[n].len()).cloned() {
                let appended = self.hand_in(n, now, &signed)?;
                ensure!(matches!(appended, Appended::Appended { .. }), "a set again: {appended:?}");
            }
        }
        Ok(())
    }

    /// The authorities forget what the registry lost.
    pub(crate) fn forget_lost(&mut self) {
        for (ledger, sets) in self.ledger.iter_mut().zip(&self.sets) {
            ledger.truncate(sets.len());
        }
    }

    /// Whether everything that an authority was told is in a chain is in it.
    pub(crate) fn has_all(&self) -> bool {
        self.ledger.iter().zip(&self.sets).all(|(ledger, sets)| {
            ledger.len() <= sets.len() && ledger.iter().zip(sets).all(|(signed, set)| signed.set == **set)
        })
    }

    /// The end of a chain.
    ///
    /// # Errors
    /// What the registry says.
    pub(crate) fn tip(&self, n: usize) -> Result<Tip> {
        ensure!(self.is_up(), "the registry is down");
        Ok(self.tips[n])
    }

    /// Both authorities sign a change, and the registry takes it; `None` where it does not, by its rules.
    ///
    /// # Errors
    /// What no registry should say.
    pub(crate) fn change(&mut self, n: usize, now: u64, changes: &[(u32, Change)]) -> Result<Option<Added>> {
        if self.open.is_none() {
            return Ok(None);
        }
        let date = UnixMillis(START_MS + now);
        let records: Vec<_> =
            changes.iter().map(|(holder, change)| Record::new(HolderIndex(*holder), *change)).collect();
        let tip = self.tip(n)?;
        if tip.proposed == Proposed::from(date) {
            // Of the same millisecond as the one before it is not later.
            return Ok(None);
        }
        let local = &self.people.local[n];
        let content = Content {
            proposed: Proposed::from(date),
            valid_s: VALID_S,
            rule: RuleId(7),
            inputs: InputsDigest([0x55; 32]),
            local_key: local.key(),
            reason: "contact of a case",
            changes: Changes::new(&records).context("good records")?,
        };
        let instruction = local.instruct(&content)?;
        let opened =
            open_instruction(&instruction, &authorities(n), &self.people.keyring, hufu_signature::backend())?;
        let set = self.people.national.confirm(&opened, &tip, date)?;
        let signed = Signed { instruction, set };
        match self.hand_in(n, now, &signed) {
            Ok(Appended::Appended { .. }) => {
                self.ledger[n].push(signed);
                Ok(Some(Added { after: tip.sequence, tip: self.tip(n)? }))
            }
            Ok(other) => bail!("a change was not appended: {other:?}"),
            // Its clock is not ours, and it says so.
            Err(fault) if fault.to_string().contains("clock") || fault.to_string().contains("expired") => {
                Ok(None)
            }
            Err(fault) => Err(fault),
        }
    }

    fn hand_in(&mut self, n: usize, now: u64, signed: &Signed) -> Result<Appended> {
        let (operator, date) = (Caller::operator(), self.clock.date(now));
        let open = self.open.as_ref().context("the registry is down")?;
        let propose = open.registry.propose(&operator, issuer(n), &signed.instruction, date);
        let id: ProposalId = self.runtime.block_on(propose)?.id;
        let confirm = open.registry.confirm(&operator, issuer(n), id, &signed.set, date);
        let appended = self.runtime.block_on(confirm)?;
        if matches!(appended, Appended::Appended { .. }) {
            self.sets[n].push(signed.set.clone().into());
            self.tips[n] = self.runtime.block_on(open.registry.tip(&operator, issuer(n)))?;
        }
        Ok(appended)
    }

    /// A head of now.
    ///
    /// # Errors
    /// What the registry says.
    pub(crate) fn head(&mut self, n: usize, now: u64) -> Result<Option<(Bytes, Head)>> {
        let Some(open) = &self.open else { return Ok(None) };
        self.heads += 1;
        let date = self.clock.date(now);
        // What the registry does, without its store's threads; every so often it is asked itself.
        let bytes = self.publisher.head(issuer(n), &self.tips[n], date);
        if self.heads.is_multiple_of(HEADS_ASKED) {
            let said = self.runtime.block_on(open.registry.head_at(issuer(n), date))?;
            ensure!(said == bytes, "the registry signs another head than its own end");
        }
        let head = hufu_wire::read(&bytes)?;
        Ok(Some((Bytes::copy_from_slice(&bytes), head)))
    }

    /// The newest checkpoint.
    ///
    /// # Errors
    /// What the registry says.
    pub(crate) fn checkpoint(&self, n: usize) -> Result<Option<Bytes>> {
        let Some(open) = &self.open else { return Ok(None) };
        Ok(self.runtime.block_on(open.registry.checkpoint(issuer(n)))?)
    }

    /// Both authorities vouch for a snapshot at the end of the chain; whether the registry takes it.
    ///
    /// # Errors
    /// What no registry should say.
    pub(crate) fn vouch(&self, n: usize, now: u64, tip: &Tip, snapshot: [u8; 32]) -> Result<bool> {
        let Some(open) = &self.open else { return Ok(false) };
        let (local, national) = (&self.people.local[n], &self.people.national);
        let mut checkpoint = Checkpoint {
            issuer: issuer(n),
            sequence: tip.sequence,
            made: UnixMillis(START_MS + now),
            proposed: tip.proposed,
            local_key: local.key(),
            national_key: national.key(),
            digest: tip.digest,
            snapshot,
            local_signature: [0; 64],
            national_signature: [0; 64],
        };
        checkpoint.local_signature = local.vouch(&checkpoint)?;
        checkpoint.national_signature = national.vouch(&checkpoint)?;
        let mut bytes = vec![0; Checkpoint::BYTES];
        checkpoint.write_to(&mut bytes);
        let operator = Caller::operator();
        let put = open.registry.put_checkpoint(&operator, issuer(n), &bytes, self.clock.date(now));
        match self.runtime.block_on(put) {
            Ok(is_newest) => Ok(is_newest),
            Err(fault) if fault.to_string().contains("clock") => Ok(false),
            Err(fault) => Err(fault.into()),
        }
    }
}

impl Drop for RegistryMachine {
    fn drop(&mut self) {
        if let Some(open) = self.open.take() {
            self.runtime.block_on(open.store.close());
        }
    }
}
