//! Authorities of any issuer, what they sign, and databases to put it in.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(missing_docs, unreachable_pub, reason = "shared by test files only")]

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hufu_codes::chain::{Authorities, AuthoritySigner, Tip, Unconfirmed, content_digest, open_instruction};
use hufu_codes::issue::OperatorSigner;
use hufu_codes::keyring::{Keyring, TrustList, Uses};
use hufu_fixtures::services::Postgres;
use hufu_postgres::PostgresStore;
use hufu_registry::chain::{Append, Appended};
use hufu_registry::store::{Chain as _, Issuers as _, Proposals as _};
use hufu_registry::{Action, Brake, Caller, Entry, Fault, Issuer, ProposalFacts, SecondPhone};
use hufu_signature::{PreparedKey, backend};
use hufu_wire::chain::{Change, Changes, Content, InputsDigest, Parts, Record};
use hufu_wire::{Colour, HolderIndex, IssuerId, RuleId, StatusWord, UnixMillis, UnixSeconds};

pub const NATIONAL: IssuerId = IssuerId(100_000);
pub const START: UnixMillis = UnixMillis(1_790_000_000_000);
/// Issuers whose local keys are in the trust list.
pub const ISSUERS: [IssuerId; 4] =
    [IssuerId(110_000), IssuerId(310_000), IssuerId(440_000), IssuerId(510_000)];

fn local(issuer: IssuerId) -> AuthoritySigner {
    let mut seed = [0x61; 32];
    seed[..4].copy_from_slice(&issuer.0.to_le_bytes());
    AuthoritySigner::from_seed(&seed, issuer)
}

fn national() -> AuthoritySigner {
    AuthoritySigner::from_seed(&[0x62; 32], NATIONAL)
}

fn authorities(issuer: IssuerId) -> Authorities {
    Authorities::new(issuer, NATIONAL, NATIONAL).expect("two authorities")
}

fn keyring() -> &'static Keyring {
    static KEYRING: LazyLock<Keyring> = LazyLock::new(|| {
        let operator = OperatorSigner::from_seed(&[0x22; 32]);
        let since = UnixSeconds(1_780_000_000);
        let listed = |signer: AuthoritySigner, uses| signer.listed(uses, since, since, UnixSeconds(u32::MAX));
        let locals = ISSUERS.into_iter().map(|issuer| listed(local(issuer), Uses::INSTRUCTION));
        let keys: Vec<_> = locals.chain([listed(national(), Uses::CONFIRMATION)]).collect();
        let list = TrustList::sign(1, since, &keys, &operator);
        let operator = PreparedKey::new(operator.public()).expect("a good key");
        let list = TrustList::open(&list, &operator).expect("our own list");
        Keyring::empty().update(&list, START.seconds()).expect("a good list")
    });
    &KEYRING
}

/// A database of its own on a server, and its URL.
pub fn database(postgres: &Postgres) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let name = format!("registry_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    postgres.create_database(&name).expect("a new database");
    postgres.url(&name)
}

pub async fn open(url: &str) -> PostgresStore {
    PostgresStore::open(url, PostgresStore::CONNECTIONS).await.expect("the store opens")
}

pub fn entry(action: Action, what: &str) -> Entry {
    Entry::new(START, &Caller::operator(), action, None, what)
}

/// Adds `issuers` with a brake that never holds.
pub async fn add_issuers(store: &PostgresStore, issuers: &[IssuerId]) {
    for &id in issuers {
        let brake = Brake { share_permille: 1000, window_s: 1, free: u32::MAX };
        let issuer = Issuer {
            id,
            name: format!("issuer {id}"),
            national: NATIONAL,
            publisher: NATIONAL,
            brake,
            second_phone: SecondPhone::Tell,
        };
        store.put_issuer(&issuer, &entry(Action::IssuerPut, "")).await.expect("an issuer");
    }
}

/// A colour that changes from set to set.
pub fn word(sequence: u64) -> StatusWord {
    let colours = [Colour::Green, Colour::Red, Colour::Amber];
    StatusWord::new(colours[usize::try_from(sequence % 3).expect("small")], 0)
}

pub fn words(holders: impl Iterator<Item = u32>, word: StatusWord) -> Vec<Record> {
    holders.map(|holder| Record::new(HolderIndex(holder), Change::Word(word))).collect()
}

