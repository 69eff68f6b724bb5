//! A session, what an engine answers in it, and what a gate wants done.

use std::net::SocketAddr;
use std::time::Instant;

use aws_lc_rs::aead::{AES_128_GCM, AES_128_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey};
use hufu_gate::{Core, NoVerdict, Output, Pace, Renewed};
use hufu_wire::{
    CheckRequest, DeviceGeneration, DeviceId, Enrolled, Grant, KeyEpoch, Lane, Reason, ReplyHeader,
    RequestHeader, Scope, SessionKeys, SiteId, Suite, UnixMillis, UnixSeconds, Verdict, read, sealed, write,
};

pub(crate) const ISSUED: UnixSeconds = UnixSeconds(1_795_000_000);
pub(crate) const LIFE_S: u32 = 86_400;
pub(crate) const LANE: Lane = Lane(3);

/// A session whose keys are full of `seed`.
pub(crate) fn enrolled(seed: u8, at: UnixSeconds) -> Enrolled {
    Enrolled {
        server_time: UnixMillis(u64::from(at.0) * 1_000),
        grant: Grant {
            device: DeviceId(7),
            generation: DeviceGeneration(0),
            site: SiteId(1),
            scope: Scope::CHECKS,
        },
        issued: ISSUED,
        expires: UnixSeconds(ISSUED.0 + LIFE_S),
        udp_port: 7_410,
        epoch: KeyEpoch(1),
        cookie_nonce: [seed; sealed::NONCE_BYTES],
        cookie: [seed; sealed::COOKIE_BYTES],
        suite: Suite::Aes,
        keys: SessionKeys { request: [seed; 16], reply: [seed; 16] },
    }
}

/// A session that came at `now`.
pub(crate) fn renewed(now: Instant, seed: u8, engines: u8) -> Renewed {
    renewed_at(now, seed, engines, ISSUED)
}

pub(crate) fn renewed_at(now: Instant, seed: u8, engines: u8, at: UnixSeconds) -> Renewed {
    let address = |engine: u8| SocketAddr::from(([192, 0, 2, engine + 1], 7_411));
    let addresses = (0..engines).map(|engine| vec![address(engine)]).collect();
    Renewed { server: 0, reached: address(0), enrolled: enrolled(seed, at), at: now, addresses }
}

pub(crate) fn gate(now: Instant, engines: u8) -> Core {
    Core::new(vec![None; engines.into()], Pace::default(), renewed(now, 1, engines))
}

/// What an engine answers to this request, in the session of `seed`.
pub(crate) fn reply(request: &[u8], seed: u8, reason: Reason) -> Vec<u8> {
    let number = read::<RequestHeader>(&request[..sealed::REQUEST_HEADER_BYTES]).unwrap().number;
    let at = UnixMillis(u64::from(ISSUED.0) * 1_000 + 500);
    let mut plain = [0; Verdict::BYTES];
    write(&Verdict::of(number, at, reason), &mut plain).unwrap();
    let nonce = [9; sealed::NONCE_BYTES];
    let mut header = [0; sealed::REPLY_HEADER_BYTES];
    write(&ReplyHeader { number, nonce }, &mut header).unwrap();
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM_SIV, &[seed; 16]).unwrap());
    let nonce = Nonce::assume_unique_for_key(nonce);
    let tag = key.seal_in_place_separate_tag(nonce, Aad::from(&header), &mut plain).unwrap();
    [&header[..], &plain, tag.as_ref()].concat()
}

/// The text that this request asks about, in the session of `seed`, and whether it does so as a reference.
pub(crate) fn asked_about(request: &[u8], seed: u8) -> (Vec<u8>, bool) {
    let (header, cipher) = request.split_at(sealed::REQUEST_HEADER_BYTES);
    let number = read::<RequestHeader>(header).unwrap().number;
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &[seed; 16]).unwrap());
    let nonce = Nonce::assume_unique_for_key(number.nonce());
    let mut cipher = cipher.to_vec();
    let plain = key.open_in_place(nonce, Aad::from(header), &mut cipher).unwrap();
    let request: CheckRequest<'_> = read(plain).unwrap();
    (request.code.to_vec(), request.is_reference)
}

/// What a gate wants done.
#[derive(Debug, PartialEq)]
pub(crate) enum Wanted {
    Send(u8, Vec<u8>),
    Enrol(usize),
    Outcome(Result<Reason, NoVerdict>),
}

pub(crate) fn wanted(core: &mut Core) -> Vec<Wanted> {
    let mut wanted = Vec::new();
    while let Some(output) = core.output() {
        wanted.push(match output {
            Output::Send(to, bytes) => {
                assert_eq!(to.port(), 7_410);
                let SocketAddr::V4(to) = to else { panic!("{to}") };
                Wanted::Send(to.ip().octets()[3] - 1, bytes.to_vec())
            }
            Output::Enrol(first) => Wanted::Enrol(first),
            Output::Outcome(outcome) => Wanted::Outcome(outcome.map(|verdict| verdict.reason)),
        });
    }
    wanted
}

pub(crate) fn sent(wanted: &[Wanted]) -> (u8, &[u8]) {
    match wanted {
        [.., Wanted::Send(engine, bytes)] => (*engine, bytes),
        other => panic!("nothing is sent: {other:?}"),
    }
}
