//! How much one caller may ask of the server, and why.

use hufu_wire::limits;

/// JSON of any request but the two below: a site's policy is the largest, 16 KiB and its escapes.
pub(super) const JSON_BYTES_MAX: usize = 64 * 1024;

/// 4,096 holders of 256 bytes each, which is more than names and numbers need.
pub(super) const HOLDERS_JSON_BYTES_MAX: usize = 1024 * 1024;

/// 4,096 tickets of 512 bytes each: a traveller of 256 bytes, and the ticket.
pub(super) const TRIPS_JSON_BYTES_MAX: usize = 2 * 1024 * 1024;

/// 2,048 facts of 2 KiB; a dose with its document may have 5.
pub(super) const FACTS_JSON_BYTES_MAX: usize = 4 * 1024 * 1024;

/// 32,768 members of 10 digits and a comma, and room for people who indent.
pub(super) const ROSTER_JSON_BYTES_MAX: usize = 1024 * 1024;

/// Instructions and confirmations: an instruction is shorter than its set.
pub(super) const SET_BYTES_MAX: usize = limits::CHANGE_SET_BYTES_MAX;

/// Checkpoints and releases: both have a few hundred bytes.
pub(super) const SMALL_BYTES_MAX: usize = 1024;

/// Sets handed out in one answer, beyond the first, bytes.
pub(super) const SETS_BYTES_MAX: u32 = 8 * 1024 * 1024;

/// Sets read at once for one feed that is behind, beyond the first, bytes: what a slow engine may hold of memory.
pub(super) const FEED_BATCH_BYTES: usize = 1024 * 1024;

/// Newest sets kept for all feeds of one issuer together, bytes: a feed that is a moment behind reads no database.
pub(super) const RECENT_BYTES: usize = 4 * 1024 * 1024;

/// Entries of one page.
pub(super) const PAGE_MAX: u32 = 1000;

/// Entries of a page when the caller does not say.
pub(super) const PAGE_DEFAULT: u32 = 100;

/// Ended trips of one page: about 110 bytes each.
pub(super) const ENDED_MAX: u32 = 65_536;

/// Statuses of one page: 12 bytes each.
pub(super) const STATUSES_MAX: u32 = 65_536;
