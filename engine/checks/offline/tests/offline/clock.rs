//! The gate's clock.

use std::time::Duration;

use hufu_offline::{BootId, DRIFT_PPM, NotDecided, OfflineClock, UNCERTAIN_MS_MAX, boot_id, since_boot};
use hufu_wire::{Colour, Lane, StatusWord, UnixMillis};

use crate::world::{BOOT, START, World, gate, paper};

const BOOT_ID: BootId = BootId([1; 16]);

#[test]
fn r06_the_time_is_an_engines_and_what_has_passed_since() {
    let mut clock = OfflineClock::new(DRIFT_PPM);
    assert_eq!(clock.read(BOOT), None, "no engine has told it");
    clock.authenticate(START, BOOT);
    let day = clock.read(BOOT + Duration::from_secs(86_400)).unwrap();
    assert_eq!((day.time, day.since), (UnixMillis(START.0 + 86_400_000), START));
    assert_eq!(day.uncertain_ms, 1000 + 8640, "100 parts per million");
    assert_eq!(clock.read(BOOT.checked_sub(Duration::from_millis(1)).unwrap()), None, "it lost count");
    clock.authenticate(UnixMillis(START.0 - 5000), BOOT);
    assert_eq!(clock.read(BOOT).unwrap().time, UnixMillis(START.0 - 5000), "an engine's word counts");
}

#[test]
fn r06_a_restart_of_the_machine_leaves_no_time() {
    let mut clock = OfflineClock::new(DRIFT_PPM);
    assert_eq!(clock.keep(BOOT_ID), None);
    clock.authenticate(START, BOOT);
    let kept = clock.keep(BOOT_ID).unwrap();
    let fresh = OfflineClock::new(DRIFT_PPM);
    assert_eq!(fresh.resume(&kept, BOOT_ID), clock, "the program alone was started again");
    assert_eq!(fresh.resume(&kept, BootId([2; 16])), fresh, "the machine was");
    assert_eq!(fresh.resume(&kept[1..], BOOT_ID), fresh);
    for at in 0..kept.len() {
        let mut altered = kept;
        altered[at] ^= 1;
        assert_eq!(fresh.resume(&altered, BOOT_ID), fresh, "byte {at}");
    }
}

/// A month without a network: at the latest when the time is too uncertain, nothing is decided.
#[test]
fn r06_nothing_is_decided_without_a_time_that_counts() {
    let world = World::new(&[(0, StatusWord::new(Colour::Green, 1))]);
    let (mut gate, _folder) = gate(&world, 1);
    let code = paper(0, 1);
    let mut show = |at: Duration| gate.check(at, Lane(0), code.as_bytes());
    assert!(show(BOOT).is_ok());
    assert!(matches!(show(Duration::ZERO), Err(NotDecided::NoTime)), "the clock went back");
    let limit = Duration::from_millis((UNCERTAIN_MS_MAX - 1000) * 10_000);
    assert!(show(BOOT + limit).is_ok());
    let month = show(BOOT + limit + Duration::from_secs(10));
    assert!(matches!(month, Err(NotDecided::TimeUncertain { .. })), "{month:?}");
    *gate.clock() = OfflineClock::new(DRIFT_PPM);
    assert!(matches!(gate.check(BOOT, Lane(0), code.as_bytes()), Err(NotDecided::NoTime)));
}

#[test]
fn this_machine_says_how_long_and_in_which_run_it_runs() {
    let (first, second) = (since_boot(), since_boot());
    assert!(first > Duration::ZERO && second >= first);
    #[cfg(target_os = "linux")]
    assert_eq!(boot_id().unwrap(), boot_id().unwrap());
}
