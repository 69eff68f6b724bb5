//! Ranges of the policy keys, each with its reason.

use core::ops::RangeInclusive;

/// Sites in one file: every gate of a large country's schools and stations, and an index that fits `u32`.
pub const SITES_MAX: usize = 1 << 20;
/// Characters of a name, a hotline or an organisation: one line on a console.
pub const TEXT_CHARS_MAX: usize = 80;
/// Hours: a test older than a year says nothing.
pub const TEST_AGE_H: RangeInclusive<u64> = 1..=8760;
/// Hours of a foreign test; 0 for a type of test that does not count.
pub const FOREIGN_TEST_AGE_H: RangeInclusive<u64> = 0..=8760;
/// Days since a foreign vaccination or infection: ten years say as much as for ever.
pub const FOREIGN_AGE_D: RangeInclusive<u64> = 0..=3650;
/// Doses: the status word counts to seven.
pub const DOSES: RangeInclusive<u64> = 0..=7;
/// Milliseconds: heads arrive every second; the upper end, 30 days, serves issuers refreshed by hand.
pub const STALENESS_MS: RangeInclusive<u64> = 1_000..=2_592_000_000;
/// Seconds: a gate without a network for more than 30 days knows nothing.
pub const OFFLINE_AGE_S: RangeInclusive<u64> = 1..=2_592_000;
/// Seconds: an hour of pass-back is more than any two gates need.
pub const PASS_BACK_S: RangeInclusive<u64> = 0..=3_600;
/// Steps either side: beyond two minutes a screenshot would live too long (R02).
pub const SKEW_STEPS: RangeInclusive<u64> = 0..=4;
/// A test dated further ahead than this, in seconds, is no evidence: its clock is wrong.
pub const TEST_AHEAD_S_MAX: u32 = 3_600;
/// Members of one list: as many as an engine follows issuers.
pub const LIST_MAX: usize = hufu_wire::limits::ISSUERS_MAX;
