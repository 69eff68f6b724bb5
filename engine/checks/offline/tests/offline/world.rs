//! One issuer with its table, its chain and its codes; sites; a gate.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hufu_codes::chain::{Authorities, AuthoritySigner, Tip, open_instruction};
use hufu_codes::issue::{IssuerSigner, OperatorSigner, code_text};
use hufu_codes::keyring::{Keyring, ListedKey, TrustList, Uses};
use hufu_codes::{Credential, Detail};
use hufu_offline::{Book, BookId, DRIFT_PPM, OfflineClock, OfflineFile, OfflineGate, Room};
use hufu_policy::Sites;
use hufu_signature::PreparedKey;
use hufu_table::{Disk, Limits, OsDisk, Table, Writer};
use hufu_wire::chain::{Change, Changes, Content, InputsDigest, Proposed, Record};
use hufu_wire::{
    DeviceGeneration, DeviceId, Grant, HolderIndex, IssuerId, RuleId, Scope, SiteId, StatusWord, UnixMillis,
    UnixSeconds,
};

pub(crate) const ISSUER: IssuerId = IssuerId(110_000);
pub(crate) const NATIONAL: IssuerId = IssuerId(100_000);
pub(crate) const PUBLISHER: IssuerId = IssuerId(900_001);
/// When the gate's network goes.
pub(crate) const START: UnixMillis = UnixMillis(1_790_000_000_000);
/// The same by the machine's own clock.
pub(crate) const BOOT: Duration = Duration::from_secs(1000);
pub(crate) const DEVICE: DeviceId = DeviceId(7);

pub(crate) const SITES: &str = r#"
[[site]]
id = 1
name = "Door"
accepts = ["paper"]
offline_age_s_max = 7200
pass_back_s = 60
pass_back_by = "lane"

[[site]]
id = 2
name = "Clinic"
accepts = ["paper"]
offline_age_s_max = 7200
test_age_max_h = 48
doses_min = 1
pass_back_s = 0

[[site]]
id = 3
name = "Office"
accepts = ["paper"]
pass_back_s = 0
"#;

/// The table, its chain, and every word as it was after each change set.
pub(crate) struct World {
    pub(crate) table: Table,
    pub(crate) writer: Writer,
    pub(crate) tip: Tip,
    pub(crate) words: BTreeMap<u32, StatusWord>,
}

pub(crate) fn authorities() -> Authorities {
    Authorities::new(ISSUER, NATIONAL, PUBLISHER).unwrap()
}

fn local() -> AuthoritySigner {
    AuthoritySigner::from_seed(&[1; 32], ISSUER)
}

pub(crate) fn national() -> AuthoritySigner {
    AuthoritySigner::from_seed(&[2; 32], NATIONAL)
}

fn publisher() -> AuthoritySigner {
    AuthoritySigner::from_seed(&[3; 32], PUBLISHER)
}

fn codes() -> IssuerSigner {
    IssuerSigner::from_seed(&[4; 32], ISSUER)
}

pub(crate) fn operator() -> OperatorSigner {
    OperatorSigner::from_seed(&[5; 32])
}

/// The operator's trust list. From the second one on the local authority's key is revoked.
pub(crate) fn trust_list(version: u64) -> Vec<u8> {
    let since = UnixSeconds(1_780_000_000);
    let until = UnixSeconds(u32::MAX);
    let instructs = local().listed(Uses::INSTRUCTION, since, since, until);
    let keys = [
        ListedKey { revoked: version > 1, ..instructs },
        national().listed(Uses::CONFIRMATION, since, since, until),
        publisher().listed(Uses::HEAD, since, since, until),
        codes().listed(Uses::CODES, since, since, until),
    ];
    TrustList::sign(version, since, &keys, &operator())
}

pub(crate) fn keyring() -> Keyring {
    let list = trust_list(1);
    let list = TrustList::open(&list, &PreparedKey::new(operator().public()).unwrap()).unwrap();
    Keyring::empty().update(&list, START.seconds()).unwrap()
}

impl World {
    /// A table of these words, with an empty chain.
    pub(crate) fn new(words: &[(u32, StatusWord)]) -> World {
        let table = Table::new(Limits::for_holders(1, 2_000_000)).unwrap();
        let writer = table.writer(ISSUER).unwrap();
        let mut world = World { table, writer, tip: Tip::START, words: BTreeMap::new() };
        for (holder, word) in words {
            world.set(*holder, *word);
        }
        world
    }

