//! Sealed packets under fixed keys, byte for byte. The bytes in `golden_session.json` were made by another
//! implementation of AES-GCM and AES-GCM-SIV from PROTOCOL's words alone; clients in other languages test against them.

#![expect(clippy::unwrap_used, reason = "a test's helpers may panic")]

use hufu_gate::Session;
use hufu_wire::{
    Age, CheckNumber, ClockOffset, CodeKind, Colour, Decision, DeviceGeneration, DeviceId, Enrolled, Lane,
    Reason, Scope, Sequence, SiteId, UnixMillis, UnixSeconds, Verdict, read,
};
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("golden_session.json")).unwrap()
}

fn bytes(golden: &Value, name: &str) -> Vec<u8> {
    hex::decode(golden[name].as_str().unwrap()).unwrap()
}

fn session(golden: &Value) -> Session {
    Session::new(read::<Enrolled>(&bytes(golden, "enrolled")).unwrap())
}

#[test]
fn an_enrolment_reads_as_what_it_says() {
    let golden = golden();
    let enrolled: Enrolled = read(&bytes(&golden, "enrolled")).unwrap();
    assert_eq!(enrolled.server_time, UnixMillis(1_795_000_000_123));
    assert_eq!(enrolled.grant.device, DeviceId(7));
    assert_eq!(enrolled.grant.generation, DeviceGeneration(1));
    assert_eq!(enrolled.grant.site, SiteId(42));
    assert_eq!(enrolled.grant.scope, Scope::CHECKS_AND_ROSTERS);
    assert_eq!(enrolled.issued, UnixSeconds(1_795_000_000));
    assert_eq!(enrolled.expires, UnixSeconds(1_795_086_400));
    assert_eq!(enrolled.udp_port, 4434);
}

#[test]
fn the_first_and_second_request_are_these_bytes() {
    let golden = golden();
    let mut session = session(&golden);
    let mut out = [0xaa; Session::REQUEST_BYTES_MAX];
    for (name, number) in [("request_1", 1), ("request_2", 2)] {
        let request = &golden[name];
        let lane = Lane(u16::try_from(request["lane"].as_u64().unwrap()).unwrap());
        let code = request["code"].as_str().unwrap();
        let (sealed, size) = session.seal(code.as_bytes(), lane, &mut out).unwrap();
        assert_eq!(sealed, CheckNumber(number));
        assert_eq!(hex::encode(&out[..size]), request["packet"].as_str().unwrap(), "{name}");
    }
}

#[test]
fn the_reply_opens_to_this_verdict() {
    let golden = golden();
    let verdict = Verdict {
        number: CheckNumber(1),
        server_time: UnixMillis(1_795_000_001_000),
        as_of: Sequence(99),
        age: Age::Millis(350),
        clock_offset: ClockOffset(-30),
        decision: Decision::Admit,
        reason: Reason::Clear,
        colour: Some(Colour::Green),
        kind: Some(CodeKind::Phone),
    };
    assert_eq!(session(&golden).open(&bytes(&golden, "reply_1")), Ok(verdict));
}

#[test]
fn no_truncation_and_no_flipped_bit_of_a_reply_opens() {
    let golden = golden();
    let session = session(&golden);
    let reply = bytes(&golden, "reply_1");
    for end in 0..reply.len() {
        assert!(session.open(&reply[..end]).is_err(), "cut to {end} bytes");
    }
    for bit in 0..reply.len() * 8 {
        let mut reply = reply.clone();
        reply[bit / 8] ^= 1 << (bit % 8);
        assert!(session.open(&reply).is_err(), "bit {bit} flipped");
    }
    assert!(session.open(&[reply, vec![0]].concat()).is_err(), "one byte more");
}
