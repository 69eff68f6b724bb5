use serde::{Deserialize, Serialize};

/// The days that a holder's view has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewDays {
    /// By rising day.
    pub days: Vec<ViewDay>,
}

/// One day of all engines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewDay {
    /// The day in the engines' time zone, as in `2026-11-29`.
    pub day: String,
    /// Bits of a tag that name a bucket.
    pub prefix_bits: u8,
    /// Slips of the day.
    pub slips: u64,
    /// The time of the first check with a slip.
    pub first_ms: u64,
    /// The time of the last one.
    pub last_ms: u64,
}

/// The places where slips come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewPlaces {
    /// By rising site.
    pub places: Vec<ViewPlace>,
}

/// One place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewPlace {
    /// Its site.
    pub site: u32,
    /// What people call it.
    pub name: String,
    /// Who checks there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
}

/// What a ticket is asked for with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WantTicket {
    /// The text of any live code.
    pub code: String,
}

/// A ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewTicket {
    /// To be sent with each request for slips.
    pub ticket: String,
    /// For how long, seconds.
    pub valid_s: u32,
    /// Buckets that it is good for.
    pub buckets: u32,
}

/// A request for buckets of one day. They stand in the body, because logs of proxies have URLs and headers in them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WantSlips {
    /// The ticket.
    pub ticket: String,
    /// The day.
    pub day: String,
    /// The day's own number of bits: more would tell more than is needed.
    pub prefix_bits: u8,
    /// The first bits of tags, rising, at most [`WantSlips::PREFIXES_MAX`].
    pub prefixes: Vec<u32>,
}

impl WantSlips {
    /// Prefixes of one request.
    pub const PREFIXES_MAX: usize = 256;
}
