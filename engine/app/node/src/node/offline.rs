//! What this engine hands out to gates that go on without a network, and where it keeps their records (R06).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use hufu_check::Engine;
use hufu_codes::chain::{Authorities, Role};
use hufu_follow::Following;
use hufu_offline::{ChainPart, Handover, OfflineFile, Received, Room, Shelf};
use hufu_table::OsDisk;
use hufu_transport::{Exhibit, Family, Offline};
use hufu_wire::limits::FRAME_BYTES_MAX;
use hufu_wire::{
    Grant, IssuerId, Message as _, OfflineAsk, OfflineIssuer, Reason, RecordsKept, Scope, Sequence, SiteId,
};

use super::chains::Followed;

/// The folder of gates' records, in the engine's state.
const RECORDS: &str = "offline-records";

/// A list is made again for gates that come later than this. Its chain takes each gate from there on.
const LIST_AGE_MAX: Duration = Duration::from_secs(30);

/// Any number of holders; each gate has a limit of its own.
const ROOM: Room = Room { holders_max: u32::MAX, exceptions_max: u32::MAX };

/// Lists, chains, policies and the trust list for gates, and their records.
pub(super) struct HandOut {
    engine: Arc<Engine>,
    followed: Followed,
    authorities: Vec<Authorities>,
    given: Mutex<Given>,
    lists: Mutex<BTreeMap<IssuerId, Made>>,
    shelf: Mutex<Shelf>,
    records: AtomicU64,
    missing: AtomicU64,
}

/// What comes from the engine's files.
#[derive(Default)]
struct Given {
    trust_list: Arc<[u8]>,
    /// Of each site whose gates may go on without a network.
    sites: BTreeMap<SiteId, Arc<[u8]>>,
}

struct Made {
    at: Instant,
    bytes: Arc<[u8]>,
}

impl HandOut {
    /// Nothing is handed out until [`set_sites`](Self::set_sites) and [`set_trust_list`](Self::set_trust_list).
    ///
    /// # Errors
    /// The folder for gates' records cannot be used.
    pub(super) fn open(
        engine: &Arc<Engine>,
        (followed, authorities): (Followed, Vec<Authorities>),
        state: &Path,
    ) -> anyhow::Result<HandOut> {
        let folder = state.join(RECORDS);
        let shelf = Shelf::open(&OsDisk::shared(), &folder)
            .with_context(|| format!("{} cannot be used for records of gates", folder.display()))?;
        Ok(HandOut {
            engine: Arc::clone(engine),
            followed,
            authorities,
            given: Mutex::default(),
            lists: Mutex::default(),
            shelf: Mutex::new(shelf),
            records: AtomicU64::new(0),
            missing: AtomicU64::new(0),
        })
    }

    /// The trust list that counts now, signed.
    pub(super) fn set_trust_list(&self, signed: &[u8]) {
        lock(&self.given).trust_list = signed.into();
    }

    /// The text of the file of sites that the engine goes by.
    ///
    /// # Errors
    /// It is no such text.
    pub(super) fn set_sites(&self, text: &str) -> anyhow::Result<()> {
        let sites = texts(text, &self.engine)?;
        lock(&self.given).sites = sites;
        Ok(())
    }

    /// The issuers that the site recognises, and that can have a list.
    fn issuers(&self, site: SiteId) -> Vec<&Authorities> {
        let sites = self.engine.sites();
        let recognises = |issuer| sites.get(site).is_some_and(|policy| policy.issuers.recognise(issuer));
        self.authorities.iter().filter(|authorities| recognises(authorities.issuer())).collect()
    }

    fn table_of_issuers(&self, site: SiteId) -> Vec<u8> {
        let mut table = Vec::new();
        for authorities in self.issuers(site) {
            let [issuer, national, publisher] = Role::ALL.map(|role| authorities.of(role));
            let mut row = [0; OfflineIssuer::BYTES];
            OfflineIssuer { issuer, national, publisher }.write_to(&mut row);
            table.extend(row);
        }
        table
    }

    /// A part of a list. One that is read from its beginning is not old.
    fn list(&self, issuer: IssuerId, from: usize) -> Result<Vec<u8>, Reason> {
        let mut lists = lock(&self.lists);
        let is_old = |made: &Made| from == 0 && made.at.elapsed() > LIST_AGE_MAX;
        let made = lists.get(&issuer).filter(|made| !is_old(made)).map(|made| Arc::clone(&made.bytes));
        let bytes = if let Some(bytes) = made {
            bytes
        } else {
            let bytes: Arc<[u8]> = self.make(issuer)?.into();
            lists.insert(issuer, Made { at: Instant::now(), bytes: Arc::clone(&bytes) });
            bytes
        };
        let rest = bytes.get(from..).unwrap_or_default();
        Ok(rest[..rest.len().min(FRAME_BYTES_MAX)].to_vec())
    }

