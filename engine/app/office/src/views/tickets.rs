//! Tickets: who shows any live code may ask for buckets for ten minutes. A ticket is random and lies in memory alone. It
//! is not connected with the code, and the code is forgotten when it was verified.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use hufu_codes::code;
use hufu_codes::keyring::Keyring;
use hufu_codes::presentation::{Shown, present, steps_ahead};
use hufu_contract::ViewTicket;
use hufu_wire::{Reason, UnixSeconds, limits};

/// Who has a ticket, and who asked for one.
pub(super) struct Tickets {
    keyring: ArcSwap<Keyring>,
    source_max: u32,
    state: Mutex<State>,
}

struct State {
    tickets: HashMap<[u8; 16], Ticket>,
    /// How often each source asked since `since`.
    asked: HashMap<IpAddr, u32>,
    since: UnixSeconds,
}

struct Ticket {
    until: UnixSeconds,
    /// Buckets that may still be asked for.
    left: u32,
}

/// Why there is no ticket, or it is not good for this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The code is not genuine or not live.
    Code(Reason),
    /// The source asked too often.
    TooMany,
    /// Too many people have tickets.
    Full,
    /// There is no such ticket, or it has expired.
    Unknown,
    /// It was good for fewer buckets.
    Spent,
}

/// How long a ticket is good, and how long a source is counted.
pub(super) const VALID_S: u32 = 600;
/// Buckets for one ticket: 60 days of 64 shown steps.
pub(super) const BUCKETS_MAX: u32 = 4096;
/// Tickets at once, and sources that are counted: a few megabytes.
const TICKETS_MAX: usize = 65_536;
/// How old a presentation may be, steps: half an hour. A phone shows one that no gate accepts any more.
const STEPS_BEHIND_MAX: i64 = 64;
/// How far a phone's clock may be ahead, steps.
const STEPS_AHEAD_MAX: i64 = 1;

impl Tickets {
    pub(super) fn new(keyring: Arc<Keyring>, source_max: u32) -> Tickets {
        let state = State { tickets: HashMap::new(), asked: HashMap::new(), since: UnixSeconds(0) };
        Tickets { keyring: ArcSwap::new(keyring), source_max, state: Mutex::new(state) }
    }

    /// From here on these keys count.
    pub(super) fn believe(&self, keyring: Arc<Keyring>) {
        self.keyring.store(keyring);
    }

    /// A ticket for `source`, which shows this code. Codes that are refused count as asked, too.
    pub(super) fn give(&self, code: &str, source: IpAddr, now: UnixSeconds) -> Result<ViewTicket, Refusal> {
        self.state(|state| state.count(source, self.source_max, now))?;
        is_live(&self.keyring.load(), code, now).map_err(Refusal::Code)?;
        let mut ticket = [0; 16];
        aws_lc_rs::rand::fill(&mut ticket).map_err(|_| Refusal::Full)?;
        self.state(|state| {
            state.tickets.retain(|_, ticket| ticket.until > now);
            if state.tickets.len() >= TICKETS_MAX {
                return Err(Refusal::Full);
            }
            let until = UnixSeconds(now.0.saturating_add(VALID_S));
            state.tickets.insert(ticket, Ticket { until, left: BUCKETS_MAX });
            Ok(ViewTicket { ticket: hex::encode(ticket), valid_s: VALID_S, buckets: BUCKETS_MAX })
        })
    }

    /// Takes `buckets` off a ticket.
    pub(super) fn spend(&self, ticket: &str, buckets: u32, now: UnixSeconds) -> Result<(), Refusal> {
        let mut name = [0; 16];
        hex::decode_to_slice(ticket, &mut name).map_err(|_| Refusal::Unknown)?;
        self.state(|state| {
            let ticket = state.tickets.get_mut(&name).filter(|ticket| ticket.until > now);
            let ticket = ticket.ok_or(Refusal::Unknown)?;
            ticket.left = ticket.left.checked_sub(buckets).ok_or(Refusal::Spent)?;
            Ok(())
        })
    }

