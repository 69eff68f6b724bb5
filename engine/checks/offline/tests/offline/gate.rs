//! Verdicts without a network.

use hufu_offline::{NotTaken, TurnedRed};
use hufu_sync::{HeadAnswer, SetAnswer};
use hufu_wire::chain::Change;
use hufu_wire::{
    Age, Colour, Decision, IssuerId, Lane, Reason, Sequence, StatusMinute, StatusWord, TestResult, UnixMillis,
};

use crate::world::{ISSUER, START, World, after, gate, paper};

const GREEN: StatusWord = StatusWord::new(Colour::Green, 1);

fn minutes_after(minutes: u32) -> StatusMinute {
    StatusMinute::new(StatusMinute::nearest(START.seconds()).get() + minutes).unwrap()
}

fn world() -> World {
    let tested = minutes_after(0);
    World::new(&[
        (0, GREEN),
        (1, StatusWord::new(Colour::Red, 1)),
        (2, StatusWord::new(Colour::Amber, 1)),
        (3, GREEN.with_generation(2)),
        (4, GREEN.with_until(minutes_after(30))),
        (5, GREEN.with_test(tested, TestResult::Positive)),
        (6, GREEN.with_test(tested, TestResult::Negative).with_doses(3)),
        (7, GREEN),
    ])
}

#[test]
fn r06_a_gate_without_a_network_decides_by_its_sites_policy() {
    let (mut door, _folder) = gate(&world(), 1);
    let mut show = |ms: u64, holder: u32, generation: u8| {
        let shown = door.check(after(ms), Lane(0), paper(holder, generation).as_bytes()).unwrap();
        assert_eq!(shown.since, START, "it says since when it is alone");
        (shown.verdict.decision, shown.verdict.reason)
    };
    assert_eq!(show(0, 0, 1), (Decision::Admit, Reason::Clear));
    assert_eq!(show(0, 1, 1), (Decision::Refuse, Reason::StatusRed));
    assert_eq!(show(0, 2, 1), (Decision::Refer, Reason::StatusAmber));
    assert_eq!(show(0, 3, 1), (Decision::Refuse, Reason::Superseded));
    assert_eq!(show(0, 3, 2), (Decision::Admit, Reason::Clear), "a raised generation");
    assert_eq!(show(0, 4, 1), (Decision::Admit, Reason::Clear));
    assert_eq!(show(31 * 60_000, 4, 1), (Decision::Refer, Reason::StatusExpired), "an end is kept");
    assert_eq!(show(0, 5, 1), (Decision::Refer, Reason::StatusUnknown), "a positive test");
    assert_eq!(show(0, 6, 1), (Decision::Admit, Reason::Clear));
    assert_eq!(show(0, 99, 1), (Decision::Refer, Reason::StatusUnknown));
    let milk = door.check(after(0), Lane(0), b"milk").unwrap().verdict;
    assert_eq!((milk.decision, milk.reason), (Decision::Refuse, Reason::NotACode));
    let entry = door.check(after(0), Lane(0), b"SL1:900001.0").unwrap().verdict;
    assert_eq!((entry.decision, entry.reason), (Decision::Refuse, Reason::BadText), "what anyone can print");
}

/// Tests and doses are not in a list. The site refuses who has none; the gate cannot say so, and a person looks.
#[test]
fn r06_what_a_list_cannot_say_is_referred() {
    let (mut clinic, _folder) = gate(&world(), 2);
    let verdict = clinic.check(after(0), Lane(0), paper(6, 1).as_bytes()).unwrap().verdict;
    assert_eq!((verdict.decision, verdict.reason), (Decision::Refer, Reason::UnseenOffline));
    let red = clinic.check(after(0), Lane(0), paper(1, 1).as_bytes()).unwrap().verdict;
    assert_eq!((red.decision, red.reason), (Decision::Refuse, Reason::StatusRed), "red comes first");
}

#[test]
fn r06_beyond_its_offline_age_a_site_admits_nobody() {
    let (mut door, _folder) = gate(&world(), 1);
    let (mut office, _other) = gate(&world(), 3);
    // The door says two hours, of which the clock may lose a second and 0.7; the office says nothing: a minute.
    let limit = 7_200_000 - 1000 - 720;
    for (gate, limit) in [(&mut door, limit), (&mut office, 60_000 - 1000 - 6)] {
        let mut show = |ms: u64, holder: u32| {
            gate.check(after(ms), Lane(0), paper(holder, 1).as_bytes()).unwrap().verdict
        };
        assert_eq!(show(limit, 0).reason, Reason::Clear);
        let stale = show(limit + 10, 0);
        assert_eq!((stale.decision, stale.reason), (Decision::Refer, Reason::StaleData));
        assert_eq!(show(limit + 10, 1).reason, Reason::StatusRed, "stale red is red");
        assert!(matches!(stale.age, Age::Millis(ms) if u64::from(ms) > limit));
    }
}

#[test]
fn r09_a_code_used_in_one_lane_is_refused_in_another() {
    let (mut door, _folder) = gate(&world(), 1);
    let mut show = |ms: u64, lane: u16| {
        door.check(after(ms), Lane(lane), paper(0, 1).as_bytes()).unwrap().verdict.reason
    };
    assert_eq!(show(0, 1), Reason::Clear);
    assert_eq!(show(1000, 2), Reason::PassBack);
    assert_eq!(show(2000, 1), Reason::Clear, "the same lane, as in an engine");
    assert_eq!(show(63_000, 2), Reason::Clear, "the window is over");
}

/// A red that comes later is told of, and the record stays.
#[test]
fn r06_who_turns_red_after_an_admission_becomes_an_event() {
    let mut world = world();
    let (mut door, _folder) = gate(&world, 1);
    let mut show = |holder: u32| door.check(after(0), Lane(0), paper(holder, 1).as_bytes()).unwrap();
    let counters = [0, 7, 1].map(|holder| show(holder).verdict.number.0);
    let before = door.book().handover(10).unwrap();
    let red = Change::Status(StatusWord::new(Colour::Red, 0));
    let set = world.change(UnixMillis(START.0 + 60_000), &[(0, red), (1, red), (2, red)]);
    let mut turned_red = Vec::new();
    let later = after(3_600_000);
    let answer = door.change_set(later, ISSUER, &set, &mut turned_red).unwrap();
    assert!(matches!(answer, SetAnswer::Applied { .. }), "{answer:?}");
    let event = TurnedRed { counter: counters[0], issuer: ISSUER, sequence: Sequence(1) };
    assert_eq!(turned_red, [event], "1 was red already, 2 was not admitted");
    let again = world.change(UnixMillis(START.0 + 120_000), &[(0, red)]);
    door.change_set(later, ISSUER, &again, &mut turned_red).unwrap();
    assert_eq!(turned_red.len(), 1, "who is red already does not turn red");
    assert_eq!(door.book().handover(10).unwrap(), before);
    let head = world.head(UnixMillis(START.0 + 3_600_000));
    let answer = door.head(later, ISSUER, &head).unwrap();
    assert!(matches!(answer, HeadAnswer::Current { .. }), "{answer:?}");
    let verdict = door.check(later, Lane(0), paper(7, 1).as_bytes()).unwrap().verdict;
    assert_eq!((verdict.as_of, verdict.age), (Sequence(2), Age::Millis(1000 + 360)), "current again");
    let other = door.change_set(later, IssuerId(9), &set, &mut turned_red);
    assert!(matches!(other, Err(NotTaken::NoList { .. })), "{other:?}");
}
