//! Facts of holders: taken, opened for who computes colours, forgotten; and the papers that rulings name (R28).

use std::collections::BTreeMap;

use hufu_contract::{Fact, PaperKind, Scope};
use hufu_wire::{HolderIndex, IssuerId, StatusWord, UnixMillis};

use super::{PAGE_MAX, Registry};
use crate::caller::Caller;
use crate::fact::{self, FactRoom, FactTaken, HolderFacts, NewFact, Standing, StoredFact, StoredPaper};
use crate::fault::Fault;
use crate::id_number::IdNumber;
use crate::trail::{Action, Entry};

/// Most facts of one request.
pub const FACTS_MAX: usize = 2048;
/// Largest paper, bytes.
pub const PAPER_BYTES_MAX: usize = 1 << 20;
/// Holders whose facts are opened at once.
const OPENED_AT_ONCE: usize = 64;
/// Sealed bytes after which no more are opened for one answer: a client takes 16 MiB of JSON.
const OPENED_BYTES_MAX: usize = 4 << 20;

/// Who may read papers. Workings have the salt of the facts' digests: who may not open facts could guess them by it.
const fn readers(kind: PaperKind) -> &'static [Scope] {
    match kind {
        PaperKind::Workings => &[Scope::Rulings, Scope::Audit],
        PaperKind::Rules | PaperKind::Places => {
            &[Scope::Rulings, Scope::Propose, Scope::Confirm, Scope::Audit, Scope::Facts]
        }
    }
}

/// Whose fact it is, as a caller says it.
#[derive(Clone, Debug)]
pub enum Of {
    /// The holder's index.
    Holder(HolderIndex),
    /// The person with this id number and name.
    Person(IdNumber, String),
}

impl Registry {
    /// Takes facts, each by itself; the same fact again is known. With `dry_run` none is kept, and whether there is room for it
    /// is not looked at.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::Invalid`] for none or more than 2,048 facts, [`Fault::NotFound`]. For one fact also
    /// [`Fault::Full`] where facts of its kind have no room, at the latest beyond [`FactRoom::OF_HOLDER`].
    pub async fn add_facts(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        facts: &[(Result<Of, Fault>, Fact)],
        dry_run: bool,
        now: UnixMillis,
    ) -> Result<Vec<FactTaken>, Fault> {
        caller.may(Scope::Facts, issuer)?;
        if facts.is_empty() || facts.len() > FACTS_MAX {
            return Err(Fault::invalid("facts", format!("1 to {FACTS_MAX} of them")));
        }
        self.issuer_of(issuer).await?;
        let (mut taken, mut new) = (Vec::with_capacity(facts.len()), Vec::with_capacity(facts.len()));
        for (of, fact) in facts {
            let holder = match of {
                Ok(of) => self.record_of(issuer, of).await,
                Err(fault) => Err(fault.clone()),
            };
            let outcome = match &holder {
                Err(fault) if !fault.is_the_callers() => return Err(fault.clone()),
                Err(fault) => Err(fault.clone()),
                Ok(_) => fact::check(fact, now),
            };
            let outcome = match (&holder, outcome) {
                (Ok(holder), Ok(())) => self.check_void(issuer, *holder, fact, now).await?,
                (_, outcome) => outcome,
            };
            if let (Ok(holder), Ok(())) = (&holder, &outcome) {
                new.push(self.sealed(issuer, *holder, fact)?);
            }
            taken.push(FactTaken { holder: holder.ok(), outcome: outcome.map(|()| false) });
        }
        let refused = taken.len() - new.len();
        let known: Vec<Option<bool>> = if dry_run {
            let what = format!("{} facts looked at, {refused} refused", facts.len());
            self.store.note(&Entry::new(now, caller, Action::FactsChecked, Some(issuer), what)).await?;
            let digests: Vec<_> = new.iter().map(|fact| fact.digest).collect();
            self.store.known_facts(issuer, &digests).await?.into_iter().map(Some).collect()
        } else {
            let what = format!("{} facts, {refused} refused", facts.len());
            let entry = Entry::new(now, caller, Action::FactsAdded, Some(issuer), what);
            self.store.add_facts(issuer, &new, &entry).await?
        };
        let mut known = known.into_iter();
        for taken in taken.iter_mut().filter(|taken| taken.outcome.is_ok()) {
            taken.outcome = known.next().flatten().ok_or_else(no_room);
        }
        Ok(taken)
    }

