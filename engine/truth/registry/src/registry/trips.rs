//! Trip codes for tickets (R04): issued ahead, changed, cancelled.
//!
//! A ticket has one code that is good. Whatever replaces or cancels it puts the code before on a list that engines take
//! (`docs/decisions/0032-cancelled-trips.md`).

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use hufu_contract::{Scope, TicketPhase};
use hufu_wire::{HolderIndex, IssuerId, UnixMillis};

use super::Registry;
use super::credentials::goes_on;
use super::desk::{Desk, Outcomes, Ready, is_of_all};
use super::holders::places;
use crate::caller::Caller;
use crate::fault::Fault;
use crate::id_number::IdNumber;
use crate::store::{SoughtTickets, TicketEdit, TicketRecords};
use crate::ticket::{
    EndedTrip, StoredTicket, TICKETS_MAX, TicketKey, TicketOrder, Traveller, check_office, check_ticket,
    forgotten,
};
use crate::trail::{Action, Entry};

impl Registry {
    /// Gives each ticket of a list its code, or says why not; one ticket's refusal is no other's. A ticket that is known
    /// with other values is changed: its code before ends. The same again gives the same code.
    ///
    /// # Errors
    /// [`Fault::Forbidden`]; [`Fault::Invalid`] for none or more than 4,096 tickets and for the office;
    /// [`Fault::Misconfigured`] without a key that signs trips. For one ticket: [`Fault::Invalid`], [`Fault::NotFound`]
    /// without such a traveller, [`Fault::Conflict`] when the name is another, when the traveller's record was joined, when
    /// the ticket was cancelled, when it comes twice, or when its window ends after the keys that sign trips.
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
                over: forgotten(now.seconds()),
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
    /// [`Fault::Forbidden`], [`Fault::NotFound`] without such an issuer.
    pub async fn ended_trips(
        &self,
        caller: &Caller,
        issuer: IssuerId,
        (after, limit): (Option<[u8; 32]>, u32),
        now: UnixMillis,
    ) -> Result<Vec<EndedTrip>, Fault> {
        caller.may_one_of(&[Scope::Feed, Scope::Trips], issuer)?;
        // An empty list for a mistyped issuer would let cancelled codes pass.
        self.issuer_of(issuer).await?;
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
        Ok(Ready { order, key, holder, traveller: person.display() })
    }

    async fn traveller(&self, issuer: IssuerId, number: &IdNumber, name: &str) -> Result<HolderIndex, Fault> {
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

fn no_ticket(office: &str) -> Fault {
    Fault::NotFound(format!(
        "such ticket of office {office}: check its number, and under which office it was handed in"
    ))
}
