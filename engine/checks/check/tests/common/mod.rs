//! A small checkpoint: one issuer, a few holders, two sites, gates with sessions.

#![allow(
    clippy::unwrap_used,
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "each test binary uses its part"
)]

use std::sync::Arc;

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use hufu_check::{
    ClusterKeys, Counters, Durability, Engine, EngineParts, Journal, Mark, Rate, Record, Replies, Spine,
    Standing,
};
use hufu_client::Session;
use hufu_codes::issue::{IssuerSigner, OperatorSigner, code_text};
use hufu_codes::keyring::{Keyring, TrustList, Uses};
use hufu_codes::presentation::{Salt, StepIndex, StepTree};
use hufu_codes::{Credential, Detail};
use hufu_policy::Sites;
use hufu_signature::PreparedKey;
use hufu_table::{Limits, Table, Writer};
use hufu_wire::{
    CheckNumber, CheckRequest, Colour, DeviceGeneration, DeviceId, Enrolled, Grant, HolderIndex, HubId,
    IssuerId, Lane, Reason, RequestHeader, Scope, Sequence, SiteId, StatusWord, Step, Suites, UnixMillis,
    UnixSeconds, Verdict, sealed, write,
};

pub const NOW: UnixMillis = UnixMillis(1_790_000_010_000);
/// Long after every test.
pub const LATER: UnixSeconds = UnixSeconds(u32::MAX);
pub const ISSUER: IssuerId = IssuerId(310_000);
pub const SCHOOL: SiteId = SiteId(1);
pub const STATION: SiteId = SiteId(2);
pub const FAMILIES: SiteId = SiteId(3);
pub const HOTEL: SiteId = SiteId(4);
pub const HUB: HubId = HubId(77);
pub const SEED: [u8; 32] = [5; 32];

pub const GREEN: HolderIndex = HolderIndex(10);
pub const RED: HolderIndex = HolderIndex(11);
pub const AMBER: HolderIndex = HolderIndex(12);
pub const UNKNOWN: HolderIndex = HolderIndex(13);

pub const SITES: &str = r#"
[[site]]
id = 1
name = "School door"
accepts = ["phone", "paper"]
roster = true
pass_back_s = 90

[[site]]
id = 2
name = "North station"
hub = 77
accepts = ["phone", "trip"]
staleness_ms_max = 5000
pass_back_s = 90

[[site]]
id = 3
name = "Kindergarten door"
accepts = ["phone", "family"]

[[site]]
id = 4
name = "Hotel desk"
accepts = ["phone", "paper", "reference"]
staleness_ms_max = 600000
"#;

pub struct Checkpoint {
    pub engine: Arc<Engine>,
    pub spine: Spine,
    pub counters: Arc<Counters>,
    pub signer: IssuerSigner,
    pub table: Table,
    pub writer: Writer,
    pub operator: OperatorSigner,
}

pub struct Gate {
    pub session: Session,
    pub grant: Grant,
}

impl Checkpoint {
    pub fn new() -> Checkpoint {
        Checkpoint::with_rate(Rate { per_s: 1_000_000, burst: 1_000_000 })
    }

    pub fn with_rate(device_rate: Rate) -> Checkpoint {
        Checkpoint::of([3; 32], device_rate, 1024, Suites::AES)
    }

    pub fn of_cluster(seed: [u8; 32]) -> Checkpoint {
        Checkpoint::of(seed, Rate { per_s: 1_000_000, burst: 1_000_000 }, 1024, Suites::AES)
    }

    pub fn with_seen_entries(seen_entries: usize) -> Checkpoint {
        Checkpoint::of([3; 32], Rate { per_s: 1_000_000, burst: 1_000_000 }, seen_entries, Suites::AES)
    }

    /// An engine of the same cluster that offers these suites.
    pub fn offering(suites: Suites) -> Checkpoint {
        Checkpoint::of([3; 32], Rate { per_s: 1_000_000, burst: 1_000_000 }, 1024, suites)
    }

