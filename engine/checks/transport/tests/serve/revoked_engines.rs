//! A stolen engine key opens no gate that has met a good engine since its revocation (issue 7, B11).

use hufu_client::{Control, ControlFault, Identity};
use hufu_transport::TlsParts;
use hufu_transport::profile::{ENGINE_NAME, names};

use crate::ca::Ca;
use crate::rig::{MARKET_GATE, Rig, block_on};

const GOOD: &[u8] = b"E good";
const STOLEN: &[u8] = b"E stolen";

/// Has the rig's server serve with the certificate `serial`, and with list `number` that names `revoked`.
fn serve_as(rig: &Rig, serial: &[u8], number: u64, revoked: &[&[u8]]) {
    rig.running.set_tls(rig.ca.engine_with(serial, number, revoked)).unwrap();
}

fn enrol(rig: &Rig, identity: &Identity) -> Result<(), ControlFault> {
    block_on(async {
        let control = Control::connect(rig.running.quic_addr, ENGINE_NAME, identity).await?;
        control.enrol().await.map(|_| ())
    })
}

/// Whether the engine was refused because list `number` names it.
fn is_refused_by(answer: &Result<(), ControlFault>, number: u64) -> bool {
    let wanted = format!("revocation list {number} of the operator's CA names the engine's certificate");
    matches!(answer, Err(ControlFault::Untrusted { why }) if *why == wanted)
}

#[test]
fn b11_a_revoked_engine_is_refused_by_a_gate_that_has_met_a_good_one_since() {
    let rig = Rig::start_in(Ca::new(), |_| {});
    let gate = rig.ca.device(rig.grant(MARKET_GATE));
    serve_as(&rig, STOLEN, 1, &[]);
    assert!(enrol(&rig, &gate).is_ok(), "nothing has happened yet");
    serve_as(&rig, GOOD, 2, &[STOLEN]);
    assert!(enrol(&rig, &gate).is_ok());

    // The thief has the old list, or none that it shows, or one that was made later than it was revoked.
    for (number, revoked) in [(1, vec![]), (2, vec![STOLEN]), (3, vec![STOLEN])] {
        serve_as(&rig, STOLEN, number, &revoked);
        let answer = enrol(&rig, &gate);
        assert!(is_refused_by(&answer, 2), "{number}: {answer:?}");
    }
    serve_as(&rig, GOOD, 1, &[]);
    assert!(enrol(&rig, &gate).is_ok(), "an engine that is late with its list still serves");
    serve_as(&rig, STOLEN, 1, &[]);
    assert!(is_refused_by(&enrol(&rig, &gate), 2), "and made nobody forget");
    rig.running.stop();
}

/// Its own list is what tells on it; nothing is taken from it before.
#[test]
fn b11_an_engine_that_brings_the_list_with_its_own_name_gives_no_session() {
    let rig = Rig::start_in(Ca::new(), |_| {});
    serve_as(&rig, STOLEN, 7, &[STOLEN]);
    let answer = enrol(&rig, &rig.ca.device(rig.grant(MARKET_GATE)));
    assert!(is_refused_by(&answer, 7), "{answer:?}");
    rig.running.stop();
}

