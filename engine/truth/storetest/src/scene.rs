//! A registry with everybody who signs for it, on a database that is tried.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use hufu_codes::chain::{AuthoritySigner, Tip, open_instruction};
use hufu_codes::issue::{IssuerSigner, OperatorSigner};
use hufu_codes::keyring::{Keyring, TrustList, Uses};
use hufu_registry::Brake;
use hufu_registry::Caller;
use hufu_registry::Families;
use hufu_registry::Fault;
use hufu_registry::IdNumber;
use hufu_registry::Person;
use hufu_registry::Proposal;
use hufu_registry::chain::Appended;
use hufu_registry::store::Store;
use hufu_registry::vault::Vault;
use hufu_registry::{Issuer, SecondPhone};
use hufu_registry::{Registry, Signers};
use hufu_signature::{PreparedKey, backend};
use hufu_wire::chain::{Change, Changes, Content, InputsDigest, Proposed, Record};
use hufu_wire::{Colour, HolderIndex, IssuerId, RuleId, StatusWord, UnixMillis, UnixSeconds};

use crate::Database;

/// The issuer of every case.
pub const ISSUER: IssuerId = IssuerId(110_000);
/// Its national platform.
pub const NATIONAL: IssuerId = IssuerId(100_000);
/// Its publisher.
pub const PUBLISHER: IssuerId = IssuerId(900_001);
/// Whose key signs rosters.
const SCHOOLS: IssuerId = IssuerId(110_001);

/// How long an instruction of a case waits for its confirmation, seconds.
pub(crate) const VALID_S: u32 = 3600;

/// A registry over a store of the database, and the keys of everybody who signs.
#[derive(Debug)]
pub struct Scene {
    /// The registry.
    pub registry: Registry,
    /// Its store.
    pub store: Arc<dyn Store>,
    /// The operator.
    pub operator: Caller,
    /// The local authority.
    pub local: AuthoritySigner,
    /// The national platform.
    pub national: AuthoritySigner,
}

/// A green word.
pub fn green() -> StatusWord {
    StatusWord::new(Colour::Green, 0)
}

/// An amber word.
pub fn amber() -> StatusWord {
    StatusWord::new(Colour::Amber, 0)
}

/// A red word.
pub fn red() -> StatusWord {
    StatusWord::new(Colour::Red, 0)
}

/// A key file that is the same in every process of a case.
pub(crate) fn key_file() -> String {
    format!("hufu-vault 1\nindex {}\nseal {}\n", "a1".repeat(32), "b2".repeat(32))
}

/// 2026-09-21T14:13:20Z. Each look at the clock is a second later.
static CLOCK: AtomicU64 = AtomicU64::new(1_790_000_000_000);

/// Now, a second after the last time somebody asked.
pub(crate) fn now() -> UnixMillis {
    UnixMillis(CLOCK.fetch_add(1000, Ordering::Relaxed))
}

pub(crate) fn codes() -> IssuerSigner {
    IssuerSigner::from_seed(&[0x64; 32], ISSUER)
}

/// The secret seed of the service that compares faces.
pub(crate) const FACES: [u8; 32] = [0x66; 32];

fn families() -> Families {
    let faces = *OperatorSigner::from_seed(&FACES).public();
    Families::default().believing([PreparedKey::new(&faces).expect("a good key")], 2)
}

/// The key that signs trips after that.
pub(crate) fn next_codes() -> IssuerSigner {
    IssuerSigner::from_seed(&[0x66; 32], ISSUER)
}

pub(crate) fn keyring() -> Arc<Keyring> {
    static KEYRING: LazyLock<Arc<Keyring>> = LazyLock::new(|| {
        let operator = OperatorSigner::from_seed(&[0x22; 32]);
        let since = UnixSeconds(1_780_000_000);
        let end = UnixSeconds(u32::MAX);
        let authority = |seed: u8, issuer, uses| {
            AuthoritySigner::from_seed(&[seed; 32], issuer).listed(uses, since, since, end)
        };
        let keys = [
            authority(0x61, ISSUER, Uses::INSTRUCTION),
            authority(0x62, NATIONAL, Uses::CONFIRMATION),
            authority(0x63, PUBLISHER, Uses::HEAD),
            codes().listed(Uses::PHONE | Uses::PAPER | Uses::TRIP, since, since, end),
            next_codes().listed(Uses::TRIP, since, since, end),
            IssuerSigner::from_seed(&[0x65; 32], SCHOOLS).listed(Uses::ROSTER, since, since, end),
        ];
        let list = TrustList::sign(1, since, &keys, &operator);
        let operator = PreparedKey::new(operator.public()).expect("a good key");
        let list = TrustList::open(&list, &operator).expect("our own list");
        Arc::new(Keyring::empty().update(&list, UnixSeconds(1_790_000_000)).expect("a good list"))
    });
    KEYRING.clone()
}

impl Scene {
    /// A scene with the issuer in it, whose brake lets everything pass.
    pub async fn open(database: &dyn Database) -> Scene {
        let scene = Scene::beside(database).await;
        scene.put_brake(Brake { share_permille: 1000, window_s: 3600, free: u32::MAX }).await;
        scene
    }

    /// One more registry on the same database, which does not touch it yet.
    pub async fn beside(database: &dyn Database) -> Scene {
        Scene::with_vault(database, &key_file()).await
    }