    /// Facts that came in after the number `after`, each with whose it is, at most `limit`.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`] without such an issuer.
    pub async fn fact_changes(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<(u64, HolderIndex)>, Fault> {
        caller.may(Scope::Rulings, issuer)?;
        self.issuer_of(issuer).await?;
        let facts = self.store.facts_after(issuer, after, limit).await?;
        Ok(facts.into_iter().map(|fact| (fact.number, fact.place)).collect())
    }

    /// Facts of holders, opened, with what the chain makes of them, in the order of `holders`.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::Invalid`] for none or more than 4,096 holders, [`Fault::Misconfigured`] when a key is missing,
    /// [`Fault::Damaged`].
    pub async fn open_facts(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        holders: &[HolderIndex],
        until: Option<u64>,
        now: UnixMillis,
    ) -> Result<Vec<HolderFacts>, Fault> {
        caller.may(Scope::Rulings, issuer)?;
        if holders.is_empty() || holders.len() > PAGE_MAX as usize {
            return Err(Fault::invalid("holders", format!("1 to {PAGE_MAX} of them")));
        }
        let what = format!("of {} holders, from {}", holders.len(), holders[0]);
        self.store.note(&Entry::new(now, caller, Action::FactsRead, Some(issuer), what)).await?;
        let (mut all, mut bytes) = (Vec::with_capacity(holders.len()), 0);
        for holders in holders.chunks(OPENED_AT_ONCE) {
            let of = (until.unwrap_or(u64::MAX), now);
            if !self.open_some(issuer, holders, of, (&mut all, &mut bytes)).await? {
                break;
            }
        }
        Ok(all)
    }

    /// Opens the facts of a few holders, one after the other; answers whether there is room for those of more.
    async fn open_some(
        &self,
        issuer: IssuerId,
        holders: &[HolderIndex],
        (until, now): (u64, UnixMillis),
        (all, bytes): (&mut Vec<HolderFacts>, &mut usize),
    ) -> Result<bool, Fault> {
        let mut by_holder: BTreeMap<HolderIndex, Vec<StoredFact>> = BTreeMap::new();
        for stored in self.store.facts_of(issuer, holders, until, now).await? {
            by_holder.entry(stored.place).or_default().push(stored);
        }
        let standings = self.store.standings(issuer, holders).await?;
        let standings: BTreeMap<_, _> =
            standings.into_iter().map(|standing| (standing.holder, standing)).collect();
        let joined = self.store.joined_among(issuer, holders).await?;
        for holder in holders {
            if *bytes > OPENED_BYTES_MAX {
                return Ok(false);
            }
            let mut facts = Vec::new();
            for stored in by_holder.remove(holder).unwrap_or_default() {
                *bytes += stored.sealed.len();
                let fact = self.vault.open_fact(issuer, stored.holder, &stored.digest, &stored.sealed)?;
                facts.push((stored.number, fact));
            }
            let unknown = Standing { holder: *holder, word: StatusWord::UNKNOWN, since: UnixMillis(0) };
            let joined = match joined.binary_search(holder) {
                Ok(_) => self.store.holder(issuer, *holder).await?.and_then(|held| held.joined),
                Err(_) => None,
            };
            all.push(HolderFacts {
                joined,
                standing: standings.get(holder).copied().unwrap_or(unknown),
                facts,
            });
        }
        Ok(*bytes <= OPENED_BYTES_MAX)
    }

    /// Whether what a void names is a fact of this person.
    async fn check_void(
        &self,
        issuer: IssuerId,
        holder: HolderIndex,
        fact: &Fact,
        now: UnixMillis,
    ) -> Result<Result<(), Fault>, Fault> {
        let Fact::Void { number, .. } = fact else { return Ok(Ok(())) };
        let of_person = self.store.facts_of(issuer, &[holder], *number, now).await?;
        if of_person.iter().any(|stored| stored.number == *number) {
            return Ok(Ok(()));
        }
        Ok(Err(Fault::invalid(
            "number",
            "the number of a fact of this person, as `hufu facts open` shows it",
        )))
    }

    /// Facts that have colours computed again of holders whose records are joined or parted.
    pub(super) fn again(
        &self,
        issuer: IssuerId,
        holders: &[HolderIndex],
        now: UnixMillis,
    ) -> Result<Vec<NewFact>, Fault> {
        let record = Fact::Record { at_ms: now.0 / 1000 * 1000 };
        holders.iter().map(|holder| self.sealed(issuer, *holder, &record)).collect()
    }

    /// Deletes what is to be forgotten by `now`, of every issuer; answers how many facts that were.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] and [`Fault::Damaged`], those of the store.
    pub async fn forget_facts(&self, now: UnixMillis) -> Result<u64, Fault> {
        let mut forgotten = 0;
        for issuer in self.store.issuers().await? {
            let entry =
                Entry::of_itself(now, Action::FactsForgotten, Some(issuer.id), "places of itineraries");
            forgotten += self.store.forget_facts(issuer.id, now, &entry).await?;
        }
        Ok(forgotten)
    }

    /// Keeps a paper under its name. Rule files and places are called by their SHA-256.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`], [`Fault::Invalid`] for a name that is not the digest, nothing, or too much,
    /// [`Fault::Conflict`] when there is another paper of this name.
    pub async fn put_paper(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        (kind, name): (PaperKind, [u8; 32]),
        bytes: &[u8],
        now: UnixMillis,
    ) -> Result<(), Fault> {
        let writers: &[Scope] = match kind {
            PaperKind::Workings => &[Scope::Propose],
            PaperKind::Rules | PaperKind::Places => &[Scope::Propose, Scope::Facts],
        };
        caller.may_one_of(writers, issuer)?;
        if bytes.is_empty() || bytes.len() > PAPER_BYTES_MAX {
            return Err(Fault::invalid("paper", format!("1 to {PAPER_BYTES_MAX} bytes")));
        }
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
        if kind != PaperKind::Workings && digest.as_ref() != name {
            return Err(Fault::invalid("name", "the SHA-256 of the paper, 64 hex digits"));
        }
        let paper = StoredPaper { kind, name, added: now, bytes: bytes.to_vec() };
        let what = format!("{kind} {}", hufu_contract::Hex(name));
        let entry = Entry::new(now, caller, Action::PaperPut, Some(issuer), what);
        let kept = self.store.put_paper(issuer, &paper, &entry).await?;
        if kept.bytes == bytes {
            return Ok(());
        }
        Err(Fault::Conflict(format!("there is another paper {kind} of this name, and papers do not change")))
    }

    /// The bytes of a paper.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`].
    pub async fn paper(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        kind: PaperKind,
        name: &[u8; 32],
    ) -> Result<Vec<u8>, Fault> {
        caller.may_one_of(readers(kind), issuer)?;
        let paper = self.store.paper(issuer, kind, name).await?;
        let missing =
            || Fault::NotFound(format!("paper {kind} {} of issuer {issuer}", hufu_contract::Hex(*name)));
        paper.map(|paper| paper.bytes).ok_or_else(missing)
    }

    /// Names of papers with the time they came in, the newest first.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::NotFound`] without such an issuer.
    pub async fn papers(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        kind: PaperKind,
        limit: u32,
    ) -> Result<Vec<([u8; 32], UnixMillis)>, Fault> {
        caller.may_one_of(readers(kind), issuer)?;
        self.issuer_of(issuer).await?;
        self.store.papers(issuer, kind, super::page(limit)).await
    }

    fn sealed(&self, issuer: IssuerId, holder: HolderIndex, fact: &Fact) -> Result<NewFact, Fault> {
        let (digest, sealed) = self.vault.seal_fact(issuer, holder, fact)?;
        Ok(NewFact { holder, digest, forgotten: fact::forgotten(fact), room: FactRoom::of(fact), sealed })
    }

    /// The record that goes on of whose fact it is.
    async fn record_of(&self, issuer: IssuerId, of: &Of) -> Result<HolderIndex, Fault> {
        match of {
            Of::Holder(index) => {
                let held = self.store.holder(issuer, *index).await?;
                held.map(|held| held.place()).ok_or_else(|| Fault::no_holder(issuer, *index))
            }
            Of::Person(number, name) => match self.places_of(issuer, number, Some(name)).await?.as_slice() {
                [index] => Ok(*index),
                [] => Err(Fault::NotFound(format!(
                    "holder of issuer {issuer} with this id number and name: register the person first, or correct what is \
                     written"
                ))),
                _ => Err(Fault::Conflict(
                    "several people are registered with this id number and name: write the issuing state of the document".into(),
                )),
            },
        }
    }
}

/// So much is kept of the holder that no more of this kind is taken.
fn no_room() -> Fault {
    let FactRoom { facts, bytes } = FactRoom::OF_HOLDER;
    Fault::Full(format!(
        "{facts} facts of a holder, and {bytes} bytes of them sealed; doses and visits take half of it, and only voids the last \
         eighth: look at what was handed in for this holder (`hufu facts open`), hand in a void for each fact that is wrong \
         (`hufu facts import`, kind void), and propose by hand a colour that follows from a fact which is refused here (`hufu \
         change propose`); a void makes no room, and the operator of the registry finds in the trail which token did so"
    ))
}
