//! The engine's half of sealed UDP: opening requests and sealing replies.

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand;
use hufu_seal::Key;
use hufu_wire::{CheckNumber, ReplyHeader, RequestHeader, Verdict, limits, read, sealed, write};

use crate::counters::{Counters, Silence};
use crate::sessions::{SessionPlace, Sessions};

/// A request that was opened where it lay.
#[derive(Clone, Copy)]
pub(crate) struct Opened {
    pub(crate) session: SessionPlace,
    pub(crate) number: CheckNumber,
    /// Bytes of the datagram's plain text, behind its header.
    plain_bytes: usize,
}

impl Opened {
    /// The plain text inside the datagram that [`open`] opened.
    pub(crate) fn plain<'d>(&self, datagram: &'d [u8]) -> &'d [u8] {
        &datagram[sealed::REQUEST_HEADER_BYTES..][..self.plain_bytes]
    }
}

/// Opens a datagram in place. PROTOCOL "Sealed UDP": whatever is not authentic gets silence, before any
/// other work is done for it.
pub(crate) fn open(
    datagram: &mut [u8],
    sessions: &mut Sessions,
    counters: &Counters,
) -> Result<Opened, Silence> {
    if !(limits::SEALED_REQUEST_BYTES_MIN..=limits::SEALED_REQUEST_BYTES_MAX).contains(&datagram.len()) {
        return Err(Silence::Length);
    }
    let (header_bytes, cipher_text) =
        datagram.split_at_mut_checked(sealed::REQUEST_HEADER_BYTES).ok_or(Silence::Length)?;
    let header: RequestHeader = read(header_bytes).map_err(|_| Silence::NotARequest)?;
    if !sessions.accepts(header.epoch) {
        return Err(Silence::Epoch);
    }
    let place = sessions.find(&header, counters).ok_or(Silence::Cookie)?;
    let session = sessions.get(place).ok_or(Silence::Cookie)?;
    let nonce = header.number.nonce();
    let plain = session.request_key.open(nonce, header_bytes, cipher_text).ok_or(Silence::Request)?;
    Ok(Opened { session: place, number: header.number, plain_bytes: plain.len() })
}

/// Seals `verdict` into a reply.
pub(crate) fn seal(
    verdict: &Verdict,
    key: &Key,
    nonces: &mut Nonces,
    reply: &mut [u8; sealed::REPLY_BYTES],
) -> Result<(), Unspecified> {
    let (header, rest) = reply.split_at_mut(sealed::REPLY_HEADER_BYTES);
    let (plain, tag_bytes) = rest.split_last_chunk_mut().ok_or(Unspecified)?;
    write(verdict, plain).map_err(|_| Unspecified)?;
    // The header follows from the verdict and the nonce: it has nothing else but the number.
    let nonce = key.nonce(nonces.next(), plain);
    write(&ReplyHeader { number: verdict.number, nonce }, header).map_err(|_| Unspecified)?;
    *tag_bytes = key.seal(nonce, header, plain).map_err(|_| Unspecified)?;
    Ok(())
}

/// Reply nonces of one worker: a random 96-bit start, then one more each time.
///
/// Every engine that meets a session seals under the same reply key, so nonces should not meet across engines.
/// Two workers that each send n replies collide only if their starts lie within n of each other: for 1,000
/// worker lives of 2^40 replies the chance is below 2^-36, less than random nonces would give. A machine that was
/// cloned while it ran does repeat them; AES-GCM-SIV then gives away at most that two replies are equal
/// (docs/decisions/0011), and so does SM4, whose nonces are made of these and the verdict (docs/decisions/0041).
pub(crate) struct Nonces(u128);

impl Nonces {
    pub(crate) fn random() -> Result<Nonces, Unspecified> {
        let mut start = [0; 16];
        rand::fill(&mut start[..sealed::NONCE_BYTES])?;
        Ok(Nonces(u128::from_le_bytes(start)))
    }

    fn next(&mut self) -> [u8; sealed::NONCE_BYTES] {
        self.0 = self.0.wrapping_add(1);
        let mut nonce = [0; sealed::NONCE_BYTES];
        nonce.copy_from_slice(&self.0.to_le_bytes()[..sealed::NONCE_BYTES]);
        nonce
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_wire::{
        Cookie, DeviceGeneration, DeviceId, Grant, Reason, Scope, SessionKeys, SiteId, Suite, Suites,
        UnixMillis, UnixSeconds,
    };

    use crate::cluster::ClusterKeys;
    use crate::cookie::CookieKeys;

    const NOW: UnixMillis = UnixMillis(1_790_000_000_000);

    /// A session of SM4, opened from its cookie.
    fn sm4_session() -> (Sessions, SessionPlace) {
        let cluster = ClusterKeys::from_seed(&[1; 32], NOW).unwrap();
        let keys = CookieKeys::new(&cluster, NOW).unwrap();
        let grant = Grant {
            device: DeviceId(1),
            generation: DeviceGeneration(0),
            site: SiteId(1),
            scope: Scope::CHECKS,
        };
        let cookie = Cookie {
            grant,
            issued: NOW.seconds(),
            expires: UnixSeconds(NOW.seconds().0 + 60),
            suite: Suite::Sm4,
            keys: SessionKeys { request: [1; 16], reply: [7; 16] },
        };
        let sealed = keys.seal([3; 12], &cookie).unwrap();
        let (epoch, cookie) = (sealed.epoch, sealed.bytes);
        let header = RequestHeader { epoch, cookie_nonce: sealed.nonce, cookie, number: CheckNumber(1) };
        let mut sessions = Sessions::new(Suites::SM4);
        sessions.set_keys(keys, NOW);
        sessions.begin_batch();
        let place = sessions.find(&header, &Counters::default()).unwrap();
        (sessions, place)
    }

    /// Issue 7, C: a machine that is resumed twice counts on from the same nonce, and seals other verdicts with it.
    #[test]
    fn r45_a_reply_nonce_that_is_drawn_twice_seals_no_two_verdicts_of_sm4() {
        let (sessions, place) = sm4_session();
        let key = &sessions.get(place).unwrap().reply_key;
        let seal = |reason, server_time| {
            let verdict = Verdict::of(CheckNumber(1), UnixMillis(server_time), reason);
            let mut reply = [0; sealed::REPLY_BYTES];
            seal(&verdict, key, &mut Nonces(41), &mut reply).unwrap();
            reply
        };
        let one = seal(Reason::Clear, 1_000);
        for (reason, time) in [(Reason::StatusRed, 1_000), (Reason::Clear, 1_001)] {
            let other = seal(reason, time);
            assert_ne!(one[12..24], other[12..24], "another nonce");
            // Under one nonce the first eight bytes, the number, would be sealed alike.
            assert_ne!(one[24..32], other[24..32]);
        }
        assert_eq!(one, seal(Reason::Clear, 1_000), "that two replies are equal shows");
    }

    #[test]
    fn nonces_never_repeat_across_the_wrap() {
        let mut nonces = Nonces((1 << 96) - 2);
        let seen: std::collections::BTreeSet<_> = (0..1000).map(|_| nonces.next()).collect();
        assert_eq!(seen.len(), 1000);
    }
}
