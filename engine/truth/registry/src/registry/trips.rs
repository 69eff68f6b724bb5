//! Trip codes for tickets (R04): issued ahead, changed, cancelled.
//!
//! A ticket has one code that is good. Whatever replaces or cancels it puts the code before on a list that engines take
//! ([decision 32](../../../../docs/decisions/0032-cancelled-trips.md)). A code is not kept: the same request makes the same
//! bytes again, because signatures are deterministic and the ticket keeps from when its credential is valid.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use hufu_codes::Credential;
use hufu_codes::issue::code_text;
use hufu_codes::keyring::{Keyring, Uses};
use hufu_contract::{Scope, TicketPhase, TripOutcome};
use hufu_wire::{CodeKind, HolderIndex, IssuerId, UnixMillis, UnixSeconds};

use super::credentials::goes_on;
use super::holders::places;
use super::{Registry, Signers};
use crate::caller::Caller;
use crate::credential::{CredentialRequest, IssuedCredential, Terms};
use crate::fault::Fault;
use crate::store::{SoughtTickets, TicketEdit, TicketRecords};
use crate::ticket::{
    EndedTrip, StoredTicket, TICKETS_MAX, TicketKey, TicketOrder, Traveller, TripIssuance, check_office,
    check_ticket,
};
use crate::trail::{Action, Entry};

/// A ticket whose traveller is known.
struct Ready<'o> {
    order: &'o TicketOrder,
    key: TicketKey,
    holder: HolderIndex,
    /// The traveller, masked.
    traveller: String,
    generation: u8,
}

/// What tickets are decided by.
struct Desk<'d> {
    issuer: IssuerId,
    office: &'d str,
    signers: &'d Signers,
    keyring: &'d Keyring,
    now: UnixMillis,
}

/// What became of each ticket of a request.
type Outcomes = Vec<Result<TripIssuance, Fault>>;

