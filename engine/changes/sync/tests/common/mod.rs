//! Three authorities, a chain, its rogue twin, and a follower of either.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(missing_docs, unreachable_pub, reason = "shared by test files only")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use hufu_codes::chain::{Authorities, AuthoritySigner, Tip, chain_digest, content_digest};
use hufu_codes::issue::OperatorSigner;
use hufu_codes::keyring::{Keyring, TrustList, Uses};
use hufu_signature::PreparedKey;
use hufu_sync::Follower;
use hufu_table::{Limits, Reader, Snapshot, SnapshotWriter, Table};
use hufu_wire::chain::{
    Change, ChangeSet, Changes, Checkpoint, Content, InputsDigest, Parts, Position, Proposed, Record,
};
use hufu_wire::{HolderIndex, IssuerId, Message, RuleId, Sequence, StatusWord, UnixMillis, UnixSeconds};

pub const ISSUER: IssuerId = IssuerId(110_000);
pub const NATIONAL: IssuerId = IssuerId(100_000);
pub const PUBLISHER: IssuerId = IssuerId(900_001);
/// 2026-09-21T14:13:20Z; the first set of every chain is proposed a second later.
pub const START: UnixMillis = UnixMillis(1_790_000_000_000);

pub fn local() -> AuthoritySigner {
    AuthoritySigner::from_seed(&[0x61; 32], ISSUER)
}

pub fn national() -> AuthoritySigner {
    AuthoritySigner::from_seed(&[0x62; 32], NATIONAL)
}

pub fn publisher() -> AuthoritySigner {
    AuthoritySigner::from_seed(&[0x63; 32], PUBLISHER)
}

pub fn authorities() -> Authorities {
    Authorities::new(ISSUER, NATIONAL, PUBLISHER).expect("two authorities")
}

pub fn keyring() -> &'static Keyring {
    static KEYRING: LazyLock<Keyring> = LazyLock::new(|| {
        let operator = OperatorSigner::from_seed(&[0x22; 32]);
        let since = UnixSeconds(1_780_000_000);
        let listed = |signer: AuthoritySigner, uses| signer.listed(uses, since, since, UnixSeconds(u32::MAX));
        let keys = [
            listed(local(), Uses::INSTRUCTION),
            listed(national(), Uses::CONFIRMATION),
            listed(publisher(), Uses::HEAD),
        ];
        let list = TrustList::sign(1, since, &keys, &operator);
        let operator = PreparedKey::new(operator.public()).expect("a good key");
        let list = TrustList::open(&list, &operator).expect("our own list");
        Keyring::empty().update(&list, START.seconds()).expect("a good list")
    });
    &KEYRING
}

/// A moment of a chain: the set that leads there, and every word that is there.
#[derive(Clone, Debug)]
pub struct Link {
    pub bytes: Vec<u8>,
    pub tip: Tip,
    pub words: BTreeMap<u32, StatusWord>,
}

pub type Words = BTreeMap<u32, StatusWord>;

/// What may be odd about a set.
pub struct Draft<'c> {
    pub changes: &'c [(u32, Change)],
    pub proposed: Proposed,
    pub confirmed: UnixMillis,
}

pub fn written<'a>(message: &impl Message<'a>) -> Vec<u8> {
    let mut bytes = vec![0; message.size()];
    message.write_to(&mut bytes);
    bytes
}

/// The set that both authorities sign after `tip`, in the second after the one before it.
pub fn next(tip: &Tip, words: &Words, changes: &[(u32, Change)]) -> Link {
    let proposed = UnixMillis(START.0 + tip.sequence.0 * 1000 + 1000);
    let confirmed = UnixMillis(proposed.0 + 300);
    sign(tip, words, &Draft { changes, proposed: proposed.into(), confirmed })
}

