//! An engine's machine: its disk and its clock outlive the process that runs on it.

mod audit;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hufu_check::{
    ClusterKeys, Durability, Engine, EngineParts, Journal, Mark, Rate, Record, Replies, Spine, Standing,
};
use hufu_offline::{ChainPart, Handover, OfflineFile, Room, Shelf};
use hufu_records::{
    Day, Folder, Identity, KeyFolder, OpenFault, RecorderByHand, RingJournal, SEGMENT_BYTES_MIN, Secret,
    Store, StoreOptions,
};
use hufu_table::{Limits, Table};
use hufu_wire::limits::{BATCH_MAX, FRAME_BYTES_MAX};
use hufu_wire::{
    DeviceId, HolderIndex, Message as _, OfflineAsk, OfflineIssuer, Reason, StatusWord, Suites, UnixMillis,
    sealed,
};

use crate::clock::Clock;
use crate::disk::SimDisk;
use crate::following::Following;
use crate::people::{LONE, People, authorities, issuer};
use crate::truth::{HOLDERS, Shown, Uses};

/// A datagram on its way to an engine, and what is in it.
#[derive(Clone, Debug)]
pub(crate) struct Packet {
    /// Which gate sent it.
    pub(crate) gate: usize,
    /// For which scan.
    pub(crate) scan: u64,
    /// What was shown.
    pub(crate) shown: Shown,
    /// The datagram.
    pub(crate) bytes: Rc<[u8]>,
}

/// A reply that is ready.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    /// To which gate.
    pub(crate) gate: usize,
    /// The datagram.
    pub(crate) bytes: [u8; sealed::REPLY_BYTES],
    /// Its record; `None` where none was made.
    pub(crate) record: Option<Record>,
}

/// What tells a record: device, number, time.
pub(crate) type RecordKey = (u32, u64, u64);

/// An engine's machine.
pub(crate) struct EngineMachine {
    /// Its place.
    pub(crate) place: usize,
    /// Its disk.
    pub(crate) disk: SimDisk,
    /// Its clock.
    pub(crate) clock: Clock,
    /// Its process, if it runs.
    pub(crate) process: Option<Process>,
    /// How often it was started.
    pub(crate) starts: u32,
    /// Records that were acknowledged by an answer that left, with how durable they were said to be.
    pub(crate) acknowledged: HashMap<RecordKey, (Durability, u32)>,
    /// The disk of its records was damaged, which no journal can undo.
    pub(crate) is_rotten: bool,
    /// It lost its power, and was not started since.
    pub(crate) lost_power: bool,
    /// Folders of records so far: a damaged one is put aside.
    pub(crate) record_folders: u32,
    /// For each issuer the end of the chain that its checks were as of, and the tip's digest says which history.
    pub(crate) served: Vec<u64>,
    /// For each issuer, up to where its words may be later than what they are said to be as of: a warm copy's are, until
    /// the sets that its tail lost come again.
    pub(crate) vague: Vec<u64>,
}

/// A process of an engine.
pub(crate) struct Process {
    /// What checks read.
    pub(crate) table: Table,
    /// What workers share.
    pub(crate) engine: Arc<Engine>,
    spine: Spine<Watched>,
    recorder: Option<RecorderByHand<Box<dyn Fn() -> UnixMillis>>>,
    date: Rc<Cell<UnixMillis>>,
    /// One for each issuer.
    pub(crate) followings: Vec<Following>,
    /// What has arrived and was not looked at.
    pub(crate) inbox: Vec<Packet>,
    waiting: Vec<(Mark, Vec<Reply>)>,
    replies: Box<Replies>,
    /// What it admitted, for the oracle.
    pub(crate) uses: Uses,
    /// Records of gates.
    pub(crate) shelf: Option<Shelf>,
    /// Whether it serves already at some time.
    pub(crate) will_serve: bool,
    /// In which history each issuer's words are.
    pub(crate) branches: Vec<usize>,
}

/// A journal that is looked at.
struct Watched {
    inner: Option<RingJournal>,
    seen: RefCell<Vec<Record>>,
}

impl Journal for Watched {
    fn begin(&mut self, count: usize) -> bool {
        self.inner.begin(count)
    }

    fn note(&mut self, records: impl ExactSizeIterator<Item = Record>) -> Mark {
        let mut seen = self.seen.borrow_mut();
        seen.extend(records);
        self.inner.note(seen.iter().copied())
    }

    fn standing(&self, mark: Mark) -> Standing {
        self.inner.standing(mark)
    }

    fn wait(&self) {}
}

/// The seed of the keys that all engines share.
const CLUSTER: [u8; 32] = [9; 32];
/// A cookie lives so short that a run sees it renewed.
const COOKIE_S: u32 = 120;
const RING: usize = 4096;
/// Devices there may be.
pub(crate) const DEVICES_MAX: u32 = 64;

/// The folder of one issuer's following.
pub(crate) fn follow_folder(n: usize) -> PathBuf {
    PathBuf::from(format!("/state/follow-{}", issuer(n)))
}

