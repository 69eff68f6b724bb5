//! What a gate without a network costs in a city: the size of its list, its memory, a decision, catching up with a day.
//!
//! `cargo run --release -p hufu-offline --example city [-- HOLDERS [FOLDER]]`; docs/PERFORMANCE.md has the figures. FOLDER
//! gets an engine's answers as files, for a gate that asks for them there (`gatekit/examples/offline.c`).

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, missing_docs, reason = "a measurement")]

use std::time::{Duration, Instant};

use hufu_codes::chain::{Authorities, AuthoritySigner, Tip, Unconfirmed, open_instruction};
use hufu_codes::issue::{IssuerSigner, OperatorSigner, code_text};
use hufu_codes::keyring::{Keyring, TrustList, Uses};
use hufu_codes::{Credential, Detail};
use hufu_offline::{Book, BookId, ChainPart, DRIFT_PPM, OfflineClock, OfflineFile, OfflineGate, Room};
use hufu_policy::Sites;
use hufu_signature::PreparedKey;
use hufu_table::{Limits, OsDisk, Table};
use hufu_wire::chain::{Change, Changes, Content, InputsDigest, Proposed, Record};
use hufu_wire::{
    Colour, DeviceGeneration, DeviceId, Enrolled, Grant, HolderIndex, IssuerId, KeyEpoch, Lane, Message as _,
    OfflineIssuer, Reason, RuleId, Scope, SessionKeys, SiteId, StatusWord, Suite, UnixMillis, UnixSeconds,
    sealed,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

const ISSUER: IssuerId = IssuerId(310_000);
const NATIONAL: IssuerId = IssuerId(100_000);
const START: UnixMillis = UnixMillis(1_790_000_000_000);
/// Change sets of a day: one every three minutes.
const SETS: u64 = 480;
const DECISIONS: u32 = 20_000;

fn main() {
    let holders: u32 = std::env::args().nth(1).map_or(10_000_000, |text| text.parse().unwrap());
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let local = AuthoritySigner::from_seed(&[1; 32], ISSUER);
    let national = AuthoritySigner::from_seed(&[2; 32], NATIONAL);
    let codes = IssuerSigner::from_seed(&[3; 32], ISSUER);
    let authorities = Authorities::new(ISSUER, NATIONAL, NATIONAL).unwrap();
    let keyring = keyring(&local, &national, &codes);
    let backend = hufu_signature::backend();

    // 4 % are not green, in random places: of 100 of those 60 are amber. One in 200 has lost a phone.
    let table = Table::new(Limits::for_holders(1, holders.into())).unwrap();
    let mut writer = table.writer(ISSUER).unwrap();
    for holder in 0..holders {
        let colour = match random.next_u32() % 1000 {
            0..16 => Colour::Red,
            16..40 => Colour::Amber,
            _ => Colour::Green,
        };
        let generation = 1 + u8::from(random.next_u32() % 200 == 0);
        writer.set(HolderIndex(holder), StatusWord::new(colour, generation)).unwrap();
    }
    let room = Room::for_holders(holders + 1);
    let began = Instant::now();
    let file = OfflineFile::of_table(&table.reader(), ISSUER, &Tip::START, Some(START), room).unwrap();
    let bytes = file.to_bytes();
    let made = began.elapsed();
    drop((file, writer, table));

    let began = Instant::now();
    let file = OfflineFile::read(&bytes, room).unwrap();
    println!("{holders} holders, 4 % not green, 0.5 % with a raised generation");
    println!("list          {} bytes, made in {made:.0?}, read in {:.0?}", bytes.len(), began.elapsed());
    println!("memory        {} bytes", file.list.memory_bytes());

    // A day in which 1 % of the holders change.
    let mut tip = Tip::START;
    let sets: Vec<Vec<u8>> = (1..=SETS)
        .map(|number| {
            let mut changed: Vec<u32> =
                (0..u64::from(holders) / 100 / SETS).map(|_| random.next_u32() % holders).collect();
            changed.sort_unstable();
            changed.dedup();
            let change = |holder: u32| match holder % 10 {
                0 => Change::Generation(2),
                1..5 => Change::Status(StatusWord::new(Colour::Red, 0)),
                _ => Change::Status(StatusWord::new(Colour::Green, 0)),
            };
            let records: Vec<_> =
                changed.iter().map(|holder| Record::new(HolderIndex(*holder), change(*holder))).collect();
            let now = UnixMillis(START.0 + number * 180_000);
            let content = Content {
                proposed: Proposed::from(UnixMillis(now.0 - 1)),
                valid_s: 60,
                rule: RuleId(1),
                inputs: InputsDigest([0; 32]),
                local_key: local.key(),
                reason: "a day",
                changes: Changes::new(&records).unwrap(),
            };
            let instruction = local.instruct(&content).unwrap();
            let instruction = open_instruction(&instruction, &authorities, &keyring, backend).unwrap();
            let set = national.confirm(&instruction, &tip, now).unwrap();
            let read = Unconfirmed::read(&set, &authorities).unwrap();
            tip = *read.confirm(&keyring, backend).unwrap().tip();
            set
        })
        .collect();

    if let Some(folder) = std::env::args().nth(2) {
        answers(std::path::Path::new(&folder), &keyring, &bytes, &sets, &codes, holders);
    }

    // A folder in memory, so that the disk's own time is apart.
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let mut gate = gate(&keyring, folder.path());
    gate.take_list(file, authorities, &mut Vec::new()).unwrap();
    let day = Duration::from_secs(86_400);
    gate.clock().authenticate(UnixMillis(START.0 + 86_400_000), day);
    let (began, mut turned_red) = (Instant::now(), Vec::new());
    for set in &sets {
        gate.change_set(day, ISSUER, set, &mut turned_red).unwrap();
    }
    let changed: u64 = gate.lists()[0].counters().changes_applied;
    println!("a day         {SETS} sets, {changed} changes, caught up in {:.0?}", began.elapsed());
    println!("memory then   {} bytes", gate.lists()[0].words().memory_bytes());

    // Each code is another holder's: no signature was verified before.
    let codes: Vec<String> =
        (0..DECISIONS).map(|_| paper(&codes, HolderIndex(random.next_u32() % holders))).collect();
    let mut took: Vec<Duration> = Vec::with_capacity(codes.len());
    let mut admitted = 0;
    for code in &codes {
        let began = Instant::now();
        let verdict = gate.check(day, Lane(0), code.as_bytes()).unwrap().verdict;
        took.push(began.elapsed());
        admitted += u32::from(verdict.reason == Reason::Clear);
    }
    took.sort_unstable();
    let at = |share: usize| took[(took.len() - 1) * share / 1000];
    println!(
        "decision      half {:.0?}, 99 % {:.0?}, 99.9 % {:.0?}; {admitted} of {DECISIONS} admitted",
        at(500),
        at(990),
        at(999)
    );
    println!("resident      {}", resident());
}

fn keyring(local: &AuthoritySigner, national: &AuthoritySigner, codes: &IssuerSigner) -> Keyring {
    let operator = OperatorSigner::from_seed(&[4; 32]);
    let (since, until) = (UnixSeconds(1_780_000_000), UnixSeconds(u32::MAX));
    let keys = [
        local.listed(Uses::INSTRUCTION, since, since, until),
        national.listed(Uses::CONFIRMATION, since, since, until),
        codes.listed(Uses::CODES, since, since, until),
    ];
    let list = TrustList::sign(1, since, &keys, &operator);
    let list = TrustList::open(&list, &PreparedKey::new(operator.public()).unwrap()).unwrap();
    Keyring::empty().update(&list, START.seconds()).unwrap()
}

const SITE: &str =
    "[[site]]\nid = 1\nname = 'Hall'\naccepts = ['paper']\noffline_age_s_max = 172800\npass_back_s = 60\n";
const GRANT: Grant =
    Grant { device: DeviceId(1), generation: DeviceGeneration(0), site: SiteId(1), scope: Scope::CHECKS };

/// Writes what an engine answers a day later, each answer under its path, and 1,000 codes.
fn answers(
    folder: &std::path::Path,
    keyring: &Keyring,
    list: &[u8],
    sets: &[Vec<u8>],
    signer: &IssuerSigner,
    holders: u32,
) {
    /// Change sets of one answer: half of what one has room for.
    const PART: usize = 100;
    let put = |path: &str, bytes: &[u8]| {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    let enrolled = Enrolled {
        server_time: UnixMillis(START.0 + 86_400_000),
        grant: GRANT,
        issued: START.seconds(),
        expires: START.seconds(),
        udp_port: 0,
        epoch: KeyEpoch(0),
        cookie_nonce: [0; 12],
        cookie: [0; sealed::COOKIE_BYTES],
        suite: Suite::Aes,
        keys: SessionKeys { request: [0; 16], reply: [0; 16] },
    };
    let issuer = OfflineIssuer { issuer: ISSUER, national: NATIONAL, publisher: NATIONAL };
    let message = |size: usize, write: &dyn Fn(&mut [u8])| {
        let mut bytes = vec![0; size];
        write(&mut bytes);
        bytes
    };
    put("v1/enrol", &message(enrolled.size(), &|bytes| enrolled.write_to(bytes)));
    put("v1/offline/issuers", &message(issuer.size(), &|bytes| issuer.write_to(bytes)));
    put("v1/offline/site", SITE.as_bytes());
    put("v1/offline/trust-list", keyring.list().signed());
    put(&format!("v1/offline/lists/{ISSUER}?from=0"), list);
    for (part, sets) in sets.chunks(PART).chain([&[][..]]).enumerate() {
        let after = if sets.is_empty() { SETS as usize } else { part * PART };
        let part = ChainPart { sets: sets.iter().map(|set| &**set).collect(), head: None };
        put(&format!("v1/offline/chains/{ISSUER}?after={after}"), &part.to_bytes());
    }
    let scans: String = (0..1000).map(|n| paper(signer, HolderIndex(n * (holders / 1000))) + "\n").collect();
    put("scans", scans.as_bytes());
}

fn gate(keyring: &Keyring, folder: &std::path::Path) -> OfflineGate {
    let book = Book::open(&OsDisk::shared(), &folder.join("records"), GRANT.device, BookId([1; 16]), 1 << 20)
        .unwrap();
    let sites = Sites::parse(SITE, "city").unwrap();
    OfflineGate::new(GRANT, keyring.clone(), &sites, OfflineClock::new(DRIFT_PPM), book).unwrap()
}

fn paper(signer: &IssuerSigner, holder: HolderIndex) -> String {
    let issued = UnixSeconds(START.seconds().0);
    let credential = Credential {
        key: signer.key(),
        issued,
        expires: UnixSeconds(issued.0 + 7 * 86_400),
        holder,
        generation: 1,
        display: "张*1234",
        detail: Detail::Paper,
    };
    code_text(&signer.sign_credential(&credential).unwrap(), None)
}

/// What the kernel says this whole program takes.
fn resident() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or("not known here").to_owned()
}
