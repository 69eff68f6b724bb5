//! Gates whose clock is behind, and what they are told.

use hufu_client::{Control, ControlFault, Identity};
use hufu_transport::profile::ENGINE_NAME;
use hufu_wire::UnixSeconds;

use crate::rig::{MARKET_GATE, Rig, block_on, now};

const HOUR_S: u32 = 3600;

/// An engine whose certificate started an hour ago.
fn rig() -> Rig {
    let ca = crate::ca::Ca::new();
    let parts = ca.engine_between(UnixSeconds(now().0 - HOUR_S), UnixSeconds(now().0 + 24 * HOUR_S));
    Rig::start_in(ca, |setup| setup.options.tls = parts)
}

fn enrolled(rig: &Rig, identity: &Identity) -> Result<(), ControlFault> {
    block_on(async {
        let control = Control::connect(rig.running.quic_addr, ENGINE_NAME, identity).await?;
        control.enrol().await.map(|_| ())
    })
}

#[test]
fn r51_a_gate_without_a_clock_judges_by_the_start_of_its_own_certificate() {
    let rig = rig();
    let device = |start_s| rig.ca.device_from(rig.grant(MARKET_GATE), UnixSeconds(start_s));
    for own in [0, now().0 - 5 * HOUR_S] {
        let behind = device(now().0 - HOUR_S / 2).with_own_clock(move || UnixSeconds(own));
        assert!(enrolled(&rig, &behind).is_ok(), "the device's certificate is younger than the engine's");
        let older = device(now().0 - 10 * HOUR_S).with_own_clock(move || UnixSeconds(own));
        let refused = enrolled(&rig, &older);
        assert!(matches!(refused, Err(ControlFault::EngineOutOfTime { .. })), "{refused:?}");
    }
    rig.running.stop();
}

#[test]
fn r51_a_gate_keeps_the_last_time_that_an_engine_told_it() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("server-time");
    let rig = rig();
    let device = || {
        let identity = rig.ca.device_from(rig.grant(MARKET_GATE), UnixSeconds(now().0 - 10 * HOUR_S));
        assert!(identity.keep_time_in(&kept).is_ok());
        identity
    };
    assert!(enrolled(&rig, &device().with_own_clock(|| UnixSeconds(0))).is_err(), "nothing is kept yet");
    assert!(enrolled(&rig, &device()).is_ok(), "its clock is right");
    assert!(enrolled(&rig, &device().with_own_clock(|| UnixSeconds(0))).is_ok(), "and was lost");
    rig.running.stop();
}

#[test]
fn r51_the_message_names_the_clock() {
    let rig = rig();
    let device = rig.ca.device_from(rig.grant(MARKET_GATE), UnixSeconds(1_700_000_000));
    let told = |own: u32| enrolled(&rig, &device.clone().with_own_clock(move || UnixSeconds(own)));
    let early = told(0).unwrap_err().to_string();
    for wanted in
        ["2023-11-14T22:13:20Z by the start of this device's certificate", "set this device's clock"]
    {
        assert!(early.contains(wanted), "{early}");
    }
    let device = rig.ca.device_from(rig.grant(MARKET_GATE), UnixSeconds(1_700_000_000));
    let late = enrolled(&rig, &device.with_own_clock(|| UnixSeconds(u32::MAX))).unwrap_err().to_string();
    assert!(late.contains("2106-02-07T06:28:15Z by this device's clock"), "{late}");
    rig.running.stop();
}

#[test]
fn r51_a_device_whose_certificate_has_ended_is_told_whose_clock_says_so() {
    let rig = rig();
    let ended = rig.ca.device_until(rig.grant(MARKET_GATE), UnixSeconds(now().0 - 1));
    let fault = enrolled(&rig, &ended).unwrap_err();
    assert!(matches!(fault, ControlFault::DeviceOutOfTime { .. }), "{fault:?}");
    assert!(fault.to_string().contains("by the engine's clock"), "{fault}");
    rig.running.stop();
}
