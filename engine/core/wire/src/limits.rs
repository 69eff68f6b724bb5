//! Every limit of the protocol in one place, each with its reason.
//!
//! Layouts read their limits here, and some limits count the bytes of layouts: of constants this circle is harmless.

/// Longest text of a code of ours, bytes. QR version 11 at level L holds 468 alphanumeric characters; the rest is room
/// for trip codes with a long masked name.
pub const CODE_BYTES_MAX: usize = 512;

/// Longest text that an encoder writes, bytes: `HF1:` and groups of three characters. It is one byte less than a
/// request has room for, so that an engine sees that a scan was too long, of which the gate sends the beginning.
pub const CODE_TEXT_BYTES_MAX: usize = 4 + (CODE_BYTES_MAX - 4) / 3 * 3;
const _: () = assert!(CODE_TEXT_BYTES_MAX < CODE_BYTES_MAX);

/// Longest binary form of a code text: base45 turns two bytes into three characters after `HF1:`.
pub const CODE_BINARY_BYTES_MAX: usize = (CODE_BYTES_MAX - 4) / 3 * 2 + 1;

/// Seconds of one presentation step (R02).
pub const STEP_S: u32 = 30;

/// Steps under one step root: 34 hours, so that a code valid for 24 h never runs out of steps.
pub const STEPS: u32 = 4096;

/// Longest validity of a phone code, seconds (R02).
pub const PHONE_VALIDITY_S_MAX: u32 = 24 * 3600;

/// Longest validity of a paper code, seconds (R03).
pub const PAPER_VALIDITY_S_MAX: u32 = 7 * 24 * 3600;

/// Longest validity of a trip code, seconds: tickets are sold 60 days ahead (R04).
pub const TRIP_VALIDITY_S_MAX: u32 = 60 * 24 * 3600;

/// How long codes and rosters of an ended key are admitted after its end, seconds: no phone code is cut short by it,
/// and who steals the key afterwards can date something back into its time for no longer. Issuers sign paper, trips
/// and rosters that last longer with the next key.
pub const ENDED_KEY_S_MAX: u32 = PHONE_VALIDITY_S_MAX;

/// How far an issuer's clock may be ahead of an engine's before its fresh codes are "not valid yet", seconds.
pub const NOT_BEFORE_TOLERANCE_S: u32 = 60;

/// How far an issuer's head may lie in the future before its age counts as unknown, milliseconds: more than
/// clocks that are kept differ, and short against any staleness limit.
pub const HEAD_AHEAD_MS_MAX: u64 = 10_000;

/// Longest masked display text, UTF-8 bytes: a first character and the tail of an id number (R10).
pub const DISPLAY_BYTES_MAX: usize = 32;

/// Datagrams handled together: batching beyond 32 buys nothing (docs/PERFORMANCE.md).
pub const BATCH_MAX: usize = 32;

/// Smallest check request, bytes. Padded so that a verdict on a stream or in a QUIC datagram is never longer
/// than what asked for it.
pub const CHECK_REQUEST_BYTES_MIN: usize = 32;

/// Bytes of a check request before its code.
pub const CHECK_REQUEST_HEADER_BYTES: usize = 8;

/// Largest sealed request, bytes: what every path carries in one datagram (RFC 9000 section 14).
pub const SEALED_REQUEST_BYTES_MAX: usize = 1200;

/// Largest check request, bytes.
pub const CHECK_REQUEST_BYTES_MAX: usize =
    SEALED_REQUEST_BYTES_MAX - crate::sealed::REQUEST_HEADER_BYTES - crate::sealed::TAG_BYTES;

/// Longest text that a request carries, bytes: room for certificates of other systems, which are longer than our codes
/// (docs/decisions/0017). No buffer of a check has this size: a text is read where it lies in its datagram.
pub const PRESENTED_BYTES_MAX: usize = CHECK_REQUEST_BYTES_MAX - CHECK_REQUEST_HEADER_BYTES;
const _: () = assert!(PRESENTED_BYTES_MAX > CODE_BYTES_MAX);

/// Smallest sealed request, bytes; always more than [`sealed::REPLY_BYTES`](crate::sealed::REPLY_BYTES).
pub const SEALED_REQUEST_BYTES_MIN: usize =
    crate::sealed::REQUEST_HEADER_BYTES + CHECK_REQUEST_BYTES_MIN + crate::sealed::TAG_BYTES;

