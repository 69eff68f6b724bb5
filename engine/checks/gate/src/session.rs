//! One session: seals requests, opens replies, never uses a number twice. No I/O and no clock.

use core::fmt;

use hufu_seal::{Key, NotSealed};
use hufu_wire::limits::SEALED_REQUEST_BYTES_MAX;
use hufu_wire::{
    CheckNumber, CheckRequest, Enrolled, Grant, Lane, Malformed, Message, NoRoom, ReplyHeader, RequestHeader,
    Suite, UnixSeconds, Verdict, read, sealed, write,
};

/// A device's session under one cookie: about 1.3 KB, nothing on the heap for a check.
///
/// Check numbers start at 1 and rise by one with every [`seal`](Session::seal); they are the nonces of the
/// request key. A session is not `Clone`, so no number can seal two different requests. To retransmit, send
/// the same bytes again.
pub struct Session {
    header: RequestHeader,
    suite: Suite,
    request_key: Key,
    reply_key: Key,
    grant: Grant,
    issued: UnixSeconds,
    expires: UnixSeconds,
    udp_port: u16,
}

impl Session {
    /// The longest request that [`seal`](Session::seal) writes, bytes.
    pub const REQUEST_BYTES_MAX: usize = SEALED_REQUEST_BYTES_MAX;

    /// A session that has not sent anything yet. Make one of each `Enrolled`: another one would begin at number 1 again.
    pub fn new(enrolled: Enrolled) -> Session {
        let Enrolled { grant, issued, expires, udp_port, epoch, cookie_nonce, cookie, suite, keys, .. } =
            enrolled;
        let (request_key, reply_key) = match suite {
            Suite::Aes => (made(Key::aes_128_gcm(&keys.request)), made(Key::aes_128_gcm_siv(&keys.reply))),
            Suite::Sm4 => (Key::sm4_gcm(&keys.request), Key::sm4_gcm(&keys.reply)),
        };
        Session {
            header: RequestHeader { epoch, cookie_nonce, cookie, number: CheckNumber(0) },
            suite,
            request_key,
            reply_key,
            grant,
            issued,
            expires,
            udp_port,
        }
    }

    /// Whether it was made of this.
    pub(crate) fn is_of(&self, enrolled: &Enrolled) -> bool {
        self.header.cookie == enrolled.cookie
    }

    /// Writes the next sealed request to the front of `out`; returns its number and length in bytes. Of a scan that
    /// is no code of ours, or longer than any, it holds the [beginning](hufu_wire::scan::to_send): the engine says what
    /// it is, and counts it.
    ///
    /// # Errors
    /// [`SealFault`]; no number is used up then.
    pub fn seal(
        &mut self,
        scan: &[u8],
        lane: Lane,
        out: &mut [u8],
    ) -> Result<(CheckNumber, usize), SealFault> {
        self.seal_request(&CheckRequest::of_scan(lane, scan), out)
    }

    /// The same for a request as it is.
    ///
    /// # Errors
    /// As [`seal`](Session::seal).
    pub fn seal_request(
        &mut self,
        request: &CheckRequest<'_>,
        out: &mut [u8],
    ) -> Result<(CheckNumber, usize), SealFault> {
        let plain_bytes = request.size();
        let needed = sealed::REQUEST_HEADER_BYTES + plain_bytes + sealed::TAG_BYTES;
        let room = out.len();
        let out = out.get_mut(..needed).ok_or(NoRoom { message: "sealed request", needed, room })?;

        let number = CheckNumber(self.header.number.0.checked_add(1).ok_or(SealFault::Exhausted)?);
        self.header.number = number;
        let (header, cipher) = out.split_at_mut(sealed::REQUEST_HEADER_BYTES);
        let (text, tag) = cipher.split_last_chunk_mut().ok_or(SealFault::Exhausted)?;
        write(&self.header, header)?;
        write(request, text)?;
        // PROTOCOL 4.1: the whole clear header is authenticated, cookie and number included.
        let sealed = self.request_key.seal(number.nonce(), header, text);
        *tag = sealed.map_err(|_| SealFault::Exhausted)?;
        Ok((number, needed))
    }

    /// Opens one datagram as a reply of this session.
    ///
    /// # Errors
    /// [`OpenFault`]: the datagram is damaged, forged or of another session. Anybody can send such a thing, so
    /// ignore it and keep waiting.
    pub fn open(&self, reply: &[u8]) -> Result<Verdict, OpenFault> {
        let (header, cipher) =
            reply.split_at_checked(sealed::REPLY_HEADER_BYTES).ok_or(OpenFault::Malformed(SHORT))?;
        let clear: ReplyHeader = read(header).map_err(OpenFault::Malformed)?;
        let mut cipher: [u8; Verdict::BYTES + sealed::TAG_BYTES] =
            cipher.try_into().map_err(|_| OpenFault::Malformed(SHORT))?;
        let text = self.reply_key.open(clear.nonce, header, &mut cipher).ok_or(OpenFault::NotGenuine)?;
        let verdict: Verdict = read(text).map_err(OpenFault::Malformed)?;
        if verdict.number == clear.number { Ok(verdict) } else { Err(OpenFault::NotGenuine) }
    }