impl Registry {
    /// Gives each ticket of a list its code, or says why not; one ticket's refusal is no other's. A ticket that is known
    /// with other values is changed: its code before ends. The same again gives the same code.
    ///
    /// # Errors
    /// [`Fault::Forbidden`]; [`Fault::Invalid`] for none or more than 4,096 tickets and for the office;
    /// [`Fault::Misconfigured`] without a key that signs trips. For one ticket: [`Fault::Invalid`], [`Fault::NotFound`]
    /// without such a traveller, [`Fault::Conflict`] when the name is another, when the traveller's record was joined, when
    /// the ticket was cancelled, or when it comes twice.
    pub async fn put_trips(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        (office, orders): (&str, &[TicketOrder]),
        now: UnixMillis,
    ) -> Result<Outcomes, Fault> {
        caller.may(Scope::Trips, issuer)?;
        check_office(office)?;
        if orders.is_empty() || orders.len() > TICKETS_MAX {
            return Err(Fault::invalid("tickets", format!("1 to {TICKETS_MAX} of them")));
        }
        // Before anybody is looked for (R44).
        let what = format!("{} travellers of office {office}", orders.len());
        self.store.note(&Entry::new(now, caller, Action::HolderSought, Some(issuer), what)).await?;
        let mut seen = HashSet::new();
        let mut ready = Vec::with_capacity(orders.len());
        for order in orders {
            ready.push(match self.known_traveller(issuer, office, order).await {
                Ok(ready) if !seen.insert(ready.key) => Err(Fault::Conflict(
                    "the same ticket stands earlier in this list: leave one of the two out".into(),
                )),
                Err(fault) if is_of_all(&fault) => return Err(fault),
                ready => ready,
            });
        }
        let keyring = self.keyring.load();
        let desk = Desk { issuer, office, signers: &self.signers, keyring: &keyring, now };
        let keys: Vec<_> = ready.iter().flatten().map(|ready| ready.key).collect();
        let mut holders: Vec<_> = ready.iter().flatten().map(|ready| ready.holder).collect();
        holders.sort_unstable();
        holders.dedup();
        let outcomes = Mutex::new(Vec::new());
        let decide = |records: &TicketRecords| {
            let (edit, decided) = desk.decide(caller, records, &ready)?;
            *outcomes.lock().unwrap_or_else(PoisonError::into_inner) = decided;
            Ok(edit)
        };
        let sought = SoughtTickets { keys: &keys, holders: &holders };
        self.store.edit_tickets(issuer, &sought, &decide).await?;
        Ok(outcomes.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Cancels a ticket: its code ends, and it gets no other. One that is cancelled stays so.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::Invalid`], [`Fault::NotFound`].
    pub async fn cancel_trip(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        (office, ticket): (&str, &str),
        now: UnixMillis,
    ) -> Result<(StoredTicket, String), Fault> {
        caller.may(Scope::Trips, issuer)?;
        let key = self.ticket_key(issuer, office, ticket)?;
        let decide = |records: &TicketRecords| {
            let held = records.of(key).ok_or_else(|| no_ticket(office))?;
            if held.phase == TicketPhase::Cancelled {
                return Ok(TicketEdit::default());
            }
            let what = format!("a ticket of office {office} for holder {}", held.holder);
            Ok(TicketEdit {
                ended: held.ended(now.seconds()).into_iter().collect(),
                put: vec![StoredTicket { phase: TicketPhase::Cancelled, changed: now, ..held.clone() }],
                lines: vec![Entry::new(now, caller, Action::TripCancelled, Some(issuer), what)],
                ..TicketEdit::default()
            })
        };
        self.store.edit_tickets(issuer, &SoughtTickets { keys: &[key], holders: &[] }, &decide).await?;
        self.shown(issuer, office, key).await
    }

    /// A ticket as it is kept, and its traveller, masked.
    ///
    /// # Errors
    /// [`Fault::Forbidden`], [`Fault::Invalid`], [`Fault::NotFound`].
    pub async fn trip(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        (office, ticket): (&str, &str),
        now: UnixMillis,
    ) -> Result<(StoredTicket, String), Fault> {
        caller.may(Scope::Trips, issuer)?;
        let key = self.ticket_key(issuer, office, ticket)?;
        let what = format!("a ticket of office {office}");
        self.store.note(&Entry::new(now, caller, Action::TripRead, Some(issuer), what)).await?;
        self.shown(issuer, office, key).await
    }

    /// Trip credentials that ended before their time, for engines; the page after a digest, by rising digest.
    ///
    /// # Errors
    /// [`Fault::Forbidden`].
    pub async fn ended_trips(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        (after, limit): (Option<[u8; 32]>, u32),
        now: UnixMillis,
    ) -> Result<Vec<EndedTrip>, Fault> {
        caller.may_one_of(&[Scope::Feed, Scope::Trips], issuer)?;
        self.store.ended_trips(issuer, after, now.seconds(), limit).await
    }

    async fn shown(
        &self,
        issuer: IssuerId,
        office: &str,
        key: TicketKey,
    ) -> Result<(StoredTicket, String), Fault> {
        let ticket = self.store.ticket(issuer, key).await?.ok_or_else(|| no_ticket(office))?;
        let (person, _) = self.person(issuer, ticket.holder).await?;
        Ok((ticket, person.display()))
    }

    fn ticket_key(&self, issuer: IssuerId, office: &str, ticket: &str) -> Result<TicketKey, Fault> {
        check_office(office)?;
        check_ticket(ticket)?;
        Ok(self.vault.ticket(issuer, office, ticket))
    }

    /// A ticket's traveller, as the registry knows them.
    async fn known_traveller<'o>(
        &self,
        issuer: IssuerId,
        office: &str,
        order: &'o TicketOrder,
    ) -> Result<Ready<'o>, Fault> {
        let key = self.ticket_key(issuer, office, &order.ticket)?;
        let holder = match &order.traveller {
            Traveller::Holder(holder) => *holder,
            Traveller::Person { number, name } => self.traveller(issuer, number, name).await?,
        };
        let (person, record) = self.person(issuer, holder).await?;
        goes_on(issuer, &record)?;
        let generation = self.store.status(issuer, holder).await?.generation();
        Ok(Ready { order, key, holder, traveller: person.display(), generation })
    }

    async fn traveller(
        &self,
        issuer: IssuerId,
        number: &crate::IdNumber,
        name: &str,
    ) -> Result<HolderIndex, Fault> {
        let people = self.people_with(issuer, number).await?;
        if people.is_empty() {
            return Err(Fault::NotFound(format!(
                "holder of issuer {issuer} with the traveller's id number: have the traveller registered, then hand the ticket \
                 in again"
            )));
        }
        match places(&people, Some(name)).as_slice() {
            [holder] => Ok(*holder),
            [] => Err(Fault::Conflict(
                "the traveller's id number is registered with another name: correct the ticket, or have the registered name \
                 corrected; write a document of another state with its state, like passport:USA:E12345678"
                    .into(),
            )),
            _ => Err(Fault::Conflict(
                "several people are registered with the traveller's id number: give the document's issuing state, or the \
                 holder's index"
                    .into(),
            )),
        }
    }
}

impl Desk<'_> {
    /// What is written, and what becomes of each ticket.
    fn decide(
        &self,
        caller: &Caller,
        records: &TicketRecords,
        ready: &[Result<Ready<'_>, Fault>],
    ) -> Result<(TicketEdit, Outcomes), Fault> {
        let mut edit = TicketEdit::default();
        let mut outcomes = Vec::with_capacity(ready.len());
        // Two tickets of one holder in one second would otherwise be one credential, and end together.
        let mut last = std::collections::HashMap::new();
        for ready in ready {
            let outcome = match ready {
                Ok(ready) => {
                    let after = last.get(&ready.holder).copied().or_else(|| records.last_of(ready.holder));
                    self.put(records.of(ready.key), ready, after, &mut edit)
                }
                Err(fault) => Err(fault.clone()),
            };
            match outcome {
                Err(fault) if is_of_all(&fault) => return Err(fault),
                outcome => {
                    if let Ok(issuance) = &outcome
                        && issuance.outcome != TripOutcome::Unchanged
                    {
                        last.insert(issuance.ticket.holder, issuance.ticket.issued);
                    }
                    outcomes.push(outcome);
                }
            }
        }
        edit.lines = self.lines(caller, &outcomes);
        Ok((edit, outcomes))
    }

    fn put(
        &self,
        held: Option<&StoredTicket>,
        ready: &Ready<'_>,
        after: Option<UnixSeconds>,
        edit: &mut TicketEdit,
    ) -> Result<TripIssuance, Fault> {
        let now = self.now.seconds();
        if let Some(held) = held {
            if held.phase == TicketPhase::Cancelled {
                return Err(Fault::Conflict(
                    "the ticket was cancelled, and a cancelled ticket gets no code: use another ticket number".into(),
                ));
            }
            let is_same = (held.holder, held.hub, held.from, held.until)
                == (ready.holder, ready.order.hub, ready.order.from, ready.order.until);
            if is_same && held.expires() > now {
                // The same bytes, unless generation, name, key or reference are others by now.
                let (bytes, credential) = self.sign(ready, held.issued)?;
                if credential.digest == held.digest {
                    return Ok(issuance(TripOutcome::Unchanged, held.clone(), ready, bytes));
                }
            }
        }
        let issued = after.map_or(now, |after| now.max(UnixSeconds(after.0.saturating_add(1))));
        let (bytes, credential) = self.sign(ready, issued)?;
        let ticket = StoredTicket {
            key: ready.key,
            office: self.office.to_owned(),
            phase: TicketPhase::Active,
            holder: ready.holder,
            hub: ready.order.hub,
            from: ready.order.from,
            until: ready.order.until,
            issued,
            digest: credential.digest,
            made: held.map_or(self.now, |held| held.made),
            changed: self.now,
        };
        edit.put.push(ticket.clone());
        edit.issued.push(credential);
        edit.ended.extend(held.and_then(|held| held.ended(now)));
        let outcome = if held.is_some() { TripOutcome::Changed } else { TripOutcome::Issued };
        Ok(issuance(outcome, ticket, ready, bytes))
    }

    /// The credential of a ticket, valid from `issued` on.
    fn sign(&self, ready: &Ready<'_>, issued: UnixSeconds) -> Result<(Vec<u8>, IssuedCredential), Fault> {
        let TicketOrder { hub, from, until, .. } = *ready.order;
        let wanted = CredentialRequest::Trip { hub, from, until };
        let key =
            self.signers.code(self.issuer, Uses::TRIP, self.keyring, (self.now, self.now.seconds()))?.key();
        let (issued, expires, detail) =
            wanted.claims(&Terms { key, generation: ready.generation, issued })?;
        let signer = self.signers.code(self.issuer, Uses::TRIP, self.keyring, (self.now, expires))?;
        let credential = Credential {
            key: signer.key(),
            issued,
            expires,
            holder: ready.holder,
            generation: ready.generation,
            display: &ready.display(),
            detail,
        };
        let bytes = signer.sign_credential(&credential)?;
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes);
        let noted = IssuedCredential {
            issuer: self.issuer,
            holder: ready.holder,
            kind: CodeKind::Trip,
            generation: ready.generation,
            issued,
            expires,
            key: signer.key(),
            digest: digest.as_ref().try_into().unwrap_or_default(),
        };
        Ok((bytes, noted))
    }

    /// One line for each thing that was done: with the holder if it was done to one ticket alone. That a code was given
    /// out again is a line too.
    fn lines(&self, caller: &Caller, outcomes: &Outcomes) -> Vec<Entry> {
        let kinds = [
            (TripOutcome::Issued, Action::TripIssued),
            (TripOutcome::Changed, Action::TripChanged),
            (TripOutcome::Unchanged, Action::TripRead),
        ];
        let line = |(kind, action)| {
            let done: Vec<_> =
                outcomes.iter().flatten().filter(|issuance| issuance.outcome == kind).collect();
            let what = match done.as_slice() {
                [] => return None,
                [one] => format!("a ticket of office {} for holder {}", self.office, one.ticket.holder),
                several => format!("{} tickets of office {}", several.len(), self.office),
            };
            Some(Entry::new(self.now, caller, action, Some(self.issuer), what))
        };
        kinds.into_iter().filter_map(line).collect()
    }
}

impl Ready<'_> {
    /// What gates show: the traveller, masked, and the reference behind a space.
    fn display(&self) -> String {
        match &self.order.reference {
            Some(reference) => format!("{} {}", self.traveller, reference.as_str()),
            None => self.traveller.clone(),
        }
    }
}

fn issuance(outcome: TripOutcome, ticket: StoredTicket, ready: &Ready<'_>, bytes: Vec<u8>) -> TripIssuance {
    let (display, traveller) = (ready.display(), ready.traveller.clone());
    TripIssuance { outcome, ticket, traveller, display, code: code_text(&bytes, None), bytes }
}

/// Whether a fault is not one ticket's.
fn is_of_all(fault: &Fault) -> bool {
    matches!(
        fault,
        Fault::Unavailable(_) | Fault::Damaged(_) | Fault::Misconfigured(_) | Fault::Forbidden { .. }
    )
}

fn no_ticket(office: &str) -> Fault {
    Fault::NotFound(format!(
        "such ticket of office {office}: check its number, and under which office it was handed in"
    ))
}
