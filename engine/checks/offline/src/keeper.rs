//! What a gate does, while it has a network, to be able to go on without one: it asks its engine for everything that
//! decides, keeps it current and on its disk, and hands its records over. No socket and no clock are in here.

mod fault;
mod store;
mod take;

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hufu_check::Foreign;
use hufu_codes::chain::Authorities;
use hufu_codes::keyring::Keyring;
use hufu_policy::Sites;
use hufu_signature::PreparedKey;
use hufu_table::Disk;
use hufu_wire::{Grant, IssuerId, Lane, OfflineAsk, Reason, UnixMillis};

use crate::book::{BOOK_RECORDS_MAX, Book};
use crate::clock::{ANSWER_MS, BootId, OfflineClock};
use crate::format::OfflineFile;
use crate::gate::{NotDecided, OfflineGate, OfflineVerdict};
use crate::list::Room;
use crate::record::BookId;

pub use fault::{KeeperFault, OpenFault};
use store::Store;

/// A gate that can go on without a network. Every `at` is [`since_boot`](crate::since_boot).
pub struct Keeper {
    gate: OfflineGate,
    operator: PreparedKey,
    grant: Grant,
    room: Room,
    boot: Option<BootId>,
    store: Store,
    has_site: bool,
    authorities: BTreeMap<IssuerId, Authorities>,
    /// What is still to be asked in this round.
    todo: VecDeque<OfflineAsk>,
    /// The part of a list that has come.
    coming: Vec<u8>,
    due: Due,
    /// An engine did not take the records in this round, or they cannot be read.
    records_refused: bool,
}

/// What a keeper is made of.
pub struct Setup {
    /// The gate's disk.
    pub disk: Arc<dyn Disk>,
    /// The folder that it keeps everything in; no other program may use it.
    pub folder: PathBuf,
    /// The operator's key, which signs trust lists.
    pub operator: PreparedKey,
    /// What the device's certificate grants.
    pub grant: Grant,
    /// Random bytes, the id of a book that is begun.
    pub fresh: BookId,
    /// Which run of the machine it is; `None` where the system does not say, and a restart loses the time.
    pub boot: Option<BootId>,
    /// How wrong the machine's clock may run, parts per million: [`DRIFT_PPM`](crate::DRIFT_PPM).
    pub drift_ppm: u32,
    /// How much memory each list may take.
    pub room: Room,
}

/// What is to be done at an engine, over the device's own connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Errand {
    /// Ask for this, and give the answer to [`Keeper::take`].
    Ask(OfflineAsk),
    /// Hand these records over, and give the counter that comes back to [`Keeper::handed_over`].
    HandOver(Vec<u8>),
}

/// When each thing is to be done again.
#[derive(Clone, Debug, Default)]
struct Due {
    round: Duration,
    basics: Duration,
    saved: Duration,
    time: Duration,
    lists: BTreeMap<IssuerId, Duration>,
}

const SITE: &str = "site.toml";
const TRUST: &str = "trust";
const ISSUERS: &str = "issuers";
const TIME: &str = "time";
/// The serials of the lists behind what verifies certificates of other systems.
const FOREIGN: &str = "foreign";

/// Between two looks at the chains. Lists are so much older than an engine's table, at most.
const ROUND: Duration = Duration::from_secs(10);
/// Between two looks at policy, trust list and issuers, and between two whole lists of one issuer.
const BASICS: Duration = Duration::from_secs(60);
/// Between two times that lists are written to the disk again.
const SAVE: Duration = Duration::from_secs(600);
/// Records of one handover.
const HANDOVER_RECORDS: usize = 4096;

impl Keeper {
    /// A gate with what lies in its folder: after a restart without a network it knows what it knew.
    ///
    /// # Errors
    /// [`OpenFault`] where records cannot be kept. What else lies there and is of no use is left out, and in `odd`.
    pub fn open(setup: Setup, odd: &mut Vec<KeeperFault>) -> Result<Keeper, OpenFault> {
        let Setup { disk, folder, operator, grant, fresh, boot, drift_ppm, room } = setup;
        let store = Store::open(disk, folder)?;
        let book = Book::open(&store.disk, &store.path("records"), grant.device, fresh, BOOK_RECORDS_MAX)?;
        let mut clock = OfflineClock::new(drift_ppm);
        if let (Some(boot), Some(kept)) = (boot, store.read(TIME, OfflineClock::BYTES)) {
            clock = clock.resume(&kept, boot);
        }
        let gate = OfflineGate::new(grant, Keyring::empty(), &Sites::none(), clock, book)?;
        let mut keeper = Keeper {
            gate,
            operator,
            grant,
            room,
            boot,
            store,
            has_site: false,
            authorities: BTreeMap::new(),
            todo: VecDeque::new(),
            coming: Vec::new(),
            due: Due::default(),
            records_refused: false,
        };
        odd.extend(keeper.restore());
        Ok(keeper)
    }