    fn of(cluster_seed: [u8; 32], device_rate: Rate, seen_entries: usize, suites: Suites) -> Checkpoint {
        let signer = IssuerSigner::from_seed(&[1; 32], ISSUER);
        let operator = OperatorSigner::from_seed(&[2; 32]);
        let table = Table::new(Limits::for_holders(2, 1000)).unwrap();
        let mut writer = table.writer(ISSUER).unwrap();
        for (holder, colour) in [(GREEN, Colour::Green), (RED, Colour::Red), (AMBER, Colour::Amber)] {
            writer.set(holder, StatusWord::new(colour, 1)).unwrap();
        }
        for holder in 100..200 {
            writer.set(HolderIndex(holder), StatusWord::new(Colour::Green, 1)).unwrap();
        }
        writer.advance(Sequence(4), UnixMillis(NOW.0 - 700)).unwrap();
        let engine = Engine::new(EngineParts {
            table: table.reader(),
            keyring: keyring(&operator, 1, &[(&signer, false)]),
            sites: Sites::parse(SITES, "sites.toml").unwrap(),
            cluster: ClusterKeys::from_seed(&cluster_seed, NOW).unwrap(),
            devices_max: 64,
            device_rate,
            cookie_s: 3600,
            suites,
            seen_entries,
            pass_back_entries: 1024,
        })
        .unwrap();
        let spine = Spine::new(Arc::clone(&engine)).unwrap();
        let counters = spine.counters();
        Checkpoint { engine, spine, counters, signer, table, writer, operator }
    }

    pub fn gate(&self, device: u32, site: SiteId) -> Gate {
        self.gate_at(device, site, NOW)
    }

    pub fn gate_at(&self, device: u32, site: SiteId, now: UnixMillis) -> Gate {
        self.enrol(grant(device, 0, site), now)
    }

    /// A gate that has just enrolled.
    pub fn enrol(&self, grant: Grant, now: UnixMillis) -> Gate {
        Gate { session: Session::new(self.engine.enrol(grant, 1, LATER, now).unwrap()), grant }
    }

    /// The holder's credential, generation 1, of `detail`'s kind.
    pub fn credential(&self, holder: HolderIndex, detail: Detail) -> Credential<'static> {
        let issued = UnixSeconds(NOW.seconds().0 - 600);
        let on_paper = matches!(detail, Detail::Paper | Detail::Family);
        let validity_s = if on_paper { 7 * 86_400 } else { 86_400 };
        Credential {
            key: self.signer.key(),
            issued,
            expires: UnixSeconds(issued.0 + validity_s),
            holder,
            generation: 1,
            display: "张*1234",
            detail,
        }
    }

    /// The text of a phone code of this holder as shown in `step`.
    pub fn phone_in(&self, holder: HolderIndex, step: Step) -> String {
        let phone = Detail::Phone { root: [0; 16], origin: NOW.seconds().step() };
        let mut credential = self.credential(holder, phone);
        let origin = Step(credential.issued.step().0);
        let salt = Salt::of(credential.key, holder, credential.generation, origin, credential.issued);
        let tree = StepTree::new(&SEED, &salt);
        credential.detail = Detail::Phone { root: tree.root(), origin };
        let presentation = tree.present(StepIndex::of(step, origin).unwrap());
        code_text(&self.signer.sign_credential(&credential).unwrap(), Some(&presentation))
    }

    pub fn phone(&self, holder: HolderIndex) -> String {
        self.phone_in(holder, NOW.seconds().step())
    }

    pub fn paper(&self, holder: HolderIndex) -> String {
        code_text(&self.signer.sign_credential(&self.credential(holder, Detail::Paper)).unwrap(), None)
    }

    pub fn family(&self, holder: HolderIndex) -> String {
        code_text(&self.signer.sign_credential(&self.credential(holder, Detail::Family)).unwrap(), None)
    }

    pub fn trip(&self, holder: HolderIndex, hub: HubId) -> String {
        let now = NOW.seconds().0;
        let trip = Detail::Trip { hub, from: UnixSeconds(now - 60), until: UnixSeconds(now + 60) };
        code_text(&self.signer.sign_credential(&self.credential(holder, trip)).unwrap(), None)
    }

    /// What the engine answers to one datagram.
    pub fn answer_at(&mut self, now: UnixMillis, datagram: &[u8]) -> Option<[u8; sealed::REPLY_BYTES]> {
        let mut replies = Replies::new();
        let mut datagram = datagram.to_vec();
        let length = datagram.len();
        self.spine.check_sealed(now, &mut [&mut datagram], &mut replies);
        let reply = replies.get(0).copied();
        assert!(reply.is_none_or(|reply| reply.len() < length), "a reply is shorter than its request");
        reply
    }

    pub fn answer(&mut self, datagram: &[u8]) -> Option<[u8; sealed::REPLY_BYTES]> {
        self.answer_at(NOW, datagram)
    }

    /// The verdict on `code` shown at `gate`.
    pub fn show_at(&mut self, now: UnixMillis, gate: &mut Gate, code: &str) -> Verdict {
        let request = gate.request(code);
        let reply = self.answer_at(now, &request).expect("an answer");
        gate.session.open(&reply).unwrap()
    }

    pub fn show(&mut self, gate: &mut Gate, code: &str) -> Verdict {
        self.show_at(NOW, gate, code)
    }

    /// The verdict on a request, just as it is.
    pub fn ask_at(&mut self, now: UnixMillis, gate: &mut Gate, request: &CheckRequest<'_>) -> Verdict {
        let mut bytes = vec![0; Session::REQUEST_BYTES_MAX];
        let (_, length) = gate.session.seal_request(request, &mut bytes).unwrap();
        let reply = self.answer_at(now, &bytes[..length]).expect("an answer");
        gate.session.open(&reply).unwrap()
    }

    pub fn reason(&mut self, gate: &mut Gate, code: &str) -> Reason {
        let verdict = self.show(gate, code);
        assert_eq!(verdict.decision == hufu_wire::Decision::Admit, verdict.reason == Reason::Clear);
        verdict.reason
    }
}