    fn of_following<T>(&self, issuer: IssuerId, of: impl FnOnce(&Following) -> T) -> Result<T, Reason> {
        let followed = lock(&self.followed);
        followed.iter().find(|following| following.issuer() == issuer).map(of).ok_or(Reason::OutOfScope)
    }

    fn make(&self, issuer: IssuerId) -> Result<Vec<u8>, Reason> {
        let status = self.of_following(issuer, Following::status)?;
        let file = OfflineFile::of_table(self.engine.table(), issuer, &status.tip, status.heard, ROOM);
        file.map(|file| file.to_bytes()).map_err(|fault| {
            tracing::error!("issuer {issuer}: no list for gates without a network: {fault}");
            Reason::Busy
        })
    }

    fn chain(&self, issuer: IssuerId, after: Sequence) -> Result<Vec<u8>, Reason> {
        let recent = self.of_following(issuer, |following| Arc::clone(following.recent()))?;
        let since =
            recent.since(after, |sets, bytes| ChainPart::bytes_beside(sets) + bytes <= FRAME_BYTES_MAX);
        let sets = since.sets.iter().map(|set| &**set).collect();
        Ok(ChainPart { sets, head: since.head.as_ref().map(|head| &head[..]) }.to_bytes())
    }

    fn tell(&self, grant: &Grant, received: Received) {
        let device = grant.device;
        self.records.fetch_add(received.fresh as u64, Relaxed);
        if received.fresh > 0 {
            tracing::info!("device {device}: {} records of checks without a network", received.fresh);
        }
        if let Some(missing) = received.missing {
            self.missing.fetch_add(missing.count, Relaxed);
            tracing::warn!(
                "device {device}: {} records of checks without a network never came here, from number {} on: another \
                 engine may have them, or the device lost them",
                missing.count,
                missing.from
            );
        }
    }
}

impl Offline for HandOut {
    fn part(&self, grant: &Grant, ask: OfflineAsk) -> Result<Vec<u8>, Reason> {
        let given = {
            let given = lock(&self.given);
            let site = given.sites.get(&grant.site).filter(|_| grant.scope.allows(Scope::CHECKS));
            (Arc::clone(site.ok_or(Reason::OutOfScope)?), Arc::clone(&given.trust_list))
        };
        let ensure_recognised = |issuer| {
            let recognised =
                self.issuers(grant.site).iter().any(|authorities| authorities.issuer() == issuer);
            recognised.then_some(()).ok_or(Reason::OutOfScope)
        };
        match ask {
            OfflineAsk::Site => Ok(given.0.to_vec()),
            OfflineAsk::TrustList => Ok(given.1.to_vec()),
            OfflineAsk::Issuers => Ok(self.table_of_issuers(grant.site)),
            OfflineAsk::List { issuer, from } => {
                ensure_recognised(issuer)?;
                self.list(issuer, from as usize)
            }
            OfflineAsk::Chain { issuer, after } => {
                ensure_recognised(issuer)?;
                self.chain(issuer, after)
            }
        }
    }

    fn receive(&self, grant: &Grant, records: &[u8]) -> Result<RecordsKept, Reason> {
        let handover = Handover::read(records).filter(|handover| handover.device == grant.device);
        let received = lock(&self.shelf).receive(grant.device, &handover.ok_or(Reason::OutOfScope)?);
        match received {
            Ok(received) => {
                self.tell(grant, received);
                Ok(RecordsKept(received.kept))
            }
            Err(fault) => {
                tracing::error!("device {}: its records are not taken: {fault}", grant.device);
                Err(Reason::Busy)
            }
        }
    }
}

impl Exhibit for HandOut {
    fn families(&self) -> Vec<Family> {
        vec![
            Family::count(
                "offline_records",
                "Records of checks without a network that gates handed over",
                self.records.load(Relaxed),
            ),
            Family::count(
                "offline_records_missing",
                "Records of checks without a network that never came to this engine",
                self.missing.load(Relaxed),
            ),
        ]
    }
}

/// The table of each site whose gates may go on without a network, as a file of its own.
fn texts(text: &str, engine: &Engine) -> anyhow::Result<BTreeMap<SiteId, Arc<[u8]>>> {
    let table: toml::Table = text.parse()?;
    let sites = engine.sites();
    let mut texts = BTreeMap::new();
    for site in table.get("site").and_then(toml::Value::as_array).into_iter().flatten() {
        let id = site.get("id").and_then(toml::Value::as_integer).and_then(|id| u32::try_from(id).ok());
        let policy = id.and_then(|id| sites.get(SiteId(id)));
        if let Some(policy) = policy.filter(|policy| policy.offline_age_s_max.is_some()) {
            let file = toml::Table::from_iter([("site".to_owned(), toml::Value::Array(vec![site.clone()]))]);
            texts.insert(policy.id, toml::to_string(&file)?.into_bytes().into());
        }
    }
    Ok(texts)
}

fn lock<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is done under each of these locks leaves it whole.
    held.lock().unwrap_or_else(PoisonError::into_inner)
}