    /// Takes up what lies in the folder; what is of no use.
    fn restore(&mut self) -> Vec<KeeperFault> {
        let mut odd = Vec::new();
        if let Some(state) = self.store.read(TRUST, store::BYTES_MAX) {
            let taken = Keyring::from_state(&state, &self.operator).map_err(KeeperFault::Trust);
            odd.extend(taken.and_then(|keyring| Ok(self.gate.set_keyring(keyring)?)).err());
        }
        if let Some(text) = self.store.read(SITE, store::BYTES_MAX) {
            odd.extend(self.take_site(&text).err());
        }
        if let Some(issuers) = self.store.read(ISSUERS, store::BYTES_MAX) {
            odd.extend(self.take_issuers(&issuers).err());
        }
        for (issuer, authorities) in self.authorities.clone() {
            let Some(bytes) = self.store.read(&store::list(issuer), self.room.file_bytes_max()) else {
                continue;
            };
            let file = OfflineFile::read(&bytes, self.room);
            let taken = file.and_then(|file| self.gate.take_list(file, authorities, &mut Vec::new()));
            odd.extend(taken.map_err(KeeperFault::List).err());
        }
        odd
    }

    /// The operator's key.
    pub fn operator(&self) -> &PreparedKey {
        &self.operator
    }

    /// Takes what verifies certificates of other systems, by lists with these serials, of signers and of revocations; 0
    /// where there is no list. Neither may be lower than one that this gate has had, also before a restart.
    ///
    /// # Errors
    /// [`KeeperFault::Odd`] for an older list, or the disk's; what was there stays.
    pub fn take_foreign(&mut self, serials: [u64; 2], foreign: Arc<dyn Foreign>) -> Result<(), KeeperFault> {
        let before = self.store.read(FOREIGN, 16).unwrap_or_default();
        let (before, _) = before.as_chunks::<8>();
        if before.iter().zip(serials).any(|(before, serial)| serial < u64::from_le_bytes(*before)) {
            let what = "a list of foreign signers or revocations older than one that this gate has had";
            return Err(KeeperFault::Odd { what });
        }
        self.store.write(FOREIGN, serials.map(u64::to_le_bytes).as_flattened())?;
        self.gate.set_foreign(Some(foreign));
        Ok(())
    }

    /// Its lists, clock and records.
    pub fn gate(&mut self) -> &mut OfflineGate {
        &mut self.gate
    }