const _: () =
    assert!(SEALED_REQUEST_BYTES_MIN > crate::sealed::REPLY_BYTES, "a reply never exceeds its request");

/// Seconds for which one cluster key seals new cookies.
pub const EPOCH_S: u32 = 6 * 3600;

/// Longest life of a cookie, seconds. Clients renew at half of it.
pub const COOKIE_S_MAX: u32 = 24 * 3600;

/// Devices one engine keeps state for; device ids are below this. 256 bytes each.
pub const DEVICES_MAX: u32 = 1 << 20;

/// Issuers one engine follows.
pub const ISSUERS_MAX: usize = 1024;

/// Signing keys in one trust list: each costs 516 KiB of precomputed tables in every engine.
pub const ISSUER_KEYS_MAX: usize = 256;

/// Members of one roster, and requests in one batch frame.
pub const ROSTER_MEMBERS_MAX: usize = 32_768;

/// Checks in one batch frame on a stream.
pub const FRAME_CHECKS_MAX: usize = 1024;

/// Largest frame on a stream, bytes: the largest roster (4 bytes a member) or batch and its header.
pub const FRAME_BYTES_MAX: usize = 640 * 1024;

/// Changes of one change set: 512 KiB of them. Many enough that two signatures cost nothing beside applying
/// them, few enough that a set is checked whole before its first word and fits a NATS message (1 MiB).
pub const CHANGES_MAX: usize = 32_768;

/// Largest change set, bytes.
pub const CHANGE_SET_BYTES_MAX: usize =
    crate::chain::ChangeSet::OVERHEAD_BYTES + CHANGES_MAX * crate::chain::Record::BYTES;

/// Longest reason of a change set, UTF-8 bytes: one sentence for an auditor; the file behind it is named by the
/// digest of the inputs.
pub const REASON_BYTES_MAX: usize = 128;

/// Longest time an instruction may wait for its confirmation, seconds: a long weekend and the days around it.
pub const INSTRUCTION_VALIDITY_S_MAX: u32 = 7 * 24 * 3600;

/// How far the clocks of authorities, publishers and engines may differ before one of them is told that it is
/// wrong, milliseconds: much more than NTP leaves, much less than a site's staleness limit.
pub const CHAIN_SKEW_MS_MAX: u64 = 2000;

const _: () = assert!(CHANGE_SET_BYTES_MAX <= FRAME_BYTES_MAX);
const _: () = assert!(CHANGE_SET_BYTES_MAX <= 1 << 20);
// A full batch of our longest codes; of longer texts fewer fit.
const _: () =
    assert!(FRAME_CHECKS_MAX * (8 + 2 + CHECK_REQUEST_HEADER_BYTES + CODE_BYTES_MAX) <= FRAME_BYTES_MAX);
const _: () = assert!(ROSTER_MEMBERS_MAX * 4 + 4096 <= FRAME_BYTES_MAX);

#[cfg(test)]
mod tests {
    use super::*;

    /// A limit that moves is a change of the protocol: the documents and the other ends must move with it.
    #[test]
    fn limits_are_those_of_the_documents() {
        let limits = [
            ("code", CODE_BINARY_BYTES_MAX as u64, 339),
            ("phone code", PHONE_VALIDITY_S_MAX.into(), 86_400),
            ("paper code", PAPER_VALIDITY_S_MAX.into(), 604_800),
            ("trip code", TRIP_VALIDITY_S_MAX.into(), 5_184_000),
            ("text of ours", CODE_TEXT_BYTES_MAX as u64, 511),
            ("any text", PRESENTED_BYTES_MAX as u64, 1068),
            ("check request", CHECK_REQUEST_BYTES_MAX as u64, 1076),
            ("longest sealed request", SEALED_REQUEST_BYTES_MAX as u64, 1200),
            ("shortest sealed request", SEALED_REQUEST_BYTES_MIN as u64, 156),
            ("epoch", EPOCH_S.into(), 21_600),
            ("cookie", COOKIE_S_MAX.into(), 86_400),
            ("devices", DEVICES_MAX.into(), 1_048_576),
            ("frame", FRAME_BYTES_MAX as u64, 655_360),
            ("instruction", INSTRUCTION_VALIDITY_S_MAX.into(), 604_800),
        ];
        for (name, limit, expected) in limits {
            assert_eq!(limit, expected, "{name}");
        }
    }
}