impl Gate {
    /// The sealed request for `code`.
    pub fn request(&mut self, code: &str) -> Vec<u8> {
        self.request_of(Lane(0), code)
    }

    /// The sealed request of one lane for `code`.
    pub fn request_of(&mut self, lane: Lane, code: &str) -> Vec<u8> {
        let mut bytes = vec![0; Session::REQUEST_BYTES_MAX];
        let (_, length) = self.session.seal(code.as_bytes(), lane, &mut bytes).unwrap();
        bytes.truncate(length);
        bytes
    }

    /// Numbers that never reach the engine.
    pub fn skip(&mut self, numbers: u64) {
        (0..numbers).for_each(|_| drop(self.request("")));
    }
}

/// An authentic packet of this session whose plain text is `plain`.
pub fn sealed_by_hand(enrolled: &Enrolled, number: CheckNumber, plain: &[u8]) -> Vec<u8> {
    let (epoch, cookie_nonce, cookie) = (enrolled.epoch, enrolled.cookie_nonce, enrolled.cookie);
    let mut datagram = vec![0; sealed::REQUEST_HEADER_BYTES];
    write(&RequestHeader { epoch, cookie_nonce, cookie, number }, &mut datagram).unwrap();
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &enrolled.keys.request).unwrap());
    let nonce = Nonce::assume_unique_for_key(number.nonce());
    let mut cipher = plain.to_vec();
    key.seal_in_place_append_tag(nonce, Aad::from(&datagram), &mut cipher).unwrap();
    datagram.extend(cipher);
    datagram
}

/// A journal that keeps all records, in the order in which they were noted.
#[derive(Default)]
pub struct Recorder {
    pub records: Vec<Record>,
    /// As a journal whose disk is full.
    pub full: bool,
    /// The sizes of the batches that began.
    pub begun: Vec<usize>,
}

impl Recorder {
    /// With room for so many records, so that noting them allocates nothing.
    pub fn with_room(records: usize) -> Recorder {
        Recorder { records: Vec::with_capacity(records), full: false, begun: Vec::with_capacity(records) }
    }
}

impl Journal for Recorder {
    fn begin(&mut self, count: usize) -> bool {
        self.begun.push(count);
        !self.full
    }

    fn note(&mut self, records: impl ExactSizeIterator<Item = Record>) -> Mark {
        let before = self.records.len();
        self.records.extend(records);
        let noted = &self.records[before..];
        assert!(!self.full && noted.len() <= *self.begun.last().unwrap(), "not more than began");
        let durability = noted.iter().map(|record| record.durability).max().unwrap_or(Durability::Memory);
        Mark { position: self.records.len() as u64, durability }
    }

    fn standing(&self, _: Mark) -> Standing {
        Standing::Durable
    }

    fn wait(&self) {}
}

/// What the certificate of a device grants.
pub fn grant(device: u32, generation: u32, site: SiteId) -> Grant {
    Grant {
        device: DeviceId(device),
        generation: DeviceGeneration(generation),
        site,
        scope: Scope::CHECKS_AND_ROSTERS,
    }
}

/// A keyring of these keys, each with whether it is revoked.
pub fn keyring(operator: &OperatorSigner, version: u64, keys: &[(&IssuerSigner, bool)]) -> Keyring {
    let day = 86_400;
    let now = NOW.seconds();
    let listed: Vec<_> = keys
        .iter()
        .map(|(signer, revoked)| {
            let from = UnixSeconds(now.0 - 30 * day);
            let mut key = signer.listed(Uses::CODES, from, from, UnixSeconds(now.0 + 30 * day));
            key.revoked = *revoked;
            key
        })
        .collect();
    let list = TrustList::sign(version, now, &listed, operator);
    let list = TrustList::open(&list, &PreparedKey::new(operator.public()).unwrap()).unwrap();
    Keyring::empty().update(&list, now).unwrap()
}
