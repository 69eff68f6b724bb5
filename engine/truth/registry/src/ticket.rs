//! Tickets: what a ticket office knows of a trip, and what is kept of it.

use core::fmt;

use hufu_contract::{TicketPhase, TripOutcome};
use hufu_wire::{HolderIndex, HubId, UnixMillis, UnixSeconds, limits};
use zeroize::{Zeroize as _, ZeroizeOnDrop};

use crate::fault::Fault;
use crate::id_number::IdNumber;

/// Most tickets of one request: an office's file goes in pieces.
pub const TICKETS_MAX: usize = 4096;
/// Longest name of an office, bytes: it stands in every line of the trail about its tickets.
const OFFICE_BYTES_MAX: usize = 32;
/// Longest number of a ticket, bytes: twice what airlines and railways print.
const TICKET_BYTES_MAX: usize = 64;
/// Longest reference, bytes: it stands behind the masked name in 32 bytes of display, of which that takes at most nine
/// and a space.
const REFERENCE_BYTES_MAX: usize = 12;

/// How long an ended trip is kept after its code would have expired, seconds: a clock that is ahead forgets none that is still
/// good, for no trip code is issued further ahead.
const ENDED_KEPT_S: u32 = limits::TRIP_VALIDITY_S_MAX;

/// Which ticket: a keyed digest of issuer, office and the office's number. The number names a person's journey.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TicketKey(pub [u8; 32]);

/// What a gate shows behind the masked name, such as a bag tag.
#[derive(Clone, PartialEq, Eq)]
pub struct Reference(String);

/// Who travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Traveller {
    /// The holder with this index.
    Holder(HolderIndex),
    /// The person of this id number, if that is their name.
    Person {
        /// The id number.
        number: IdNumber,
        /// The name.
        name: String,
    },
}

/// A ticket as its office hands it in.
#[derive(Clone, PartialEq, Eq)]
pub struct TicketOrder {
    /// The office's number.
    pub ticket: String,
    /// Who travels.
    pub traveller: Traveller,
    /// The only hub.
    pub hub: HubId,
    /// The window's first second.
    pub from: UnixSeconds,
    /// The window's last second.
    pub until: UnixSeconds,
    /// What gates show beside the masked name.
    pub reference: Option<Reference>,
}

/// A ticket as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTicket {
    /// Which.
    pub key: TicketKey,
    /// Whose ticket it is.
    pub office: String,
    /// Whether its code is good.
    pub phase: TicketPhase,
    /// Who travels.
    pub holder: HolderIndex,
    /// The hub.
    pub hub: HubId,
    /// The window's first second.
    pub from: UnixSeconds,
    /// The window's last second.
    pub until: UnixSeconds,
    /// From when the credential is valid that was issued last.
    pub issued: UnixSeconds,
    /// SHA-256 of that credential's bytes.
    pub digest: [u8; 32],
    /// When the ticket came in.
    pub made: UnixMillis,
    /// When its last code was issued, or when it was cancelled.
    pub changed: UnixMillis,
}

/// A trip credential that ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndedTrip {
    /// SHA-256 of its bytes.
    pub digest: [u8; 32],
    /// From when it is refused in any case.
    pub expires: UnixSeconds,
}

/// A ticket with its code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TripIssuance {
    /// What was done.
    pub outcome: TripOutcome,
    /// The ticket as it is kept now.
    pub ticket: StoredTicket,
    /// The traveller, masked (R10).
    pub traveller: String,
    /// What gates show: the same with the reference.
    pub display: String,
    /// The credential's bytes.
    pub bytes: Vec<u8>,
    /// The text of its code.
    pub code: String,
}

impl Reference {
    /// Reads a reference.
    ///
    /// # Errors
    /// [`Fault::Invalid`].
    pub fn read(text: &str) -> Result<Reference, Fault> {
        let known = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-';
        if (1..=REFERENCE_BYTES_MAX).contains(&text.len()) && text.bytes().all(known) {
            return Ok(Reference(text.to_owned()));
        }
        Err(Fault::invalid(
            "reference",
            format!("1 to {REFERENCE_BYTES_MAX} of A to Z, 0 to 9 and -, like CA981-04"),
        ))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether this can be the name of an office.
///
/// # Errors
/// [`Fault::Invalid`].
pub fn check_office(office: &str) -> Result<(), Fault> {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if (1..=OFFICE_BYTES_MAX).contains(&office.len()) && office.bytes().all(known) {
        return Ok(());
    }
    Err(Fault::invalid(
        "office",
        format!("1 to {OFFICE_BYTES_MAX} of letters, digits, -, _ and ., like 12306"),
    ))
}

/// Whether this can be the number of a ticket.
///
/// # Errors
/// [`Fault::Invalid`], which repeats nothing of it.
pub fn check_ticket(ticket: &str) -> Result<(), Fault> {
    if (1..=TICKET_BYTES_MAX).contains(&ticket.len()) && ticket.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err(Fault::invalid("ticket", format!("1 to {TICKET_BYTES_MAX} visible ASCII characters without spaces")))
}

impl StoredTicket {
    /// From when the credential is refused that was issued last.
    pub fn expires(&self) -> UnixSeconds {
        UnixSeconds(self.until.0.saturating_add(1))
    }

    /// What engines must hear of that credential, if by any clock that is not far off it would still be believed at `now`.
    pub fn ended(&self, now: UnixSeconds) -> Option<EndedTrip> {
        let expires = self.expires();
        (expires > forgotten(now)).then_some(EndedTrip { digest: self.digest, expires })
    }
}

/// Ended trips that expired at this second or an earlier one are forgotten at `now`.
pub(crate) fn forgotten(now: UnixSeconds) -> UnixSeconds {
    UnixSeconds(now.0.saturating_sub(ENDED_KEPT_S))
}

impl fmt::Debug for TicketKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TicketKey(not shown)")
    }
}

impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reference(not shown)")
    }
}

impl fmt::Debug for TicketOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TicketOrder(not shown)")
    }
}

impl Drop for TicketOrder {
    fn drop(&mut self) {
        self.ticket.zeroize();
        if let Traveller::Person { name, .. } = &mut self.traveller {
            name.zeroize();
        }
    }
}

impl ZeroizeOnDrop for TicketOrder {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r04_references_offices_and_numbers_have_their_characters() {
        let reference = |text: &str| Reference::read(text).is_ok();
        assert!(reference("CA981-04") && reference("0") && reference("ABCDEFGHIJ-1"));
        assert!(!reference("") && !reference("ABCDEFGHIJ-12") && !reference("ca981") && !reference("A B"));
        assert!(check_office("12306").is_ok() && check_office("PEK.T3_desk-1").is_ok());
        assert!(
            check_office("").is_err()
                && check_office("a/b").is_err()
                && check_office(&"a".repeat(33)).is_err()
        );
        assert!(
            check_ticket("E123456789#1").is_ok()
                && check_ticket("a b").is_err()
                && check_ticket("票").is_err()
        );
    }
}
