//! Tickets in the store.

use async_trait::async_trait;
use hufu_contract::TicketPhase;
use hufu_wire::{HolderIndex, HubId, IssuerId, StatusWord, UnixSeconds};

use super::row::{Columns, FromColumns};
use crate::credential::IssuedCredential;
use crate::fault::Fault;
use crate::ticket::{EndedTrip, StoredTicket, TicketKey};
use crate::trail::Entry;

/// Which tickets are read before some are written.
#[derive(Clone, Copy, Debug)]
pub struct SoughtTickets<'s> {
    /// These.
    pub keys: &'s [TicketKey],
    /// Whether these holders were joined into others, their words, and when their last trip credentials of any ticket were issued.
    pub holders: &'s [HolderIndex],
}

/// What was read, under the lock that everything of an issuer is written under.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TicketRecords {
    /// The tickets, as far as there are any, by rising key.
    pub tickets: Vec<StoredTicket>,
    /// Of holders who have tickets, from when the last one's credential is valid; by rising index.
    pub last: Vec<(HolderIndex, UnixSeconds)>,
    /// Holders who were joined into others, by rising index.
    pub joined: Vec<HolderIndex>,
    /// The words of holders, as far as the chain gives them one, by rising index.
    pub words: Vec<(HolderIndex, StatusWord)>,
}

/// What is to be written. With nothing in it nothing is written, no line either.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketEdit {
    /// Tickets as they are to be, new ones and others.
    pub put: Vec<StoredTicket>,
    /// Credentials that were issued for them.
    pub issued: Vec<IssuedCredential>,
    /// Credentials that ended.
    pub ended: Vec<EndedTrip>,
    /// Ended credentials that are refused in any case from this second on, or an earlier one, are forgotten when others end. It
    /// is long ago: what is forgotten does not come back when a clock was wrong.
    pub over: UnixSeconds,
    /// Lines of the trail.
    pub lines: Vec<Entry>,
}

/// Says what is to be written, knowing what there is. It may be asked more than once; the last edit counts.
pub type DecideTickets<'d> = dyn Fn(&TicketRecords) -> Result<TicketEdit, Fault> + Send + Sync + 'd;

/// Tickets and the credentials that ended with them.
#[async_trait]
pub trait Tickets {
    /// Reads tickets, asks `decide`, and writes what it says, with its lines of the trail.
    ///
    /// # Errors
    /// [`Fault::NotFound`] without such an issuer, and those of `decide`: then nothing is written.
    async fn edit_tickets(
        &self,
        issuer: IssuerId,
        sought: &SoughtTickets<'_>,
        decide: &DecideTickets<'_>,
    ) -> Result<(), Fault>;

    /// One ticket.
    async fn ticket(&self, issuer: IssuerId, key: TicketKey) -> Result<Option<StoredTicket>, Fault>;

    /// Active tickets of a holder whose window has not ended at `now`, by rising window, at most `limit`.
    async fn tickets_of(
        &self,
        issuer: IssuerId,
        holder: HolderIndex,
        now: UnixSeconds,
        limit: u32,
    ) -> Result<Vec<StoredTicket>, Fault>;

    /// Ended credentials that would be believed at `now`, after this digest, by rising digest, at most `limit`.
    async fn ended_trips(
        &self,
        issuer: IssuerId,
        after: Option<[u8; 32]>,
        now: UnixSeconds,
        limit: u32,
    ) -> Result<Vec<EndedTrip>, Fault>;
}

impl Default for TicketEdit {
    fn default() -> TicketEdit {
        let (put, issued, ended, lines) = Default::default();
        TicketEdit { put, issued, ended, over: UnixSeconds(0), lines }
    }
}

impl TicketRecords {
    /// The ticket with this key.
    pub fn of(&self, key: TicketKey) -> Option<&StoredTicket> {
        let at = self.tickets.binary_search_by_key(&key, |ticket| ticket.key).ok()?;
        self.tickets.get(at)
    }

    /// From when the last credential of any ticket of this holder is valid.
    pub fn last_of(&self, holder: HolderIndex) -> Option<UnixSeconds> {
        let at = self.last.binary_search_by_key(&holder, |(index, _)| *index).ok()?;
        self.last.get(at).map(|(_, issued)| *issued)
    }

    /// Whether this holder goes on: was joined into no other.
    pub fn goes_on(&self, holder: HolderIndex) -> bool {
        self.joined.binary_search(&holder).is_err()
    }

    /// The word of a holder.
    pub fn word(&self, holder: HolderIndex) -> StatusWord {
        let at = self.words.binary_search_by_key(&holder, |(index, _)| *index);
        at.ok().and_then(|at| self.words.get(at)).map_or(StatusWord::UNKNOWN, |(_, word)| *word)
    }
}

impl FromColumns for StoredTicket {
    fn read(row: &impl Columns) -> Result<StoredTicket, Fault> {
        Ok(StoredTicket {
            key: TicketKey(row.array("ticket")?),
            office: row.text("office")?,
            phase: row.word("phase", TicketPhase::from_slug)?,
            holder: HolderIndex::read(row)?,
            hub: HubId(row.number("hub")?),
            from: UnixSeconds(row.number("from_s")?),
            until: UnixSeconds(row.number("until_s")?),
            issued: UnixSeconds(row.number("issued_s")?),
            digest: row.array("digest")?,
            made: row.time("made")?,
            changed: row.time("changed")?,
        })
    }
}

/// A holder with the time of their last trip credential.
impl FromColumns for (HolderIndex, UnixSeconds) {
    fn read(row: &impl Columns) -> Result<(HolderIndex, UnixSeconds), Fault> {
        Ok((HolderIndex::read(row)?, UnixSeconds(row.number("issued_s")?)))
    }
}

impl FromColumns for EndedTrip {
    fn read(row: &impl Columns) -> Result<EndedTrip, Fault> {
        Ok(EndedTrip { digest: row.array("digest")?, expires: UnixSeconds(row.number("expires_s")?) })
    }
}