    pub(crate) fn set(&mut self, holder: u32, word: StatusWord) {
        self.writer.set(HolderIndex(holder), word).unwrap();
        self.words.insert(holder, word);
    }

    pub(crate) fn word(&self, holder: u32) -> StatusWord {
        self.words.get(&holder).copied().unwrap_or_default()
    }

    /// The next change set, confirmed at `now`; the table has it at once.
    pub(crate) fn change(&mut self, now: UnixMillis, changes: &[(u32, Change)]) -> Vec<u8> {
        let bytes = self.signed(&national(), now, changes);
        for (holder, change) in changes {
            self.set(*holder, change.apply(self.word(*holder)));
        }
        let set = hufu_codes::chain::Unconfirmed::read(&bytes, &authorities()).unwrap();
        self.tip = *set.confirm(&keyring(), hufu_signature::backend()).unwrap().tip();
        self.writer.advance(self.tip.sequence, now).unwrap();
        bytes
    }

    /// A change set in the next place that `confirms` has confirmed.
    pub(crate) fn signed(
        &self,
        confirms: &AuthoritySigner,
        now: UnixMillis,
        changes: &[(u32, Change)],
    ) -> Vec<u8> {
        let records: Vec<_> =
            changes.iter().map(|(holder, change)| Record::new(HolderIndex(*holder), *change)).collect();
        let content = Content {
            proposed: Proposed::from(UnixMillis(now.0 - 1)),
            valid_s: 60,
            rule: RuleId(7),
            inputs: InputsDigest([0x55; 32]),
            local_key: local().key(),
            reason: "contact of a case",
            changes: Changes::new(&records).unwrap(),
        };
        let instruction = local().instruct(&content).unwrap();
        let backend = hufu_signature::backend();
        let instruction = open_instruction(&instruction, &authorities(), &keyring(), backend).unwrap();
        confirms.confirm(&instruction, &self.tip, now).unwrap()
    }

    /// The publisher's head of the chain as it is.
    pub(crate) fn head(&self, now: UnixMillis) -> Vec<u8> {
        publisher().head(ISSUER, &self.tip, now).to_vec()
    }

    /// The list of the table now, as of `heard`.
    pub(crate) fn file(&self, heard: UnixMillis) -> OfflineFile {
        let room = Room::for_holders(2_000_000);
        OfflineFile::of_table(&self.table.reader(), ISSUER, &self.tip, Some(heard), room).unwrap()
    }
}

/// A paper code of this holder.
pub(crate) fn paper(holder: u32, generation: u8) -> String {
    let issued = UnixSeconds(START.seconds().0 - 600);
    let credential = Credential {
        key: codes().key(),
        issued,
        expires: UnixSeconds(issued.0 + 7 * 86_400),
        holder: HolderIndex(holder),
        generation,
        display: "张*1234",
        detail: Detail::Paper,
    };
    code_text(&codes().sign_credential(&credential).unwrap(), None)
}

pub(crate) fn grant(site: u32) -> Grant {
    Grant {
        device: DEVICE,
        generation: DeviceGeneration(0),
        site: SiteId(site),
        scope: Scope::CHECKS_AND_ROSTERS,
    }
}

/// A gate of this site whose engine told the time at [`START`] and which has no list yet.
pub(crate) fn gate_on(disk: &Arc<dyn Disk>, folder: &std::path::Path, site: u32) -> OfflineGate {
    let book = Book::open(disk, &folder.join("records"), DEVICE, BookId([9; 16]), 1000).unwrap();
    let mut clock = OfflineClock::new(DRIFT_PPM);
    clock.authenticate(START, BOOT);
    let sites = Sites::parse(SITES, "sites.toml").unwrap();
    OfflineGate::new(grant(site), keyring(), &sites, clock, book).unwrap()
}

/// The same with the list of the world as it is, heard of at [`START`], and the folder of its book.
pub(crate) fn gate(world: &World, site: u32) -> (OfflineGate, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut gate = gate_on(&OsDisk::shared(), folder.path(), site);
    gate.take_list(world.file(START), authorities(), &mut Vec::new()).unwrap();
    (gate, folder)
}

/// The machine's clock so many milliseconds after the network went.
pub(crate) fn after(ms: u64) -> Duration {
    BOOT + Duration::from_millis(ms)
}