    /// Whether half of the cookie's life is over: time to enrol again, while the old cookie still works.
    pub fn renew_due(&self, now: UnixSeconds) -> bool {
        now.0 >= self.issued.0.saturating_add(self.expires.0.saturating_sub(self.issued.0) / 2)
    }

    /// Whether engines refuse the cookie now.
    pub fn expired(&self, now: UnixSeconds) -> bool {
        now >= self.expires
    }

    /// What the device may ask.
    pub fn grant(&self) -> Grant {
        self.grant
    }

    /// What its packets are sealed with.
    pub fn suite(&self) -> Suite {
        self.suite
    }

    /// From when engines refuse the cookie.
    pub fn expires(&self) -> UnixSeconds {
        self.expires
    }

    /// The engine's port for sealed requests.
    pub fn udp_port(&self) -> u16 {
        self.udp_port
    }

    /// The number of the last sealed request, 0 before the first.
    pub fn last_number(&self) -> CheckNumber {
        self.header.number
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("grant", &self.grant)
            .field("expires", &self.expires)
            .field("last_number", &self.header.number)
            .finish_non_exhaustive()
    }
}

/// Why a request could not be sealed. The caller is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealFault {
    /// The output buffer is too short.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    /// The session has used every number; enrol again.
    #[error("the session has no numbers left; enrol again")]
    Exhausted,
}

/// Why a datagram is not a reply of this session. Its sender is at fault, and unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenFault {
    /// Not laid out as a reply.
    #[error(transparent)]
    Malformed(Malformed),
    /// Not sealed with this session's reply key.
    #[error("the reply was not made for this session")]
    NotGenuine,
}

const SHORT: Malformed = Malformed { message: "sealed reply", fault: "wrong length" };

fn made(key: Result<Key, NotSealed>) -> Key {
    #[expect(clippy::expect_used, reason = "AES-128 takes any 16 bytes")]
    key.expect("16 bytes are an AES-128 key")
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_wire::{DeviceGeneration, DeviceId, KeyEpoch, Scope, SessionKeys, SiteId, UnixMillis};
    use proptest::prelude::*;

    fn session() -> Session {
        session_of(Suite::Aes)
    }

    fn session_of(suite: Suite) -> Session {
        Session::new(Enrolled {
            server_time: UnixMillis(1_700_000_000_000),
            grant: Grant {
                device: DeviceId(1),
                generation: DeviceGeneration(0),
                site: SiteId(2),
                scope: Scope::CHECKS,
            },
            issued: UnixSeconds(1_700_000_000),
            expires: UnixSeconds(1_700_086_400),
            udp_port: 4433,
            epoch: KeyEpoch(78_703),
            cookie_nonce: [3; 12],
            cookie: [4; 80],
            suite,
            keys: SessionKeys { request: [5; 16], reply: [6; 16] },
        })
    }

    #[test]
    fn numbers_start_at_one_and_never_repeat() {
        let mut session = session();
        let mut out = [0; Session::REQUEST_BYTES_MAX];
        for wanted in 1..=100 {
            assert_eq!(session.seal(b"HF1:", Lane(0), &mut out).unwrap().0, CheckNumber(wanted));
        }
    }

    #[test]
    fn a_refused_request_uses_up_no_number() {
        let mut session = session();
        assert!(matches!(session.seal(b"HF1:", Lane(0), &mut [0; 155]), Err(SealFault::NoRoom(_))));
        assert_eq!(session.last_number(), CheckNumber(0));
        session.header.number = CheckNumber(u64::MAX);
        assert_eq!(session.seal(b"HF1:", Lane(0), &mut [0; 156]), Err(SealFault::Exhausted));
    }

    #[test]
    fn renewal_falls_due_at_half_life() {
        let session = session();
        assert!(!session.renew_due(UnixSeconds(1_700_043_199)));
        assert!(session.renew_due(UnixSeconds(1_700_043_200)));
        assert!(!session.expired(UnixSeconds(1_700_086_399)));
        assert!(session.expired(UnixSeconds(1_700_086_400)));
    }

    #[test]
    fn r01_a_scan_of_any_length_is_sealed_into_a_bounded_request() {
        let mut out = [0; Session::REQUEST_BYTES_MAX];
        let text = |prefix: &str| [prefix.as_bytes(), &[b'A'; 4000]].concat();
        for (scan, bytes) in [(text("HF1:"), 644), (text("HC1:"), 156), (text("https://"), 156)] {
            assert_eq!(session().seal(&scan, Lane(0), &mut out).unwrap().1, bytes);
        }
    }

    proptest! {
        #[test]
        fn whatever_arrives_is_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for suite in Suite::ALL {
                prop_assert!(session_of(suite).open(&bytes).is_err());
            }
        }

        #[test]
        fn every_code_length_is_sealed_into_the_bytes_it_says(code in proptest::collection::vec(any::<u8>(), 0..=512)) {
            let mut out = [0; Session::REQUEST_BYTES_MAX];
            for suite in Suite::ALL {
                out.fill(0);
                let (_, bytes) = session_of(suite).seal(&code, Lane(9), &mut out).unwrap();
                prop_assert_eq!(bytes, 108 + (8 + code.len()).max(32) + 16);
                prop_assert!(out[bytes..].iter().all(|&byte| byte == 0));
            }
        }
    }
}