/// The folder of gates' records.
pub(crate) const SHELF: &str = "/state/offline-records";

fn instant(now: u64) -> Instant {
    thread_local! { static BEGUN: Instant = Instant::now(); }
    BEGUN.with(|begun| *begun) + Duration::from_millis(now)
}

/// The day of a time; runs have days of UTC.
fn day_of(now: UnixMillis) -> Day {
    Day(u32::try_from(now.0 / 86_400_000).unwrap_or(u32::MAX))
}

impl EngineMachine {
    /// A machine that is off.
    pub(crate) fn new(place: usize, issuers: usize) -> EngineMachine {
        EngineMachine {
            place,
            disk: SimDisk::default(),
            clock: Clock::default(),
            process: None,
            starts: 0,
            acknowledged: HashMap::new(),
            is_rotten: false,
            lost_power: false,
            record_folders: 1,
            served: vec![0; issuers],
            vague: vec![0; issuers],
        }
    }

    fn records_folder(&self, n: u32) -> (Folder, KeyFolder) {
        let records = Folder::on(self.disk.shared(), Path::new(&format!("/records-{n}")));
        let keys = Folder::on(self.disk.shared(), Path::new(&format!("/keys-{n}")));
        (records, KeyFolder::new(keys, Box::new(Secret::new(self.secret()))))
    }

    fn secret(&self) -> [u8; 32] {
        [0x40 + u8::try_from(self.place).unwrap_or(0); 32]
    }

    fn store(&mut self) -> Result<Store, String> {
        loop {
            let (records, keys) = self.records_folder(self.record_folders);
            let identity = Identity::of(&Secret::new(self.secret())).map_err(|error| error.to_string())?;
            let options =
                StoreOptions { segment_bytes: SEGMENT_BYTES_MIN, keep_days: 60, day_of: Box::new(day_of) };
            match Store::open(records, keys, identity, options) {
                Ok(store) => return Ok(store),
                // The message says what to do: keep the folder, begin a new one.
                Err(OpenFault::Damaged { .. }) if self.is_rotten => self.record_folders += 1,
                Err(fault) => return Err(fault.to_string()),
            }
        }
    }

    /// Starts its process.
    ///
    /// # Errors
    /// Why it does not start; it is tried again later.
    pub(crate) fn start(
        &mut self,
        people: &People,
        now: u64,
        issuers: usize,
        records: bool,
        seed: u64,
    ) -> Result<(), String> {
        let date = self.clock.date(now);
        let table = Table::new(Limits::for_holders(issuers, 1000)).map_err(|fault| fault.to_string())?;
        let mut followings = Vec::new();
        for n in 0..issuers {
            let writer = table.writer(issuer(n)).map_err(|fault| fault.to_string())?;
            let place = (writer, table.reader());
            let folder = follow_folder(n);
            let disk = (self.disk.shared(), folder.as_path());
            followings.push(Following::start(n, place, disk, &people.keyring, (now, date), seed)?);
        }
        let shared = Rc::new(Cell::new(date));
        let (mut recorder, mut journal) = (None, None);
        if records {
            let clock: Box<dyn Fn() -> UnixMillis> = {
                let shared = Rc::clone(&shared);
                Box::new(move || shared.get())
            };
            let by_hand = RecorderByHand::new(self.store()?, clock, RING, instant(now));
            (journal, recorder) = (Some(by_hand.journal()), Some(by_hand));
        }
        let shelf = Shelf::open(&self.disk.shared(), Path::new(SHELF)).map_err(|error| error.to_string())?;
        let engine = Engine::new(EngineParts {
            table: table.reader(),
            keyring: people.keyring.clone(),
            sites: people.sites.clone(),
            cluster: ClusterKeys::from_seed(&CLUSTER, date).map_err(|fault| fault.to_string())?,
            devices_max: DEVICES_MAX,
            device_rate: Rate { per_s: 100_000, burst: 100_000 },
            cookie_s: COOKIE_S,
            seen_entries: 4096,
            // So many that none is evicted, which an engine counts and no oracle can know.
            pass_back_entries: 1 << 16,
            suites: Suites::AES,
        });
        let engine = engine.map_err(|fault| fault.to_string())?;
        engine.set_ended_trips(people.ended.clone());
        let watched = Watched { inner: journal, seen: RefCell::default() };
        let spine = Spine::with_journal(Arc::clone(&engine), watched).map_err(|fault| fault.to_string())?;
        self.starts += 1;
        self.process = Some(Process {
            table,
            engine,
            spine,
            recorder,
            date: shared,
            followings,
            inbox: Vec::new(),
            waiting: Vec::new(),
            replies: Box::default(),
            uses: Uses::default(),
            shelf: Some(shelf),
            will_serve: false,
            branches: vec![0; issuers],
        });
        Ok(())
    }
}