pub fn sign(tip: &Tip, words: &Words, draft: &Draft<'_>) -> Link {
    let records: Vec<_> =
        draft.changes.iter().map(|(holder, change)| Record::new(HolderIndex(*holder), *change)).collect();
    let content = Content {
        proposed: draft.proposed,
        valid_s: 60,
        rule: RuleId(7),
        inputs: InputsDigest([0x55; 32]),
        local_key: local().key(),
        reason: "contact of a case",
        changes: Changes::new(&records).expect("good records"),
    };
    let position = Position {
        issuer: ISSUER,
        sequence: tip.next(),
        confirmed: draft.confirmed,
        national_key: national().key(),
        previous: tip.digest,
    };
    let digest = content_digest(&written(&content));
    let bytes = written(&ChangeSet {
        position,
        content,
        local_signature: local().sign_content(ISSUER, &digest),
        national_signature: national().sign_position(&position, &digest),
    });
    let digest = chain_digest(Parts::of(&bytes).expect("a set").position, &digest);
    let (proposed, confirmed) = (draft.proposed, draft.confirmed);
    let tip = Tip { sequence: tip.next(), digest, proposed, confirmed };
    Link { bytes, tip, words: applied(words, draft.changes) }
}

fn applied(words: &Words, changes: &[(u32, Change)]) -> Words {
    let mut words = words.clone();
    for (holder, change) in changes {
        let held = words.get(holder).copied().unwrap_or_default();
        words.insert(*holder, change.apply(held));
    }
    words
}

/// A table's worth of words that both authorities vouch for.
pub struct Vouched {
    pub bytes: Vec<u8>,
    pub snapshot: Snapshot,
    pub tip: Tip,
    pub words: Words,
}

/// The checkpoint of `words` at `tip`, made half a second after it was confirmed, and its snapshot in `folder`.
pub fn vouched(tip: &Tip, words: &Words, folder: &Path) -> Vouched {
    let path = folder.join(format!("{}-{}.snapshot", tip.sequence, tip.digest));
    let mut snapshot =
        SnapshotWriter::create(&path, ISSUER, tip.sequence, Some(tip.confirmed)).expect("a writable folder");
    let mut at = 0;
    for (holder, word) in words {
        snapshot.skip(u64::from(holder - at)).expect("room");
        snapshot.push(&[*word]).expect("room");
        at = holder + 1;
    }
    let info = snapshot.finish().expect("room");
    let made = UnixMillis(tip.confirmed.0 + 500);
    let mut checkpoint = Checkpoint {
        issuer: ISSUER,
        sequence: tip.sequence,
        made,
        proposed: tip.proposed,
        local_key: local().key(),
        national_key: national().key(),
        digest: tip.digest,
        snapshot: info.digest.0,
        local_signature: [0; 64],
        national_signature: [0; 64],
    };
    checkpoint.local_signature = local().vouch(&checkpoint).expect("its own");
    checkpoint.national_signature = national().vouch(&checkpoint).expect("its own");
    let snapshot = Snapshot::open(&path).expect("our own file");
    let tip = Tip { confirmed: made, ..*tip };
    Vouched { bytes: written(&checkpoint), snapshot, tip, words: words.clone() }
}

/// A follower, and the table that it writes.
pub struct Engine {
    pub table: Table,
    pub follower: Follower,
}

pub fn table() -> Table {
    Table::new(Limits::for_holders(1, 1_000_000)).expect("limits hold")
}

pub fn engine() -> Engine {
    let table = table();
    let follower = Follower::new(table.writer(ISSUER).expect("free"), authorities()).expect("empty");
    Engine { table, follower }
}

impl Engine {
    pub fn word(&self, holder: u32) -> StatusWord {
        let reader = self.table.reader();
        reader.lookup(reader.slot(ISSUER).expect("followed"), HolderIndex(holder))
    }

    pub fn sequence(&self) -> Sequence {
        let reader: Reader = self.table.reader();
        reader.as_of(reader.slot(ISSUER).expect("followed")).sequence
    }

    pub fn heard(&self) -> Option<UnixMillis> {
        let reader = self.table.reader();
        reader.as_of(reader.slot(ISSUER).expect("followed")).heard
    }
}

/// A moment so late that nothing made here is of the future.
pub fn later() -> UnixMillis {
    UnixMillis(START.0 + 1_000_000)
}