/// A set on its way: proposed in the store, and signed by both for the place after `tip`.
pub struct Signed {
    pub issuer: IssuerId,
    pub bytes: Vec<u8>,
}

/// Proposes `records` and has them confirmed after `tip`, without appending them.
pub async fn sign(
    store: &PostgresStore,
    issuer: IssuerId,
    tip: &Tip,
    records: &[Record],
) -> Result<Signed, Fault> {
    let proposed = UnixMillis(tip.proposed.at().0.max(START.0) + 1);
    let content = Content {
        proposed: proposed.into(),
        valid_s: 3600,
        rule: RuleId(7),
        inputs: InputsDigest([0x55; 32]),
        local_key: local(issuer).key(),
        reason: "contact of a case",
        changes: Changes::new(records).expect("good records"),
    };
    let instruction = local(issuer).instruct(&content).expect("a good instruction");
    let opened = open_instruction(&instruction, &authorities(issuer), keyring(), backend()).expect("our own");
    let bytes = national().confirm(&opened, tip, proposed).expect("a good confirmation");
    let facts = ProposalFacts {
        content: content_digest(Parts::of(&bytes).expect("our own").content),
        proposed: proposed.into(),
        expires: content.expires(),
        rule: content.rule,
        inputs: content.inputs,
        local_key: content.local_key,
        reason: content.reason.to_owned(),
        changes: u32::try_from(records.len()).expect("few"),
        reds: 0,
    };
    store.add_proposal(issuer, &facts, &instruction, proposed, &entry(Action::Proposed, "")).await?;
    Ok(Signed { issuer, bytes })
}

/// Appends a set as the registry does.
pub async fn append(store: &PostgresStore, signed: &Signed) -> Result<Appended, Fault> {
    append_timed(store, signed).await.map(|(appended, _)| appended)
}

/// The same, and how long the store took.
pub async fn append_timed(store: &PostgresStore, signed: &Signed) -> Result<(Appended, Duration), Fault> {
    let unconfirmed = Unconfirmed::read(&signed.bytes, &authorities(signed.issuer)).expect("our own");
    let set = unconfirmed.confirm(keyring(), backend()).expect("our own");
    let [line, braked] = [Action::Appended, Action::Braked].map(|action| entry(action, "a set"));
    let append = Append {
        issuer: signed.issuer,
        set: &set,
        bytes: &signed.bytes,
        content: content_digest(Parts::of(&signed.bytes).expect("our own").content),
        now: set.position.confirmed,
        entry: &line,
        braked: &braked,
    };
    let begun = Instant::now();
    let appended = store.append(&append).await?;
    Ok((appended, begun.elapsed()))
}

/// Reads a whole chain and every word; checks that each set follows the one before it and that the words are
/// those of the sets. Answers the sets' bytes.
pub async fn audit(store: &PostgresStore, issuer: IssuerId) -> Vec<Vec<u8>> {
    let mut tip = Tip::START;
    let mut oracle: BTreeMap<HolderIndex, StatusWord> = BTreeMap::new();
    let mut sets = Vec::new();
    loop {
        let page = store.sets(issuer, tip.sequence, 1 << 20).await.expect("sets");
        if page.is_empty() {
            break;
        }
        for stored in page {
            let unconfirmed = Unconfirmed::read(&stored.bytes, &authorities(issuer)).expect("a set");
            let set = unconfirmed.confirm(keyring(), backend()).expect("a genuine set");
            assert_eq!(stored.sequence, tip.next());
            assert_eq!(set.position.previous, tip.digest, "set {} follows another one", stored.sequence);
            for (holder, change) in set.content.changes.iter() {
                let held = oracle.entry(holder).or_default();
                *held = change.apply(*held);
            }
            tip = *set.tip();
            sets.push(stored.bytes.to_vec());
        }
    }
    let statuses = store.statuses(issuer, HolderIndex(0), u32::MAX).await.expect("words").expect("an issuer");
    assert_eq!(statuses.tip, tip, "the tip is the last set's");
    oracle.retain(|_, word| *word != StatusWord::UNKNOWN);
    assert_eq!(statuses.words, oracle.into_iter().collect::<Vec<_>>(), "the words are the sets'");
    sets
}
