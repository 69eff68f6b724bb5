//! A check request, and the clear headers around it and its reply when they travel as sealed UDP.

use core::mem::size_of;

use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::ids::{CheckNumber, KeyEpoch, Lane};
use crate::message::{Malformed, Message, exactly, front, put};
use crate::{limits, scan};

/// The parts of a sealed datagram, in bytes.
pub mod sealed {
    use super::{ReplyLayout, RequestLayout, size_of};
    use crate::session::Cookie;
    use crate::verdict::Verdict;

    /// The only protocol version there is.
    pub const VERSION: u8 = 1;
    /// Second byte of a request.
    pub const KIND_REQUEST: u8 = 1;
    /// Second byte of a reply.
    pub const KIND_REPLY: u8 = 2;

    /// A tag, of whatever suite.
    pub const TAG_BYTES: usize = 16;
    /// A nonce, of whatever suite.
    pub const NONCE_BYTES: usize = 12;
    /// A sealed cookie.
    pub const COOKIE_BYTES: usize = Cookie::BYTES + TAG_BYTES;
    /// Everything before a request's cipher text; all of it is authenticated.
    pub const REQUEST_HEADER_BYTES: usize = size_of::<RequestLayout>();
    /// Everything before a reply's cipher text; all of it is authenticated.
    pub const REPLY_HEADER_BYTES: usize = size_of::<ReplyLayout>();
    /// Every reply.
    pub const REPLY_BYTES: usize = REPLY_HEADER_BYTES + Verdict::BYTES + TAG_BYTES;

    /// Authenticated with every cookie, so that its key can serve nothing else.
    pub const COOKIE_AAD: &[u8] = b"hufu/1 cookie";
    /// HKDF info of an epoch's cookie key; the [`KeyEpoch`](crate::KeyEpoch) follows as four little-endian bytes.
    pub const EPOCH_KEY_INFO: &[u8] = b"hufu/1 cookie key ";
    /// HKDF salt and info of an epoch's key for SM4 cookies, which is made from the key above.
    pub const SM4_KEY_INFO: &[u8] = b"hufu/1 sm4 cookie key";
}

/// One code to check, as a gate scanned it; or an entry of a status list, as a device names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckRequest<'a> {
    /// Which lane of the device.
    pub lane: Lane,
    /// The code's text, unaltered; at most [`limits::PRESENTED_BYTES_MAX`] bytes for a request to be readable.
    pub code: &'a [u8],
    /// Whether the device itself says `code`: it is a [`Reference`](crate::Reference), and was not scanned.
    pub is_reference: bool,
}

/// The clear front of a sealed request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestHeader {
    /// Which cluster key opens the cookie.
    pub epoch: KeyEpoch,
    /// The cookie's nonce.
    pub cookie_nonce: [u8; sealed::NONCE_BYTES],
    /// The sealed cookie.
    pub cookie: [u8; sealed::COOKIE_BYTES],
    /// The request's number and its nonce: never used twice in one session for different requests.
    pub number: CheckNumber,
}

