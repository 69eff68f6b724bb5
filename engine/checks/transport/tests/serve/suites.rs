//! Sessions of SM4 from enrolment to verdict, over each way there is (R45).

use hufu_client::{ControlFault, Gate, GateOptions, Session};
use hufu_fixtures::Expected;
use hufu_wire::{Actor, Enrolled, Lane, Message as _, Reason, Suite, Suites};

use crate::https::{address, asked, client, with_https};
use crate::rig::{Asker, MARKET_GATE, MARKET_GATE_2, Rig, block_on, decided, eventually};

/// What a gate that takes `suites` is given over QUIC.
fn enrol(rig: &Rig, suites: Suites) -> Result<Enrolled, ControlFault> {
    let identity = rig.ca.device(rig.grant(MARKET_GATE)).with_suites(suites);
    block_on(async {
        let name = hufu_transport::profile::ENGINE_NAME;
        let control = hufu_client::Control::connect(rig.running.quic_addr, name, &identity).await?;
        let enrolled = control.enrol().await;
        control.close().await;
        enrolled
    })
}

#[test]
fn r45_a_gate_enrols_with_sm4_and_opens_on_a_verdict_over_sealed_udp() {
    let rig = Rig::start_with(|setup| setup.suites = Suites::AES_AND_SM4);
    let identity = rig.ca.device(rig.grant(MARKET_GATE)).with_suites(Suites::SM4);
    let mut gate = Gate::open(vec![rig.server()], identity, GateOptions::default()).unwrap();
    let checked = gate.check(rig.clear_code().as_bytes(), Lane(0)).unwrap();
    assert_eq!(decided(&checked), Expected::ADMIT);
    // Beside it one that has never heard of suites.
    let mut of_before = rig.enrol(rig.grant(MARKET_GATE_2));
    assert_eq!(of_before.suite(), Suite::Aes);
    let asker = Asker::new(rig.running.udp_addr);
    assert_eq!(decided(&asker.check(&mut of_before, rig.clear_code().as_bytes())), Expected::ADMIT);
    assert_eq!(enrol(&rig, Suites::AES_AND_SM4).unwrap().suite, Suite::Sm4);
    rig.running.stop();
}

#[test]
fn r45_a_gate_and_an_engine_without_a_suite_in_common_hear_who_can_change_that() {
    let strict = Rig::start_with(|setup| setup.suites = Suites::SM4);
    let fault = enrol(&strict, Suites::AES).unwrap_err();
    assert!(matches!(fault, ControlFault::Refused(Reason::SuiteNotShared)), "{fault:?}");
    assert_eq!((fault.actor(), fault.to_string().contains("suite")), (Actor::Operator, true), "{fault}");
    let refused = "hufu_quic_frames_refused_total{reason=\"suite-not-shared\"}";
    eventually("the refusal is counted", || strict.metric(refused) == 1);
    strict.running.stop();
    let of_before = Rig::start_with(|_| {});
    let fault = enrol(&of_before, Suites::SM4).unwrap_err();
    assert!(matches!(fault, ControlFault::Refused(Reason::SuiteNotShared)), "{fault:?}");
    of_before.running.stop();
}

#[test]
fn r45_firmware_says_over_https_which_suites_it_takes() {
    let rig = Rig::start_with(|setup| {
        with_https(setup);
        setup.suites = Suites::AES_AND_SM4;
    });
    let grant = rig.grant(MARKET_GATE);
    let ask = |body: &str| {
        let head =
            format!("POST /v1/enrol HTTP/1.1\r\nHost: engine\r\nContent-Length: {}\r\n\r\n", body.len());
        asked(address(&rig), client(&rig.ca, Some((&rig.ca, grant))), &(head + body)).unwrap()
    };
    let mut suites = Vec::new();
    for body in ["", "\x01\0\0\0", "\x02\0\0\0", "\x03\0\0\0"] {
        let (status, bytes) = ask(body);
        assert_eq!(status, 200);
        let enrolled = Enrolled::read_from(&bytes).unwrap();
        suites.push(enrolled.suite);
        let checked =
            Asker::new(rig.running.udp_addr).check(&mut Session::new(enrolled), rig.clear_code().as_bytes());
        assert_ne!(checked.reason, Reason::BadRequest);
    }
    assert_eq!(suites, [Suite::Aes, Suite::Aes, Suite::Sm4, Suite::Sm4]);
    assert_eq!(ask("\x04\0\0\0"), (403, b"suite-not-shared".to_vec()), "a suite of another time alone");
    assert_eq!([ask("\x01").0, ask("\x01\0\0\0\0").0], [400, 413]);
    rig.running.stop();
}
