//! Frames on a QUIC stream: eight bytes of header, then the payload. Every request frame is answered by
//! exactly one frame on the same stream.

use core::mem::size_of;

use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::ids::{DeviceGeneration, DeviceId, KeyEpoch, SiteId};
use crate::limits;
use crate::message::{Malformed, Message, exactly, put};
use crate::request::sealed;
use crate::session::{Grant, Scope, SessionKeys, Suite};
use crate::time::{UnixMillis, UnixSeconds};

/// Bytes of a [`FrameHeader`].
pub const FRAME_HEADER_BYTES: usize = 8;

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum FrameKind {
    /// Device to engine: a new cookie, please. First enrolment and renewal are the same. Empty for AES alone, or the
    /// [`Suites`](crate::Suites) that the device takes.
    Enrol = 1,
    /// Engine to device: [`Enrolled`].
    Enrolled = 2,
    /// Device to engine: checks, each an 8-byte number, a 2-byte length and that many bytes of
    /// [`CheckRequest`](crate::CheckRequest).
    Checks = 3,
    /// Engine to device: one [`Verdict`](crate::Verdict) for each check, in the same order.
    Verdicts = 4,
    /// Device to engine: one signed roster (docs/CODES.md).
    Roster = 5,
    /// Engine to device: a [`RosterReply`](crate::RosterReply) and its members.
    RosterVerdicts = 6,
    /// Device to engine, empty: what time is it?
    Time = 7,
    /// Engine to device: [`ServerTime`].
    ServerTime = 8,
    /// Device to engine: [`OfflineAsk`](crate::OfflineAsk).
    Offline = 9,
    /// Engine to device: the bytes that were asked for.
    OfflinePart = 10,
    /// Device to engine: records of checks without a network (docs/OFFLINE.md, a handover).
    OfflineRecords = 11,
    /// Engine to device: [`RecordsKept`].
    RecordsKept = 12,
    /// Device to engine: which certificates are revoked? The payload is SHA-256 of the answer that the device
    /// has, or zero bytes.
    Revocations = 13,
    /// Engine to device: the revocation lists (RFC 5280, DER) of the operator's CA one after the other, or nothing
    /// when the device has them or there are none.
    RevocationLists = 14,
    /// Engine to device: a 2-byte reason; the request was not carried out.
    Refused = 15,
}

/// The front of every frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// What follows.
    pub kind: FrameKind,
    /// Bytes that follow, at most [`limits::FRAME_BYTES_MAX`].
    pub payload_bytes: u32,
}

/// A session for sealed UDP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolled {
    /// The engine's clock.
    pub server_time: UnixMillis,
    /// What the certificate grants.
    pub grant: Grant,
    /// When the cookie was made.
    pub issued: UnixSeconds,
    /// From when the cookie is refused; renew at half-life.
    pub expires: UnixSeconds,
    /// The UDP port that answers sealed requests, on the address that answered this one.
    pub udp_port: u16,
    /// Which cluster key sealed the cookie.
    pub epoch: KeyEpoch,
    /// The cookie's nonce.
    pub cookie_nonce: [u8; sealed::NONCE_BYTES],
    /// The sealed cookie.
    pub cookie: [u8; sealed::COOKIE_BYTES],
    /// What the keys are for.
    pub suite: Suite,
    /// The session's keys.
    pub keys: SessionKeys,
}

/// The engine's clock, for devices that have none of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerTime(pub UnixMillis);

