//! Tickets, and the trip credentials that ended before their time.

use async_trait::async_trait;
use hufu_registry::store::{DecideTickets, SoughtTickets, TicketEdit, TicketRecords, Tickets, big};
use hufu_registry::{EndedTrip, Fault, StoredTicket, TicketKey, TicketPhase};
use hufu_wire::{CodeKind, HolderIndex, IssuerId, UnixSeconds};

use crate::credentials;
use crate::fault::{TxFault, retried};
use crate::holders::{joined, numbers, words};
use crate::issuers::lock;
use crate::row::{all, one};
use crate::store::{PostgresStore, Tx};

#[async_trait]
impl Tickets for PostgresStore {
    async fn edit_tickets(
        &self,
        issuer: IssuerId,
        sought: &SoughtTickets<'_>,
        decide: &DecideTickets<'_>,
    ) -> Result<(), Fault> {
        retried(|| async {
            let mut tx = self.begin().await?;
            lock(&mut tx, issuer).await?;
            let TicketEdit { put: tickets, issued, ended, over, lines } =
                decide(&records(&mut tx, issuer, sought).await?)?;
            if !tickets.is_empty() {
                put(&mut tx, issuer, &tickets).await?;
            }
            if !issued.is_empty() {
                let holders: Vec<_> = issued.iter().map(|credential| credential.holder).collect();
                credentials::lock(&mut tx, issuer, &holders).await?;
                credentials::add(&mut tx, &issued.iter().collect::<Vec<_>>()).await?;
            }
            if !ended.is_empty() {
                end(&mut tx, issuer, &ended, over).await?;
            }
            self.lines(&mut tx, &lines.iter().collect::<Vec<_>>()).await?;
            Ok(tx.commit().await?)
        })
        .await
    }

    async fn ticket(&self, issuer: IssuerId, key: TicketKey) -> Result<Option<StoredTicket>, Fault> {
        let query = sqlx::query("SELECT * FROM tickets WHERE issuer = $1 AND ticket = $2");
        Ok(one(&self.pool, query.bind(i64::from(issuer.0)).bind(&key.0[..])).await?)
    }

    async fn tickets_of(
        &self,
        issuer: IssuerId,
        holder: HolderIndex,
        now: UnixSeconds,
        limit: u32,
    ) -> Result<Vec<StoredTicket>, Fault> {
        const OF_HOLDER: &str = "
            SELECT * FROM tickets WHERE issuer = $1 AND holder = $2 AND phase = $3 AND until_s >= $4
            ORDER BY from_s, ticket LIMIT $5";
        let query = sqlx::query(OF_HOLDER).bind(i64::from(issuer.0)).bind(i64::from(holder.0));
        let query = query.bind(TicketPhase::Active.slug()).bind(i64::from(now.0)).bind(i64::from(limit));
        Ok(all(&self.pool, query).await?)
    }

    async fn ended_trips(
        &self,
        issuer: IssuerId,
        after: Option<[u8; 32]>,
        now: UnixSeconds,
        limit: u32,
    ) -> Result<Vec<EndedTrip>, Fault> {
        const PAGE: &str = "
            SELECT * FROM ended_trips WHERE issuer = $1 AND digest > $2 AND expires_s > $3 ORDER BY digest LIMIT $4";
        let after = after.as_ref().map_or(&[][..], |digest| &digest[..]);
        let query = sqlx::query(PAGE).bind(i64::from(issuer.0)).bind(after);
        Ok(all(&self.pool, query.bind(i64::from(now.0)).bind(i64::from(limit))).await?)
    }
}