    /// What it still lacks to decide, in words for the operator; `None` when it could.
    pub fn lacks(&self) -> Option<&'static str> {
        if !self.has_site {
            return Some("its site's policy");
        }
        if self.gate.keyring().version() == 0 {
            return Some("the operator's trust list");
        }
        self.gate.lists().is_empty().then_some("a list of any issuer")
    }

    /// An engine has told the time, in an authenticated answer to what was asked at `asked`. An answer that was longer on
    /// its way than a second is left out: by how much its time is late cannot be told.
    ///
    /// # Errors
    /// As [`told`](Self::told).
    pub fn answered(&mut self, asked: Duration, at: Duration, time: UnixMillis) -> Result<(), KeeperFault> {
        if at.saturating_sub(asked) > Duration::from_millis(ANSWER_MS) {
            return Ok(());
        }
        self.told(at, time)
    }

    /// An engine has told the time, in an authenticated answer that was on its way for a second at most.
    ///
    /// # Errors
    /// The disk's: the time is known, and a restart of the program will lose it.
    pub fn told(&mut self, at: Duration, time: UnixMillis) -> Result<(), KeeperFault> {
        self.gate.clock().authenticate(time, at);
        if at < self.due.time {
            return Ok(());
        }
        self.due.time = at + BASICS;
        self.save_time()
    }

    fn save_time(&mut self) -> Result<(), KeeperFault> {
        let kept = self.boot.and_then(|boot| self.gate.clock().keep(boot));
        kept.map_or(Ok(()), |kept| self.store.write(TIME, &kept))
    }

    /// An engine admitted this code in this lane: it is used here too, should the network go now.
    pub fn admitted(&mut self, at: Duration, lane: Lane, scanned: &[u8]) {
        self.gate.admitted_elsewhere(at, lane, scanned);
    }

    /// Checks what was scanned in a lane, without an engine. Its record is on the disk before this returns.
    ///
    /// # Errors
    /// [`NotDecided`]: the gate stays shut.
    pub fn check(&mut self, at: Duration, lane: Lane, scanned: &[u8]) -> Result<OfflineVerdict, NotDecided> {
        if let Some(lacks) = self.lacks() {
            return Err(NotDecided::Lacks { what: lacks });
        }
        self.gate.check(at, lane, scanned)
    }

    /// What is to be done next, `None` until the next round, which is after 10 seconds. It stays the same until it was done or has failed.
    ///
    /// # Errors
    /// The disk's, where records wait and cannot be read: once in each round, whose other errands follow.
    pub fn errand(&mut self, at: Duration) -> Result<Option<Errand>, KeeperFault> {
        if self.todo.is_empty() {
            if at < self.due.round {
                return Ok(None);
            }
            self.begin_round(at);
        }
        if self.gate.book().waiting() > 0 && !self.records_refused {
            let records = self.gate.book().handover(HANDOVER_RECORDS);
            let records = records.inspect_err(|_| self.records_refused = true)?;
            return Ok(Some(Errand::HandOver(records.to_bytes())));
        }
        Ok(self.todo.front().map(|ask| Errand::Ask(*ask)))
    }

    fn begin_round(&mut self, at: Duration) {
        (self.due.round, self.records_refused) = (at + ROUND, false);
        if at >= self.due.basics || self.lacks().is_some() {
            self.due.basics = at + BASICS;
            // The issuers' chains follow the answer.
            self.todo.extend([OfflineAsk::TrustList, OfflineAsk::Site, OfflineAsk::Issuers]);
        } else {
            self.ask_for_chains();
        }
    }

    fn ask_for_chains(&mut self) {
        for issuer in self.authorities.keys().copied() {
            let list = self.gate.lists().iter().find(|list| list.issuer() == issuer);
            self.todo.push_back(match list {
                Some(list) => OfflineAsk::Chain { issuer, after: list.tip().sequence },
                None => OfflineAsk::List { issuer, from: 0 },
            });
        }
    }

    /// An engine answers after a time without one: the next round begins at once.
    pub fn hurry(&mut self) {
        self.due.round = Duration::ZERO;
    }

    /// No engine answers: all that was to be done is tried again in the next round.
    pub fn failed(&mut self) {
        self.todo.clear();
        self.coming.clear();
    }

    /// An engine does not do this, for `reason`: it is tried again in the next round, and the rest of this one goes on. A
    /// gate that is out of scope, whose operator has taken the permission back, forgets everything but its records.
    ///
    /// # Errors
    /// The disk's: what was forgotten may come back at a restart.
    pub fn refused(&mut self, errand: &Errand, reason: Reason) -> Result<(), KeeperFault> {
        let is_over = *errand == Errand::Ask(OfflineAsk::Site) && reason == Reason::OutOfScope;
        if is_over || reason == Reason::DeviceRevoked {
            return self.forget();
        }
        match errand {
            Errand::HandOver(_) => self.records_refused = true,
            Errand::Ask(ask) if self.todo.front() == Some(ask) => drop(self.todo.pop_front()),
            Errand::Ask(_) => {}
        }
        Ok(())
    }

    /// This gate may not go on without a network any more: forgets its policy and its lists. Its records stay.
    ///
    /// # Errors
    /// The disk's: what was forgotten may come back at a restart.
    pub fn forget(&mut self) -> Result<(), KeeperFault> {
        self.failed();
        self.has_site = false;
        self.gate.set_sites(&Sites::none());
        self.gate.keep_lists(|_| false);
        let lists = std::mem::take(&mut self.authorities).into_keys().map(store::list);
        let removed = [SITE.to_owned(), ISSUERS.to_owned()].into_iter().chain(lists);
        removed.map(|name| self.store.remove(&name)).fold(Ok(()), Result::and)
    }

    /// An engine has the records up to this counter, durably.
    ///
    /// # Errors
    /// The disk's, or an answer that takes no record. They are handed over once more in the next round, and not before.
    pub fn handed_over(&mut self, up_to: u64) -> Result<(), KeeperFault> {
        let waited = self.gate.book().waiting();
        let taken = self.gate.book().handed_over(up_to).map_err(KeeperFault::Disk).and_then(|()| {
            let is_taken = self.gate.book().waiting() < waited;
            is_taken.then_some(()).ok_or(KeeperFault::Odd { what: "an answer that takes no record" })
        });
        self.records_refused |= taken.is_err();
        taken
    }

    /// Writes the time and the lists as they are: a restart of the program begins with them.
    ///
    /// # Errors
    /// The disk's.
    pub fn save(&mut self) -> Result<(), KeeperFault> {
        self.save_time()?;
        for list in self.gate.lists() {
            self.store.write(&store::list(list.issuer()), &OfflineFile::bytes_of(list))?;
        }
        Ok(())
    }
}