/// A gate that trusts two authorities. Engines hand out lists of both, and of one that it does not know.
#[test]
fn b11_each_authority_has_its_newest_list_and_a_strangers_counts_for_nothing() {
    let rig = Rig::start_in(Ca::named("A"), |_| {});
    let [b, stranger] = ["B", "stranger"].map(Ca::named);
    let grant = rig.grant(MARKET_GATE);
    let (certificate, key) = rig.ca.device_certificate(&names(grant), grant);
    let gate = Identity::from_der(vec![certificate], key, &[rig.ca.root(), b.root()]).unwrap();
    let serve = |ca: &Ca, serial: &[u8], crls| {
        let device_roots = vec![rig.ca.root()];
        let parts = TlsParts { crls, device_roots, ..ca.engine_with(serial, 1, &[]) };
        rig.running.set_tls(parts).unwrap();
        enrol(&rig, &gate)
    };
    let lists = |number| {
        let ours = rig.ca.list(number, &[STOLEN]);
        vec![ours, b.list(number + 4, &[b"B stolen"]), stranger.list(99, &[GOOD])]
    };
    assert!(serve(&rig.ca, GOOD, lists(5)).is_ok(), "a stranger's list names it");
    assert!(
        serve(&b, GOOD, lists(4)).is_ok(),
        "the same serial number of another authority, and older lists"
    );
    assert!(is_refused_by(&serve(&rig.ca, STOLEN, lists(4)), 5));
    assert!(is_refused_by(&serve(&b, b"B stolen", lists(5)), 9));
    assert!(serve(&rig.ca, b"B stolen", lists(5)).is_ok(), "a serial number of the other authority's");

    assert!(serve(&rig.ca, GOOD, vec![rig.ca.list(6, &[b"another"])]).is_ok());
    assert!(serve(&rig.ca, STOLEN, vec![]).is_ok(), "the newer list does not name it");
    assert!(is_refused_by(&serve(&rig.ca, b"another", vec![]), 6));
    assert!(is_refused_by(&serve(&b, b"B stolen", vec![]), 9), "and B's list stays");
    rig.running.stop();
}

#[test]
fn b11_a_gate_remembers_revoked_engines_through_a_restart() {
    let folder = std::env::temp_dir().join(format!("hufu-revoked-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("revoked.crl");
    let rig = Rig::start_in(Ca::new(), |_| {});
    let device = || {
        let identity = rig.ca.device(rig.grant(MARKET_GATE));
        identity.remember_revocations_in(&file).unwrap();
        identity
    };
    serve_as(&rig, GOOD, 2, &[STOLEN]);
    assert!(enrol(&rig, &device()).is_ok());
    serve_as(&rig, STOLEN, 1, &[]);
    assert!(is_refused_by(&enrol(&rig, &device()), 2), "a new process");
    assert!(enrol(&rig, &rig.ca.device(rig.grant(MARKET_GATE))).is_ok(), "one that never met a good engine");

    // Lists of somebody else's authority are not the operator's word.
    let forged = Ca::new().engine_with(STOLEN, 99, &[GOOD]).crls;
    serve_as(&rig, GOOD, 2, &[STOLEN]);
    let parts = TlsParts { crls: forged, ..rig.ca.engine_with(GOOD, 2, &[]) };
    if rig.running.set_tls(parts).is_ok() {
        let _ = enrol(&rig, &device());
        serve_as(&rig, GOOD, 2, &[STOLEN]);
    }
    assert!(enrol(&rig, &device()).is_ok());

    std::fs::write(&file, b"no list").unwrap();
    let damaged = rig.ca.device(rig.grant(MARKET_GATE)).remember_revocations_in(&file).unwrap_err();
    assert!(damaged.to_string().contains("remove it"), "{damaged}");
    std::fs::remove_dir_all(&folder).unwrap();
    rig.running.stop();
}

#[test]
fn b11_a_list_that_could_not_be_written_once_is_written_at_the_next_enrolment() {
    let folder = std::env::temp_dir().join(format!("hufu-unwritten-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("revoked.crl");
    let rig = Rig::start_in(Ca::new(), |_| {});
    let device = || {
        let identity = rig.ca.device(rig.grant(MARKET_GATE));
        identity.remember_revocations_in(&file).unwrap();
        identity
    };
    let gate = device();
    serve_as(&rig, GOOD, 2, &[STOLEN]);
    // No file takes the place of a folder.
    std::fs::create_dir(&file).unwrap();
    assert!(enrol(&rig, &gate).is_ok(), "the list counts in this process");
    std::fs::remove_dir(&file).unwrap();
    assert!(enrol(&rig, &gate).is_ok());
    serve_as(&rig, STOLEN, 1, &[]);
    assert!(is_refused_by(&enrol(&rig, &device()), 2), "a new process");
    std::fs::remove_dir_all(&folder).unwrap();
    rig.running.stop();
}
