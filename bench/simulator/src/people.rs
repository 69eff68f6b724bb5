//! Holders with phones, paper and tickets; all who sign; sites.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use hufu_codes::chain::{Authorities, AuthoritySigner};
use hufu_codes::ended::{EndedList, EndedTrips};
use hufu_codes::issue::{IssuerSigner, OperatorSigner, code_text};
use hufu_codes::keyring::{Keyring, TrustList, Uses};
use hufu_codes::presentation::{Salt, StepIndex, StepTree};
use hufu_codes::{Credential, Detail};
use hufu_policy::Sites;
use hufu_signature::PreparedKey;
use hufu_wire::{CodeKind, HolderIndex, HubId, IssuerId, Step, UnixSeconds};
use sha2::{Digest as _, Sha256};

use crate::clock::START_MS;
use crate::truth::{HOLDERS, Shown, SiteFacts};

/// The national platform of all issuers.
pub(crate) const NATIONAL: IssuerId = IssuerId(100_000);
/// Their publisher.
pub(crate) const PUBLISHER: IssuerId = IssuerId(900_001);
/// Issuers there may be.
pub(crate) const ISSUERS_MAX: usize = 2;
/// The last generation that any credential has.
pub(crate) const GENERATION_MAX: u8 = 2;
/// The site of gates that go on without a network.
pub(crate) const LONE_SITE: u32 = 4;

const HUB: HubId = HubId(7);

/// The policies of all sites.
pub(crate) const SITES: &str = r#"
[[site]]
id = 1
name = "Hall"
accepts = ["phone", "paper"]
staleness_ms_max = 10000
pass_back_s = 90
records = "written"

[[site]]
id = 2
name = "Station"
hub = 7
accepts = ["phone", "trip"]
staleness_ms_max = 5000
pass_back_s = 90
records = "synced"

[[site]]
id = 3
name = "Office"
accepts = ["phone", "paper"]
staleness_ms_max = 3000
skew_steps = 2
pass_back_s = 0
records = "memory"
"#;

/// The policy of gates without a network.
pub(crate) const LONE: &str = r#"
[[site]]
id = 4
name = "Ferry"
accepts = ["phone", "paper"]
staleness_ms_max = 10000
offline_age_s_max = 60
pass_back_s = 90
"#;

/// What the model knows of a site.
///
/// # Panics
/// For a site that no run has.
pub(crate) fn facts(site: u32) -> SiteFacts {
    // A presentation counts for as long as any site takes it: 2 steps early at one, 1 or 2 late here.
    let base =
        SiteFacts { trips: false, paper: true, stale_ms: 10_000, skew: 1, pass_back_s: 90, alone: false };
    match site {
        1 => base,
        2 => SiteFacts { trips: true, paper: false, stale_ms: 5_000, ..base },
        3 => SiteFacts { stale_ms: 3_000, skew: 2, pass_back_s: 0, ..base },
        LONE_SITE => SiteFacts { stale_ms: 60_000, alone: true, ..base },
        other => panic!("no run has a site {other}"),
    }
}

/// The `n`th issuer.
pub(crate) fn issuer(n: usize) -> IssuerId {
    IssuerId(110_000 + 1000 * u32::try_from(n).unwrap_or(0))
}

/// Its authorities.
///
/// # Panics
/// Never: they are two.
pub(crate) fn authorities(n: usize) -> Authorities {
    Authorities::new(issuer(n), NATIONAL, PUBLISHER).expect("two authorities")
}

/// All who sign, and every code. A thread has one, for all its runs.
pub(crate) struct People {
    /// The local authorities.
    pub(crate) local: Vec<AuthoritySigner>,
    /// The national platform.
    pub(crate) national: AuthoritySigner,
    issuers: Vec<IssuerSigner>,
    /// The keys that are trusted.
    pub(crate) keyring: Keyring,
    /// The list of them, signed.
    pub(crate) trust_list: Vec<u8>,
    /// The operator's key.
    pub(crate) operator: PreparedKey,
    /// The policies.
    pub(crate) sites: Sites,
    /// Trips whose tickets were cancelled.
    pub(crate) ended: EndedTrips,
    phones: RefCell<HashMap<(usize, u32, u8), Rc<Phone>>>,
    others: RefCell<Texts<CodeKind>>,
    shown: RefCell<Texts<u32>>,
}

/// Texts of codes by issuer, holder, generation, and kind or step.
type Texts<Which> = HashMap<(usize, u32, u8, Which), Rc<str>>;

struct Phone {
    credential: Vec<u8>,
    tree: StepTree,
    origin: Step,
}

/// Credentials were issued so long before the beginning, seconds: a clock that is set back finds them valid.
const ISSUED_BEFORE_S: u32 = 6 * 3600;

/// Whether the ticket of this holder's trip was cancelled.
pub(crate) fn is_ended(holder: u32) -> bool {
    holder.is_multiple_of(3)
}

thread_local! {
    static PEOPLE: Rc<People> = Rc::new(People::new());
}

impl People {
    /// This thread's.
    pub(crate) fn of_thread() -> Rc<People> {
        PEOPLE.with(Rc::clone)
    }