    fn state<T>(&self, with: impl FnOnce(&mut State) -> T) -> T {
        // Each change is whole.
        with(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    fn count(&mut self, source: IpAddr, max: u32, now: UnixSeconds) -> Result<(), Refusal> {
        if now.0.saturating_sub(self.since.0) >= VALID_S || self.since > now {
            self.asked.clear();
            self.since = now;
        }
        if self.asked.len() >= TICKETS_MAX && !self.asked.contains_key(&source) {
            return Err(Refusal::Full);
        }
        let asked = self.asked.entry(source).or_default();
        if *asked >= max {
            return Err(Refusal::TooMany);
        }
        *asked += 1;
        Ok(())
    }
}

/// Whether `code` is genuine, valid now and, on a phone, shown within the last half hour. Its holder's status does not
/// matter: also who is red may see who checked them.
fn is_live(keyring: &Keyring, code: &str, now: UnixSeconds) -> Result<(), Reason> {
    let mut binary = [0; limits::CODE_BINARY_BYTES_MAX];
    let code = code::parse_text(code.as_bytes(), &mut binary)?;
    let verified = keyring.admit(code.credential, now)?.verify(hufu_signature::backend())?;
    verified.validity_fits()?;
    verified.valid_at(now)?;
    match present(&verified, code.presentation.as_ref())? {
        Shown::NotNeeded => Ok(()),
        Shown::At(step) if (-STEPS_BEHIND_MAX..=STEPS_AHEAD_MAX).contains(&steps_ahead(step, now)) => Ok(()),
        Shown::At(_) => Err(Reason::ClockSkew),
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use hufu_codes::issue::{IssuerSigner, OperatorSigner, code_text};
    use hufu_codes::keyring::{TrustList, Uses};
    use hufu_codes::presentation::{Salt, StepIndex, StepTree};
    use hufu_codes::{Credential, Detail};
    use hufu_signature::PreparedKey;
    use hufu_wire::{HolderIndex, IssuerId};

    use super::*;

    const NOW: UnixSeconds = UnixSeconds(1_795_000_000);
    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const SOURCE_MAX: u32 = 3;

    fn issuer(seed: u8) -> IssuerSigner {
        IssuerSigner::from_seed(&[seed; 32], IssuerId(310_000))
    }

    /// What believes the issuer with seed 1.
    fn tickets() -> Tickets {
        let operator = OperatorSigner::from_seed(&[9; 32]);
        let (since, end) = (UnixSeconds(NOW.0 - 90_000), UnixSeconds(u32::MAX));
        let list = TrustList::sign(1, since, &[issuer(1).listed(Uses::CODES, since, since, end)], &operator);
        let list = TrustList::open(&list, &PreparedKey::new(operator.public()).unwrap()).unwrap();
        Tickets::new(Arc::new(Keyring::empty().update(&list, NOW).unwrap()), SOURCE_MAX)
    }

    /// The code of a phone, issued an hour ago, as shown so many steps ago.
    fn phone(signer: &IssuerSigner, steps_ago: u32, valid_s: u32) -> String {
        let issued = UnixSeconds(NOW.0 - 3600);
        let (holder, origin) = (HolderIndex(42), issued.step());
        let salt = Salt::of(signer.key(), holder, 0, origin, issued);
        let tree = StepTree::new(&[5; 32], &salt);
        let credential = Credential {
            key: signer.key(),
            issued,
            expires: UnixSeconds(issued.0 + valid_s),
            holder,
            generation: 0,
            display: "L*0042",
            detail: Detail::Phone { root: tree.root(), origin },
        };
        let step = StepIndex::new(NOW.step().0 - steps_ago - origin.0).unwrap();
        code_text(&signer.sign_credential(&credential).unwrap(), Some(&tree.present(step)))
    }

    #[test]
    fn r41_a_live_code_gives_a_ticket_and_no_other_does() {
        let check = |code: &str, expected: Option<Reason>| {
            let given = tickets().give(code, HERE, NOW);
            assert_eq!(given.as_ref().err(), expected.map(Refusal::Code).as_ref(), "{given:?}");
        };
        check(&phone(&issuer(1), 0, 7200), None);
        // One that no gate accepts any more.
        check(&phone(&issuer(1), 60, 7200), None);
        check(&phone(&issuer(1), 65, 7200), Some(Reason::ClockSkew));
        check(&phone(&issuer(1), 0, 3000), Some(Reason::Expired));
        check(&phone(&issuer(2), 0, 7200), Some(Reason::KeyUnknown));
        check("HF1:ABC", Some(Reason::BadEncoding));
        let mut forged = phone(&issuer(1), 0, 7200);
        let last = forged.pop().unwrap();
        forged.push(if last == '0' { '1' } else { '0' });
        assert!(matches!(tickets().give(&forged, HERE, NOW), Err(Refusal::Code(_))));
    }

    #[test]
    fn r41_a_ticket_is_good_for_ten_minutes_and_so_many_buckets() {
        let tickets = tickets();
        let code = phone(&issuer(1), 0, 7200);
        let [one, two] = [(); 2].map(|()| tickets.give(&code, HERE, NOW).unwrap().ticket);
        assert_ne!(one, two, "nothing connects two tickets of one code");
        assert_eq!(tickets.spend(&one, BUCKETS_MAX - 1, NOW), Ok(()));
        assert_eq!(tickets.spend(&one, 2, NOW), Err(Refusal::Spent));
        assert_eq!(tickets.spend(&one, 1, NOW), Ok(()));
        assert_eq!(tickets.spend(&one, 1, NOW), Err(Refusal::Spent));
        assert_eq!(tickets.spend(&two, 1, UnixSeconds(NOW.0 + VALID_S)), Err(Refusal::Unknown));
        assert_eq!(tickets.spend("none", 1, NOW), Err(Refusal::Unknown));
    }

    #[test]
    fn r41_a_source_that_asks_too_often_waits() {
        let tickets = tickets();
        let code = phone(&issuer(1), 0, 7200);
        for _ in 1..SOURCE_MAX {
            tickets.give(&code, HERE, NOW).unwrap();
        }
        assert!(matches!(tickets.give("HF1:ABC", HERE, NOW), Err(Refusal::Code(_))), "a refused code counts");
        assert_eq!(tickets.give(&code, HERE, NOW).err(), Some(Refusal::TooMany));
        tickets.give(&code, IpAddr::V4(Ipv4Addr::BROADCAST), NOW).unwrap();
        tickets.give(&code, HERE, UnixSeconds(NOW.0 + VALID_S)).unwrap();
    }
}