async fn records(
    tx: &mut Tx,
    issuer: IssuerId,
    sought: &SoughtTickets<'_>,
) -> Result<TicketRecords, TxFault> {
    const TICKETS: &str = "SELECT * FROM tickets WHERE issuer = $1 AND ticket = ANY($2) ORDER BY ticket";
    // Of all that were ever issued, of tickets that went to other people too.
    const LAST: &str = "
        SELECT holder, max(issued_s) AS issued_s FROM credentials
        WHERE issuer = $1 AND holder = ANY($2) AND kind = $3 GROUP BY holder ORDER BY holder";
    let keys: Vec<&[u8]> = sought.keys.iter().map(|key| &key.0[..]).collect();
    let tickets = sqlx::query(TICKETS).bind(i64::from(issuer.0)).bind(keys);
    let last = sqlx::query(LAST).bind(i64::from(issuer.0)).bind(numbers(sought.holders));
    Ok(TicketRecords {
        tickets: all(&mut **tx, tickets).await?,
        last: all(&mut **tx, last.bind(CodeKind::Trip as i64)).await?,
        joined: joined(&mut **tx, issuer, sought.holders).await?,
        words: words(tx, issuer, sought.holders).await?,
    })
}

async fn put(tx: &mut Tx, issuer: IssuerId, tickets: &[StoredTicket]) -> Result<(), TxFault> {
    const PUT: &str = "
        INSERT INTO tickets (issuer, ticket, office, phase, holder, hub, from_s, until_s, issued_s, digest, made, changed)
        SELECT $1, new.* FROM unnest($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) AS new
        ON CONFLICT (issuer, ticket) DO UPDATE SET phase = excluded.phase, holder = excluded.holder, hub = excluded.hub,
            from_s = excluded.from_s, until_s = excluded.until_s, issued_s = excluded.issued_s,
            digest = excluded.digest, changed = excluded.changed";
    let of = |number: fn(&StoredTicket) -> u32| -> Vec<i64> {
        tickets.iter().map(|ticket| i64::from(number(ticket))).collect()
    };
    let text = |text: fn(&StoredTicket) -> &str| -> Vec<&str> { tickets.iter().map(text).collect() };
    let bytes = |bytes: fn(&StoredTicket) -> &[u8; 32]| -> Vec<&[u8]> {
        tickets.iter().map(|ticket| &bytes(ticket)[..]).collect()
    };
    let time = |field, time: fn(&StoredTicket) -> u64| -> Result<Vec<i64>, Fault> {
        tickets.iter().map(|ticket| big(field, time(ticket))).collect()
    };
    sqlx::query(PUT)
        .bind(i64::from(issuer.0))
        .bind(bytes(|ticket| &ticket.key.0))
        .bind(text(|ticket| &ticket.office))
        .bind(text(|ticket| ticket.phase.slug()))
        .bind(of(|ticket| ticket.holder.0))
        .bind(of(|ticket| ticket.hub.0))
        .bind(of(|ticket| ticket.from.0))
        .bind(of(|ticket| ticket.until.0))
        .bind(of(|ticket| ticket.issued.0))
        .bind(bytes(|ticket| &ticket.digest))
        .bind(time("made", |ticket| ticket.made.0)?)
        .bind(time("changed", |ticket| ticket.changed.0)?)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Writes down credentials; those of the same digest once. Their numbers are given under the issuer's lock.
async fn end(tx: &mut Tx, issuer: IssuerId, ended: &[EndedTrip], over: UnixSeconds) -> Result<(), TxFault> {
    const FORGET: &str = "DELETE FROM ended_trips WHERE issuer = $1 AND expires_s <= $2";
    const END: &str = "
        INSERT INTO ended_trips (issuer, digest, expires_s) SELECT $1, new.* FROM unnest($2, $3) AS new
        ON CONFLICT (issuer, digest) DO NOTHING";
    let forget = sqlx::query(FORGET).bind(i64::from(issuer.0)).bind(i64::from(over.0));
    forget.execute(&mut **tx).await?;
    let digests: Vec<&[u8]> = ended.iter().map(|trip| &trip.digest[..]).collect();
    let expires: Vec<i64> = ended.iter().map(|trip| i64::from(trip.expires.0)).collect();
    let end = sqlx::query(END).bind(i64::from(issuer.0)).bind(digests).bind(expires);
    end.execute(&mut **tx).await?;
    Ok(())
}