    fn new() -> People {
        let seed = |kind: u8, n: usize| [kind + 16 * u8::try_from(n).unwrap_or(0); 32];
        let local: Vec<_> =
            (0..ISSUERS_MAX).map(|n| AuthoritySigner::from_seed(&seed(1, n), issuer(n))).collect();
        let national = AuthoritySigner::from_seed(&[2; 32], NATIONAL);
        let issuers: Vec<_> =
            (0..ISSUERS_MAX).map(|n| IssuerSigner::from_seed(&seed(4, n), issuer(n))).collect();
        let operator = OperatorSigner::from_seed(&[5; 32]);
        let (since, until) = (UnixSeconds(1_780_000_000), UnixSeconds(u32::MAX));
        let mut keys = vec![
            national.listed(Uses::CONFIRMATION, since, since, until),
            publisher().listed(Uses::HEAD, since, since, until),
        ];
        keys.extend(local.iter().map(|local| local.listed(Uses::INSTRUCTION, since, since, until)));
        keys.extend(issuers.iter().map(|issuer| issuer.listed(Uses::CODES, since, since, until)));
        let trust_list = TrustList::sign(1, since, &keys, &operator);
        let operator = PreparedKey::new(operator.public()).expect("a good key");
        let list = TrustList::open(&trust_list, &operator).expect("our own list");
        let keyring = Keyring::empty().update(&list, start()).expect("a good list");
        let mut people = People {
            local,
            national,
            issuers,
            keyring,
            trust_list,
            operator,
            sites: Sites::parse(SITES, "sites.toml").expect("good policies"),
            ended: EndedTrips::default(),
            phones: RefCell::default(),
            others: RefCell::default(),
            shown: RefCell::default(),
        };
        people.ended = people.ended_trips();
        people
    }

    fn ended_trips(&self) -> EndedTrips {
        let lists: Vec<EndedList> = (0..ISSUERS_MAX)
            .map(|n| {
                let holders = (0..u32::try_from(HOLDERS).unwrap_or(0)).filter(|holder| is_ended(*holder));
                let digests: Vec<[u8; 32]> = holders
                    .flat_map(|holder| (0..=GENERATION_MAX).map(move |generation| (holder, generation)))
                    .map(|(holder, generation)| {
                        let trip = self.credential(n, holder, generation, trip());
                        Sha256::digest(self.issuers[n].sign_credential(&trip).expect("a good trip")).into()
                    })
                    .collect();
                let text = EndedList::write(issuer(n), start(), &digests);
                EndedList::read(&text).expect("our own list")
            })
            .collect();
        EndedTrips::of(&lists)
    }

    fn credential(&self, n: usize, holder: u32, generation: u8, detail: Detail) -> Credential<'static> {
        let issued = UnixSeconds(start().0 - ISSUED_BEFORE_S);
        let validity_s = if detail == Detail::Paper { 7 * 86_400 } else { 86_400 };
        Credential {
            key: self.issuers[n].key(),
            issued,
            expires: UnixSeconds(issued.0 + validity_s),
            holder: HolderIndex(holder),
            generation,
            display: "张*1234",
            detail,
        }
    }

    /// The text of the code that is shown.
    pub(crate) fn text(&self, shown: &Shown) -> Rc<str> {
        let Shown { issuer, holder, generation, kind, step, .. } = *shown;
        if kind != CodeKind::Phone {
            let place = (issuer, holder, generation, kind);
            return Rc::clone(self.others.borrow_mut().entry(place).or_insert_with(|| {
                let detail = if kind == CodeKind::Trip { trip() } else { Detail::Paper };
                let credential = self.credential(issuer, holder, generation, detail);
                let signed = self.issuers[issuer].sign_credential(&credential).expect("a good credential");
                code_text(&signed, None).into()
            }));
        }
        let phone = self.phone(issuer, holder, generation);
        Rc::clone(self.shown.borrow_mut().entry((issuer, holder, generation, step)).or_insert_with(|| {
            let index = StepIndex::of(Step(step), phone.origin).expect("a step of its credential");
            code_text(&phone.credential, Some(&phone.tree.present(index))).into()
        }))
    }

    fn phone(&self, n: usize, holder: u32, generation: u8) -> Rc<Phone> {
        let mut phones = self.phones.borrow_mut();
        Rc::clone(phones.entry((n, holder, generation)).or_insert_with(|| {
            let origin = UnixSeconds(start().0 - ISSUED_BEFORE_S).step();
            let mut credential =
                self.credential(n, holder, generation, Detail::Phone { root: [0; 16], origin });
            let index = HolderIndex(holder);
            let salt = Salt::of(credential.key, index, generation, origin, credential.issued);
            let mut secret = [0x5a; 32];
            secret[0] = u8::try_from(n).unwrap_or(0);
            secret[1..5].copy_from_slice(&holder.to_le_bytes());
            secret[5] = generation;
            let tree = StepTree::new(&secret, &salt);
            credential.detail = Detail::Phone { root: tree.root(), origin };
            let credential = self.issuers[n].sign_credential(&credential).expect("a good credential");
            Rc::new(Phone { credential, tree, origin })
        }))
    }
}

/// Whose heads are believed.
pub(crate) fn publisher() -> AuthoritySigner {
    AuthoritySigner::from_seed(&[3; 32], PUBLISHER)
}

/// When a run begins.
pub(crate) fn start() -> UnixSeconds {
    UnixSeconds(u32::try_from(START_MS / 1000).unwrap_or(u32::MAX))
}

fn trip() -> Detail {
    Detail::Trip {
        hub: HUB,
        from: UnixSeconds(start().0 - ISSUED_BEFORE_S),
        until: UnixSeconds(start().0 + 6 * 3600),
    }
}