/// The counter up to which the engine has a device's records, durably.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordsKept(pub u64);

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct HeaderLayout {
    version: u8,
    kind: u8,
    zero: [u8; 2],
    payload_bytes: U32,
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct EnrolledLayout {
    server_time_ms: U64,
    device: U32,
    site: U32,
    generation: U32,
    scope: U32,
    issued_s: U32,
    expires_s: U32,
    epoch: U32,
    udp_port: U16,
    suite: u8,
    zero: u8,
    cookie_nonce: [u8; sealed::NONCE_BYTES],
    cookie: [u8; sealed::COOKIE_BYTES],
    request_key: [u8; 16],
    reply_key: [u8; 16],
}

const _: () = assert!(size_of::<HeaderLayout>() == FRAME_HEADER_BYTES);
const _: () = assert!(size_of::<EnrolledLayout>() == Enrolled::BYTES);

impl Enrolled {
    /// Bytes of the payload.
    pub const BYTES: usize = 164;
}

impl ServerTime {
    /// Bytes of the payload.
    pub const BYTES: usize = 8;
}

impl RecordsKept {
    /// Bytes of the payload.
    pub const BYTES: usize = 8;
}

impl FrameKind {
    /// The kind with this number on the wire.
    pub const fn from_byte(byte: u8) -> Option<FrameKind> {
        Some(match byte {
            1 => FrameKind::Enrol,
            2 => FrameKind::Enrolled,
            3 => FrameKind::Checks,
            4 => FrameKind::Verdicts,
            5 => FrameKind::Roster,
            6 => FrameKind::RosterVerdicts,
            7 => FrameKind::Time,
            8 => FrameKind::ServerTime,
            9 => FrameKind::Offline,
            10 => FrameKind::OfflinePart,
            11 => FrameKind::OfflineRecords,
            12 => FrameKind::RecordsKept,
            13 => FrameKind::Revocations,
            14 => FrameKind::RevocationLists,
            15 => FrameKind::Refused,
            _ => return None,
        })
    }
}

impl Message<'_> for FrameHeader {
    const NAME: &'static str = "frame header";

    fn read_from(bytes: &[u8]) -> Result<FrameHeader, Malformed> {
        let malformed = |fault| Malformed { message: Self::NAME, fault };
        let layout: &HeaderLayout = exactly(Self::NAME, bytes)?;
        if layout.version != sealed::VERSION {
            return Err(malformed("unknown version"));
        }
        if layout.zero != [0; 2] {
            return Err(malformed("reserved bytes are not zero"));
        }
        let payload_bytes = layout.payload_bytes.get();
        if payload_bytes as usize > limits::FRAME_BYTES_MAX {
            return Err(malformed("frame too long"));
        }
        let kind = FrameKind::from_byte(layout.kind).ok_or(malformed("unknown kind of frame"))?;
        Ok(FrameHeader { kind, payload_bytes })
    }

    fn size(&self) -> usize {
        FRAME_HEADER_BYTES
    }

    fn write_to(&self, out: &mut [u8]) {
        let layout = HeaderLayout {
            version: sealed::VERSION,
            kind: self.kind as u8,
            zero: [0; 2],
            payload_bytes: self.payload_bytes.into(),
        };
        put(&layout, out);
    }
}

impl Message<'_> for Enrolled {
    const NAME: &'static str = "enrolled";

    fn read_from(bytes: &[u8]) -> Result<Enrolled, Malformed> {
        let malformed = |fault| Malformed { message: Self::NAME, fault };
        let layout: &EnrolledLayout = exactly(Self::NAME, bytes)?;
        if layout.zero != 0 {
            return Err(malformed("reserved bytes are not zero"));
        }
        Ok(Enrolled {
            server_time: UnixMillis(layout.server_time_ms.get()),
            grant: Grant {
                device: DeviceId(layout.device.get()),
                generation: DeviceGeneration(layout.generation.get()),
                site: SiteId(layout.site.get()),
                scope: Scope::from_bits(layout.scope.get()).ok_or(malformed("unknown scope"))?,
            },
            issued: UnixSeconds(layout.issued_s.get()),
            expires: UnixSeconds(layout.expires_s.get()),
            udp_port: layout.udp_port.get(),
            epoch: KeyEpoch(layout.epoch.get()),
            cookie_nonce: layout.cookie_nonce,
            cookie: layout.cookie,
            suite: Suite::from_byte(layout.suite).ok_or(malformed("unknown suite"))?,
            keys: SessionKeys { request: layout.request_key, reply: layout.reply_key },
        })
    }

    fn size(&self) -> usize {
        Self::BYTES
    }

    fn write_to(&self, out: &mut [u8]) {
        let layout = EnrolledLayout {
            server_time_ms: self.server_time.0.into(),
            device: self.grant.device.0.into(),
            site: self.grant.site.0.into(),
            generation: self.grant.generation.0.into(),
            scope: self.grant.scope.to_bits().into(),
            issued_s: self.issued.0.into(),
            expires_s: self.expires.0.into(),
            epoch: self.epoch.0.into(),
            udp_port: self.udp_port.into(),
            suite: self.suite as u8,
            zero: 0,
            cookie_nonce: self.cookie_nonce,
            cookie: self.cookie,
            request_key: self.keys.request,
            reply_key: self.keys.reply,
        };
        put(&layout, out);
    }
}

impl Message<'_> for ServerTime {
    const NAME: &'static str = "server time";

    fn read_from(bytes: &[u8]) -> Result<ServerTime, Malformed> {
        let layout: &U64 = exactly(Self::NAME, bytes)?;
        Ok(ServerTime(UnixMillis(layout.get())))
    }

    fn size(&self) -> usize {
        Self::BYTES
    }

    fn write_to(&self, out: &mut [u8]) {
        put(&U64::new(self.0.0), out);
    }
}

impl Message<'_> for RecordsKept {
    const NAME: &'static str = "records kept";

    fn read_from(bytes: &[u8]) -> Result<RecordsKept, Malformed> {
        let layout: &U64 = exactly(Self::NAME, bytes)?;
        Ok(RecordsKept(layout.get()))
    }

    fn size(&self) -> usize {
        Self::BYTES
    }

    fn write_to(&self, out: &mut [u8]) {
        put(&U64::new(self.0), out);
    }
}