/// The clear front of a sealed reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyHeader {
    /// The request's number.
    pub number: CheckNumber,
    /// The reply's nonce.
    pub nonce: [u8; sealed::NONCE_BYTES],
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RequestLayout {
    version: u8,
    kind: u8,
    zero: [u8; 2],
    epoch: U32,
    cookie_nonce: [u8; sealed::NONCE_BYTES],
    cookie: [u8; sealed::COOKIE_BYTES],
    number: U64,
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct ReplyLayout {
    version: u8,
    kind: u8,
    zero: [u8; 2],
    number: U64,
    nonce: [u8; sealed::NONCE_BYTES],
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct CheckLayout {
    code_bytes: U16,
    lane: U16,
    options: U32,
}

/// The option of a request whose text is a reference.
const OPTION_REFERENCE: u32 = 1;

const _: () = assert!(size_of::<CheckLayout>() == limits::CHECK_REQUEST_HEADER_BYTES);
const _: () = assert!(sealed::REQUEST_HEADER_BYTES == 108);
const _: () = assert!(sealed::REPLY_BYTES == 80);

impl CheckNumber {
    /// The nonce of the request with this number: four zero bytes, then the number, little-endian.
    pub fn nonce(self) -> [u8; sealed::NONCE_BYTES] {
        let mut nonce = [0; sealed::NONCE_BYTES];
        nonce[4..].copy_from_slice(&self.0.to_le_bytes());
        nonce
    }
}

impl<'a> CheckRequest<'a> {
    /// The request for a scan of any length, of which it holds what a device [sends](crate::scan::to_send).
    pub fn of_scan(lane: Lane, scan: &'a [u8]) -> CheckRequest<'a> {
        CheckRequest { lane, code: scan::to_send(scan), is_reference: false }
    }

    /// The request for an entry of a status list: `text` is what a [`Reference`](crate::Reference) writes. Only for a
    /// device that has verified the credential itself, never for what was scanned.
    pub fn of_reference(lane: Lane, text: &'a str) -> CheckRequest<'a> {
        CheckRequest { lane, code: text.as_bytes(), is_reference: true }
    }

    /// What a device sends of it: of a scan no more than [`of_scan`](Self::of_scan) holds.
    #[must_use]
    pub fn to_send(self) -> CheckRequest<'a> {
        if self.is_reference { self } else { CheckRequest::of_scan(self.lane, self.code) }
    }
}

impl<'a> Message<'a> for CheckRequest<'a> {
    const NAME: &'static str = "check request";

    fn read_from(bytes: &'a [u8]) -> Result<CheckRequest<'a>, Malformed> {
        let malformed = |fault| Malformed { message: Self::NAME, fault };
        let (layout, rest): (&CheckLayout, _) = front(Self::NAME, bytes)?;
        let options = layout.options.get();
        if options & !OPTION_REFERENCE != 0 {
            return Err(malformed("unknown options"));
        }
        let code_bytes = usize::from(layout.code_bytes.get());
        if code_bytes > limits::PRESENTED_BYTES_MAX {
            return Err(malformed("code too long"));
        }
        let (code, padding) =
            rest.split_at_checked(code_bytes).ok_or(malformed("code longer than the request"))?;
        let is_reference = options & OPTION_REFERENCE != 0;
        let request = CheckRequest { lane: Lane(layout.lane.get()), code, is_reference };
        if bytes.len() != request.size() {
            return Err(malformed("wrong length"));
        }
        if padding.iter().any(|&byte| byte != 0) {
            return Err(malformed("padding is not zero"));
        }
        Ok(request)
    }

    fn size(&self) -> usize {
        (limits::CHECK_REQUEST_HEADER_BYTES + self.code.len()).max(limits::CHECK_REQUEST_BYTES_MIN)
    }

    fn write_to(&self, out: &mut [u8]) {
        let options = if self.is_reference { OPTION_REFERENCE } else { 0 };
        let layout = CheckLayout {
            code_bytes: u16::try_from(self.code.len()).unwrap_or(u16::MAX).into(),
            lane: self.lane.0.into(),
            options: options.into(),
        };
        put(&layout, out);
        let (code, padding) = out[limits::CHECK_REQUEST_HEADER_BYTES..].split_at_mut(self.code.len());
        code.copy_from_slice(self.code);
        padding.fill(0);
    }
}

impl Message<'_> for RequestHeader {
    const NAME: &'static str = "sealed request header";

    fn read_from(bytes: &[u8]) -> Result<RequestHeader, Malformed> {
        let layout: &RequestLayout = exactly(Self::NAME, bytes)?;
        first_bytes(Self::NAME, layout.version, layout.kind, layout.zero, sealed::KIND_REQUEST)?;
        Ok(RequestHeader {
            epoch: KeyEpoch(layout.epoch.get()),
            cookie_nonce: layout.cookie_nonce,
            cookie: layout.cookie,
            number: CheckNumber(layout.number.get()),
        })
    }

    fn size(&self) -> usize {
        sealed::REQUEST_HEADER_BYTES
    }

    fn write_to(&self, out: &mut [u8]) {
        let layout = RequestLayout {
            version: sealed::VERSION,
            kind: sealed::KIND_REQUEST,
            zero: [0; 2],
            epoch: self.epoch.0.into(),
            cookie_nonce: self.cookie_nonce,
            cookie: self.cookie,
            number: self.number.0.into(),
        };
        put(&layout, out);
    }
}

impl Message<'_> for ReplyHeader {
    const NAME: &'static str = "sealed reply header";

    fn read_from(bytes: &[u8]) -> Result<ReplyHeader, Malformed> {
        let layout: &ReplyLayout = exactly(Self::NAME, bytes)?;
        first_bytes(Self::NAME, layout.version, layout.kind, layout.zero, sealed::KIND_REPLY)?;
        Ok(ReplyHeader { number: CheckNumber(layout.number.get()), nonce: layout.nonce })
    }

    fn size(&self) -> usize {
        sealed::REPLY_HEADER_BYTES
    }

    fn write_to(&self, out: &mut [u8]) {
        let layout = ReplyLayout {
            version: sealed::VERSION,
            kind: sealed::KIND_REPLY,
            zero: [0; 2],
            number: self.number.0.into(),
            nonce: self.nonce,
        };
        put(&layout, out);
    }
}

fn first_bytes(
    message: &'static str,
    version: u8,
    kind: u8,
    zero: [u8; 2],
    wanted: u8,
) -> Result<(), Malformed> {
    if version != sealed::VERSION {
        return Err(Malformed { message, fault: "unknown version" });
    }
    if kind != wanted {
        return Err(Malformed { message, fault: "another kind of packet" });
    }
    if zero != [0; 2] {
        return Err(Malformed { message, fault: "reserved bytes are not zero" });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{read, write};
    use proptest::prelude::*;

    #[test]
    fn a_nonce_is_the_number_after_four_zeroes() {
        let nonce = CheckNumber(0x0102_0304_0506_0708).nonce();
        assert_eq!(nonce, [0, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1]);
    }

    proptest! {
        #[test]
        fn a_request_has_one_byte_string(
            lane: u16,
            is_reference: bool,
            code in proptest::collection::vec(any::<u8>(), 0..=limits::PRESENTED_BYTES_MAX),
        ) {
            let request = CheckRequest { lane: Lane(lane), code: &code, is_reference };
            let mut bytes = [0xaa; limits::CHECK_REQUEST_BYTES_MAX];
            let size = write(&request, &mut bytes).unwrap();
            prop_assert_eq!(read::<CheckRequest<'_>>(&bytes[..size]), Ok(request));
            prop_assert!(read::<CheckRequest<'_>>(&bytes[..size - 1]).is_err());
        }

        #[test]
        fn what_reads_writes_back_the_same(bytes in proptest::collection::vec(any::<u8>(), 0..1200)) {
            if let Ok(request) = read::<CheckRequest<'_>>(&bytes) {
                let mut again = vec![0; bytes.len()];
                prop_assert_eq!(write(&request, &mut again), Ok(bytes.len()));
                prop_assert_eq!(again, bytes);
            }
        }
    }

    #[test]
    fn a_request_carries_what_fits_a_packet_and_no_more() {
        let mut code = vec![b'A'; limits::PRESENTED_BYTES_MAX];
        let mut bytes = [0; limits::CHECK_REQUEST_BYTES_MAX + 1];
        let longest = CheckRequest { lane: Lane(0), code: &code, is_reference: false };
        assert_eq!(write(&longest, &mut bytes), Ok(limits::CHECK_REQUEST_BYTES_MAX));
        assert_eq!(read(&bytes[..limits::CHECK_REQUEST_BYTES_MAX]), Ok(longest));
        code.push(b'A');
        write(&CheckRequest { lane: Lane(0), code: &code, is_reference: false }, &mut bytes).unwrap();
        assert_eq!(read::<CheckRequest<'_>>(&bytes).unwrap_err().fault, "code too long");
    }

    #[test]
    fn r64_a_reference_is_told_from_a_scan_by_an_option() {
        let mut bytes = [0; limits::CHECK_REQUEST_BYTES_MIN];
        let reference = CheckRequest::of_reference(Lane(2), "SL1:900001.7");
        assert_eq!(write(&reference, &mut bytes), Ok(bytes.len()));
        assert_eq!(bytes[4], 1);
        assert_eq!(read(&bytes), Ok(reference));
        write(&CheckRequest::of_scan(Lane(2), b"SL1:900001.7"), &mut bytes).unwrap();
        assert_eq!((bytes[0], bytes[4]), (4, 0));
        bytes[4] = 2;
        assert_eq!(read::<CheckRequest<'_>>(&bytes).unwrap_err().fault, "unknown options");
    }

    #[test]
    fn padding_must_be_zero() {
        let mut bytes = [0; limits::CHECK_REQUEST_BYTES_MIN];
        assert!(read::<CheckRequest<'_>>(&bytes).is_ok());
        bytes[31] = 1;
        assert_eq!(read::<CheckRequest<'_>>(&bytes).unwrap_err().fault, "padding is not zero");
    }
}