impl Process {
    /// Checks what has arrived, at most a batch. Says what each datagram got, and whether there is more.
    pub(crate) fn serve(&mut self, date: UnixMillis) -> (Vec<(Packet, Option<Record>)>, bool) {
        self.date.set(date);
        let count = self.inbox.len().min(BATCH_MAX);
        let packets: Vec<Packet> = self.inbox.drain(..count).collect();
        let mut bytes: Vec<Vec<u8>> = packets.iter().map(|packet| packet.bytes.to_vec()).collect();
        let mut datagrams: Vec<&mut [u8]> = bytes.iter_mut().map(Vec::as_mut_slice).collect();
        let mark = self.spine.check_sealed(date, &mut datagrams, &mut self.replies);
        let records = self.spine.journal().seen.take();
        let mut records = records.into_iter();
        let (mut out, mut told) = (Vec::new(), Vec::new());
        for (index, packet) in packets.into_iter().enumerate() {
            let Some(bytes) = self.replies.get(index) else { continue };
            // Records are noted in the order of their requests.
            let record = records.next();
            out.push(Reply { gate: packet.gate, bytes: *bytes, record });
            told.push((packet, record));
        }
        if !out.is_empty() {
            self.waiting.push((mark, out));
        }
        (told, !self.inbox.is_empty())
    }

    /// Lets the writer of records go on; whether it has more to do at once.
    pub(crate) fn write(&mut self, now: u64, date: UnixMillis) -> bool {
        self.date.set(date);
        self.recorder.as_mut().is_some_and(|recorder| recorder.step(instant(now)))
    }

    /// Whether it keeps records.
    pub(crate) fn has_recorder(&self) -> bool {
        self.recorder.is_some()
    }

    /// Replies whose records are as durable as they must be.
    pub(crate) fn ready(&mut self) -> Vec<Reply> {
        let journal = self.spine.journal();
        let mut ready = Vec::new();
        self.waiting.retain_mut(|(mark, replies)| match journal.standing(*mark) {
            Standing::Durable => {
                ready.append(replies);
                false
            }
            Standing::Lost => false,
            Standing::Pending => true,
        });
        ready
    }

    /// Every word that checks read of an issuer.
    pub(crate) fn words(&self, n: usize) -> Vec<StatusWord> {
        let reader = self.table.reader();
        let Some(slot) = reader.slot(issuer(n)) else { return Vec::new() };
        (0..HOLDERS)
            .map(|holder| reader.lookup(slot, HolderIndex(u32::try_from(holder).unwrap_or(0))))
            .collect()
    }

    /// Batches that wait for their records.
    pub(crate) fn waits(&self) -> usize {
        self.waiting.len()
    }

    /// What a gate without a network is handed out.
    pub(crate) fn hand_out(&self, people: &People, ask: OfflineAsk) -> Result<Vec<u8>, Reason> {
        let of = |wanted| {
            self.followings
                .iter()
                .find(|following| issuer(following.issuer) == wanted)
                .ok_or(Reason::OutOfScope)
        };
        match ask {
            OfflineAsk::Site => Ok(LONE.as_bytes().to_vec()),
            OfflineAsk::TrustList => Ok(people.trust_list.clone()),
            OfflineAsk::Issuers => {
                let mut rows = Vec::new();
                for following in &self.followings {
                    let roles =
                        hufu_codes::chain::Role::ALL.map(|role| authorities(following.issuer).of(role));
                    let [issuer, national, publisher] = roles;
                    let mut row = [0; OfflineIssuer::BYTES];
                    OfflineIssuer { issuer, national, publisher }.write_to(&mut row);
                    rows.extend(row);
                }
                Ok(rows)
            }
            OfflineAsk::List { issuer, from } => {
                let follower = &of(issuer)?.applier;
                let room = Room { holders_max: u32::MAX, exceptions_max: u32::MAX };
                let reader = self.table.reader();
                let file = OfflineFile::of_table(&reader, issuer, follower.tip(), follower.heard(), room);
                let bytes = file.map_err(|_| Reason::Busy)?.to_bytes();
                let rest = bytes.get(from as usize..).unwrap_or_default();
                Ok(rest[..rest.len().min(FRAME_BYTES_MAX)].to_vec())
            }
            OfflineAsk::Chain { issuer, after } => {
                let fits = |sets, bytes| ChainPart::bytes_beside(sets) + bytes <= FRAME_BYTES_MAX;
                let since = of(issuer)?.applier.recent().since(after, fits);
                let sets = since.sets.iter().map(|set| &**set).collect();
                Ok(ChainPart { sets, head: since.head.as_ref().map(|head| &head[..]) }.to_bytes())
            }
        }
    }

    /// Takes records of a gate; up to which counter they are here.
    pub(crate) fn receive(&mut self, device: DeviceId, records: &[u8]) -> Result<u64, Reason> {
        let handover = Handover::read(records).filter(|handover| handover.device == device);
        let shelf = self.shelf.as_mut().ok_or(Reason::Busy)?;
        let received = shelf.receive(device, &handover.ok_or(Reason::OutOfScope)?);
        received.map(|received| received.kept).map_err(|_| Reason::Busy)
    }
}
