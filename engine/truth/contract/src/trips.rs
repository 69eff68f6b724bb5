use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::words::words;
use crate::{Base64Url, Hex};

/// Who travels with a ticket, where and when: a code is issued ahead for it (R04).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"id_number": "11010519491231002X", "name": "王小明", "hub": 3101,
    "from_ms": 1_796_083_200_000_u64, "until_ms": 1_796_097_600_000_u64, "reference": "G7-0412"}))]
pub struct PutTrip {
    /// The traveller's id number, as for registering; with `name`. Either these two or `holder`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_number: Option<String>,
    /// The traveller's full name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The traveller's index, where the office knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holder: Option<u32>,
    /// The only hub where the code is good.
    pub hub: u32,
    /// The window's first second, in milliseconds.
    pub from_ms: u64,
    /// The window's last second, in milliseconds.
    pub until_ms: u64,
    /// What a gate shows beside the masked name, such as a bag tag: 1 to 12 of A to Z, 0 to 9 and `-`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^[A-Z0-9-]{1,12}$")]
    pub reference: Option<String>,
}

/// A ticket of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ListedTrip {
    /// The office's number of the ticket, 1 to 64 visible ASCII characters.
    pub ticket: String,
    /// Its traveller, hub and window.
    pub trip: PutTrip,
}

/// An office's tickets, 1 to 4,096 of them: its file of a night.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"office": "12306", "tickets": [{"ticket": "E123456789", "trip": {"holder": 42, "hub": 3101,
    "from_ms": 1_796_083_200_000_u64, "until_ms": 1_796_097_600_000_u64}}]}))]
pub struct PutTrips {
    /// The office, 1 to 32 of letters, digits, `-`, `_` and `.`.
    pub office: String,
    /// Each is taken or refused by itself.
    #[schema(min_items = 1, max_items = 4096)]
    pub tickets: Vec<ListedTrip>,
}

words! {
    /// Whether a ticket's code is good.
    pub enum TicketPhase {
        /// Its code is the one that was answered last.
        Active = "active",
        /// It has no code any more, and gets none.
        Cancelled = "cancelled",
    }
}

words! {
    /// What a request did to a ticket.
    pub enum TripOutcome {
        /// It is new, and this is its first code.
        Issued = "issued",
        /// It was so already: the same code again.
        Unchanged = "unchanged",
        /// It was another before. The code before ends.
        Changed = "changed",
    }
}

/// What is kept of a ticket. Its number and its reference are not: the number is a keyed digest, the reference stands in the
/// code alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Trip {
    /// Who issued the ticket.
    pub office: String,
    /// Whether its code is good.
    pub phase: TicketPhase,
    /// The traveller's index.
    pub holder: u32,
    /// The traveller, masked (R10).
    #[schema(example = "王*002X")]
    pub display: String,
    /// The hub.
    pub hub: u32,
    /// The window's first second, in milliseconds.
    pub from_ms: u64,
    /// The window's last second, in milliseconds.
    pub until_ms: u64,
    /// SHA-256 of the credential that was issued last.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    pub digest: Hex<32>,
    /// When the ticket came in.
    pub made_ms: u64,
    /// When its last code was issued, or when it was cancelled.
    pub changed_ms: u64,
}

/// A ticket with its code. The code is not kept: the same request gives it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IssuedTrip {
    /// What the request did.
    pub outcome: TripOutcome,
    /// The ticket.
    pub trip: Trip,
    /// What gates show: the traveller, masked, and the reference.
    #[schema(example = "王*002X G7-0412")]
    pub display: String,
    /// The signed credential, base64url.
    #[schema(value_type = String, pattern = "^[A-Za-z0-9_-]+$")]
    pub credential: Base64Url,
    /// The code text, to print on the ticket or to send.
    pub code: String,
}

/// What became of each ticket of a list, in the order of the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PutTripsAnswer {
    /// One for each of the request's.
    pub tickets: Vec<TripLine>,
}

/// What became of one ticket: it has a code, or it was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TripLine {
    /// The ticket with its code; absent when it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued: Option<IssuedTrip>,
    /// Why it was refused, and who can fix it. Nothing of the ticket was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// A page of the trip credentials that ended before their time, for engines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EndedTrips {
    /// When the page was made, by the registry's clock.
    pub made_ms: u64,
    /// By rising digest. The next page begins after the last one's; an empty page is the last.
    pub ended: Vec<EndedTrip>,
}

/// A trip credential that gates refuse although its window has not passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EndedTrip {
    /// SHA-256 of the credential.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    pub digest: Hex<32>,
    /// From when it is refused without any list.
    pub expires_ms: u64,
}

/// A person's fields belong in no log.
impl core::fmt::Debug for PutTrip {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("PutTrip")
    }
}