    /// The same with another key file.
    pub(crate) async fn with_vault(database: &dyn Database, key_file: &str) -> Scene {
        let store = database.open().await;
        let vault = Vault::open(key_file).expect("a good key file");
        let signers = Signers {
            codes: vec![codes()],
            rosters: vec![IssuerSigner::from_seed(&[0x65; 32], SCHOOLS)],
            publishers: vec![AuthoritySigner::from_seed(&[0x63; 32], PUBLISHER)],
        };
        Scene {
            registry: Registry::new(store.clone(), vault, signers, keyring()).with_families(families()),
            store,
            operator: Caller::operator(),
            local: AuthoritySigner::from_seed(&[0x61; 32], ISSUER),
            national: AuthoritySigner::from_seed(&[0x62; 32], NATIONAL),
        }
    }

    pub(crate) async fn put_brake(&self, brake: Brake) {
        let issuer = Issuer {
            id: ISSUER,
            name: "Beijing".into(),
            national: NATIONAL,
            publisher: PUBLISHER,
            brake,
            second_phone: SecondPhone::Tell,
        };
        self.registry.put_issuer(&self.operator, &issuer, now()).await.expect("a good issuer");
    }

    /// Registers `count` people, the `from`th and those after.
    pub(crate) async fn add_people(&self, from: u32, count: u32) {
        let people: Vec<_> = (from..from + count).map(person).collect();
        self.registry.add_holders(&self.operator, ISSUER, &people, now()).await.expect("good people");
    }

    /// What the local authority signs when it wants `changes`.
    pub(crate) fn instruct(&self, changes: &[(u32, Change)]) -> Vec<u8> {
        self.instruct_at(changes, now())
    }

    pub(crate) fn instruct_at(&self, changes: &[(u32, Change)], proposed: impl Into<Proposed>) -> Vec<u8> {
        let records: Vec<_> =
            changes.iter().map(|(holder, change)| Record::new(HolderIndex(*holder), *change)).collect();
        let content = Content {
            proposed: proposed.into(),
            valid_s: VALID_S,
            rule: RuleId(7),
            inputs: InputsDigest([0x55; 32]),
            local_key: self.local.key(),
            reason: "contact of a case",
            changes: Changes::new(&records).expect("good records"),
        };
        self.local.instruct(&content).expect("a good instruction")
    }

    /// What the national platform signs when it gives `instruction` its place after `tip`.
    pub(crate) fn sign(&self, instruction: &[u8], tip: &Tip, now: UnixMillis) -> Vec<u8> {
        let authorities =
            hufu_codes::chain::Authorities::new(ISSUER, NATIONAL, PUBLISHER).expect("two authorities");
        let opened =
            open_instruction(instruction, &authorities, &keyring(), backend()).expect("a good instruction");
        self.national.confirm(&opened, tip, now).expect("an instruction that may be confirmed")
    }

    pub(crate) async fn tip(&self) -> Tip {
        self.registry.tip(&self.operator, ISSUER).await.expect("an issuer")
    }

    pub(crate) async fn propose(&self, instruction: &[u8]) -> Proposal {
        let proposed = self.registry.propose(&self.operator, ISSUER, instruction, now()).await;
        proposed.expect("a good instruction")
    }

    /// Hands in the confirmation of a proposal.
    pub(crate) async fn confirm(&self, proposal: &Proposal, set: &[u8]) -> Result<Appended, Fault> {
        self.registry.confirm(&self.operator, ISSUER, proposal.id, set, now()).await
    }

    /// Proposes and signs; what comes of the confirmation.
    pub(crate) async fn try_change(&self, changes: &[(u32, Change)]) -> (Proposal, Vec<u8>, Appended) {
        let instruction = self.instruct(changes);
        let proposal = self.propose(&instruction).await;
        let set = self.sign(&instruction, &self.tip().await, now());
        let appended = self.confirm(&proposal, &set).await.expect("a set that is believed");
        (proposal, set, appended)
    }

    /// Changes what must be changed; the bytes of the set.
    pub(crate) async fn change(&self, changes: &[(u32, Change)]) -> Vec<u8> {
        let (_, set, appended) = self.try_change(changes).await;
        assert!(matches!(appended, Appended::Appended { .. }), "{appended:?}");
        set
    }
}

/// The `n`th of many people, with a right id number.
pub(crate) fn person(n: u32) -> Person {
    let phone = format!("+86 139 {n:08}");
    Person::new(name(n), IdNumber::read(&number(n)).expect("a good number"), Some(phone))
        .expect("a good person")
}

pub(crate) fn name(n: u32) -> String {
    format!("王小明的名字{n}")
}

/// An id number of GB 11643-1999 for the `n`th of many people.
pub(crate) fn number(n: u32) -> String {
    let front = format!(
        "11010{}19{:02}0{}{:02}{:03}",
        n / 1_000_000 % 10,
        n / 27_000 % 80 + 10,
        n / 3000 % 9 + 1,
        n / 1000 % 3 + 10,
        n % 1000
    );
    "10X98765432"
        .chars()
        .map(|check| format!("{front}{check}"))
        .find(|number| IdNumber::read(number).is_ok())
        .expect("one of eleven is right")
}
