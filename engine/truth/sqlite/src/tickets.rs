//! Tickets, and the trip credentials that ended before their time.

use async_trait::async_trait;
use hufu_registry::store::{DecideTickets, SoughtTickets, TicketEdit, TicketRecords, Tickets, big};
use hufu_registry::{EndedTrip, Fault, StoredTicket, TicketKey, TicketPhase};
use hufu_wire::{CodeKind, HolderIndex, IssuerId, UnixSeconds};
use sqlx::SqliteConnection;

use crate::credentials;
use crate::fault::fault;
use crate::holders::{joined, words};
use crate::issuers;
use crate::row::{all, change, one};
use crate::store::SqliteStore;

#[async_trait]
impl Tickets for SqliteStore {
    async fn edit_tickets(
        &self,
        issuer: IssuerId,
        sought: &SoughtTickets<'_>,
        decide: &DecideTickets<'_>,
    ) -> Result<(), Fault> {
        let mut write = self.write().await?;
        issuers::known(&mut write, issuer).await?;
        let TicketEdit { put: tickets, issued, ended, over, lines } =
            decide(&records(&mut write, issuer, sought).await?)?;
        for ticket in &tickets {
            put(&mut write, issuer, ticket).await?;
        }
        credentials::add(&mut write, &issued.iter().collect::<Vec<_>>()).await?;
        if !ended.is_empty() {
            let query = sqlx::query("DELETE FROM ended_trips WHERE issuer = ? AND expires_s <= ?");
            change(&mut *write, query.bind(issuer.0).bind(over.0)).await?;
        }
        for trip in &ended {
            end(&mut write, issuer, trip).await?;
        }
        self.lines(&mut write, &lines.iter().collect::<Vec<_>>()).await?;
        write.commit().await.map_err(fault)
    }

    async fn ticket(&self, issuer: IssuerId, key: TicketKey) -> Result<Option<StoredTicket>, Fault> {
        let query = sqlx::query("SELECT * FROM tickets WHERE issuer = ? AND ticket = ?");
        one(&self.readers, query.bind(issuer.0).bind(key.0.as_slice())).await
    }

    async fn tickets_of(
        &self,
        issuer: IssuerId,
        holder: HolderIndex,
        now: UnixSeconds,
        limit: u32,
    ) -> Result<Vec<StoredTicket>, Fault> {
        const OF_HOLDER: &str = "
            SELECT * FROM tickets WHERE issuer = ? AND holder = ? AND phase = ? AND until_s >= ?
            ORDER BY from_s, ticket LIMIT ?";
        let query = sqlx::query(OF_HOLDER).bind(issuer.0).bind(holder.0).bind(TicketPhase::Active.slug());
        all(&self.readers, query.bind(now.0).bind(limit)).await
    }

    async fn ended_trips(
        &self,
        issuer: IssuerId,
        after: Option<[u8; 32]>,
        now: UnixSeconds,
        limit: u32,
    ) -> Result<Vec<EndedTrip>, Fault> {
        const PAGE: &str = "
            SELECT * FROM ended_trips WHERE issuer = ? AND digest > ? AND expires_s > ? ORDER BY digest LIMIT ?";
        let after = after.as_ref().map_or(&[][..], |digest| &digest[..]);
        all(&self.readers, sqlx::query(PAGE).bind(issuer.0).bind(after).bind(now.0).bind(limit)).await
    }
}

async fn records(
    write: &mut SqliteConnection,
    issuer: IssuerId,
    sought: &SoughtTickets<'_>,
) -> Result<TicketRecords, Fault> {
    const TICKET: &str = "SELECT * FROM tickets WHERE issuer = ? AND ticket = ?";
    // Of all that were ever issued, of tickets that went to other people too.
    const LAST: &str = "
        SELECT holder, MAX(issued_s) AS issued_s FROM credentials WHERE issuer = ? AND holder = ? AND kind = ?
        GROUP BY holder";
    let mut records = TicketRecords::default();
    for key in sought.keys {
        let query = sqlx::query(TICKET).bind(issuer.0).bind(key.0.as_slice());
        records.tickets.extend(one::<StoredTicket>(&mut *write, query).await?);
    }
    for holder in sought.holders {
        let query = sqlx::query(LAST).bind(issuer.0).bind(holder.0).bind(CodeKind::Trip as u8);
        records.last.extend(one::<(HolderIndex, UnixSeconds)>(&mut *write, query).await?);
    }
    records.tickets.sort_unstable_by_key(|ticket| ticket.key);
    records.last.sort_unstable();
    records.joined = joined(write, issuer, sought.holders).await?;
    records.words = words(write, issuer, sought.holders).await?;
    Ok(records)
}

async fn put(write: &mut SqliteConnection, issuer: IssuerId, ticket: &StoredTicket) -> Result<(), Fault> {
    const PUT: &str = "
        INSERT INTO tickets (issuer, ticket, office, phase, holder, hub, from_s, until_s, issued_s, digest, made, changed)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (issuer, ticket) DO UPDATE SET phase = excluded.phase, holder = excluded.holder, hub = excluded.hub,
            from_s = excluded.from_s, until_s = excluded.until_s, issued_s = excluded.issued_s,
            digest = excluded.digest, changed = excluded.changed";
    let put = sqlx::query(PUT)
        .bind(issuer.0)
        .bind(ticket.key.0.as_slice())
        .bind(&ticket.office)
        .bind(ticket.phase.slug())
        .bind(ticket.holder.0)
        .bind(ticket.hub.0)
        .bind(ticket.from.0)
        .bind(ticket.until.0)
        .bind(ticket.issued.0)
        .bind(ticket.digest.as_slice())
        .bind(big("made", ticket.made.0)?)
        .bind(big("changed", ticket.changed.0)?);
    change(write, put).await?;
    Ok(())
}

async fn end(write: &mut SqliteConnection, issuer: IssuerId, trip: &EndedTrip) -> Result<(), Fault> {
    const END: &str =
        "INSERT INTO ended_trips (issuer, digest, expires_s) VALUES (?, ?, ?) ON CONFLICT DO NOTHING";
    let end = sqlx::query(END).bind(issuer.0).bind(trip.digest.as_slice()).bind(trip.expires.0);
    change(write, end).await?;
    Ok(())
}
