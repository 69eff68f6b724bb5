use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use hufu_wire::{DeviceId, Lane};

use super::*;

const NOW: UnixSeconds = UnixSeconds(1_790_000_000);

fn later(seconds: u32) -> UnixSeconds {
    UnixSeconds(NOW.0 + seconds)
}

fn claim(memory: &PassBack, holder: u32, step: u32, device: u32, now: UnixSeconds) -> Claim {
    let shown = Use { issuer: IssuerId(1), holder: HolderIndex(holder), step: Some(Step(step)) };
    memory.claim(shown, gate(device), now, MINUTE)
}

fn gate(device: u32) -> Gate {
    Gate { device: DeviceId(device), lane: Lane(0) }
}

const MINUTE: Windows = Windows { here_s: 60, longest_s: 60, repeated: false, by: PassBackBy::Device };

const FIRST: Claim = Claim::First { evicted: false };

#[test]
fn r09_the_second_gate_is_refused_and_the_first_may_ask_again() {
    let memory = PassBack::new(1024, [7; 16]);
    assert_eq!(claim(&memory, 5, 9, 1, NOW), FIRST);
    assert_eq!(claim(&memory, 5, 9, 1, later(1)), Claim::Again);
    assert_eq!(claim(&memory, 5, 9, 2, later(59)), Claim::Elsewhere);
    assert_eq!(claim(&memory, 5, 10, 2, later(2)), FIRST, "the next step is another presentation");
    assert_eq!(claim(&memory, 6, 9, 2, later(2)), FIRST, "another holder");
    assert_eq!(claim(&memory, 5, 10, 2, later(62)), FIRST, "the window is over");
    assert_eq!(claim(&memory, 5, 10, 1, later(63)), Claim::Elsewhere, "and a new one began");
}

/// Whoever photographs a step can make the one before it.
#[test]
fn r09_the_step_before_a_used_one_is_used_too() {
    let memory = PassBack::new(1024, [7; 16]);
    assert_eq!(claim(&memory, 5, 9, 1, NOW), FIRST);
    for step in [8, 7, 9] {
        assert_eq!(claim(&memory, 5, step, 2, later(1)), Claim::Elsewhere, "step {step}");
    }
    assert_eq!(claim(&memory, 5, 8, 1, later(1)), Claim::Again, "a late retransmission of the first gate");
    assert_eq!(claim(&memory, 5, 10, 2, later(30)), FIRST, "only the phone has the next one");
    assert_eq!(claim(&memory, 5, 9, 1, later(31)), Claim::Elsewhere);
}

/// A step used at one gate is not admitted at the next because that gate was shown a later one.
#[test]
fn r09_a_later_step_does_not_bring_the_one_before_to_another_gate() {
    let memory = PassBack::new(1024, [7; 16]);
    assert_eq!(claim(&memory, 5, 9, 1, NOW), FIRST);
    assert_eq!(claim(&memory, 5, 12, 2, later(1)), FIRST);
    assert_eq!(claim(&memory, 5, 9, 2, later(1)), Claim::Elsewhere, "used at gate 1");
    for step in [10, 11, 12] {
        assert_eq!(claim(&memory, 5, step, 2, later(1)), Claim::Again, "step {step} was used nowhere else");
    }
    assert_eq!(claim(&memory, 5, 13, 2, later(2)), FIRST);
    assert_eq!(claim(&memory, 5, 10, 2, later(2)), Claim::Again, "a retransmission across the end of a step");
    assert_eq!(claim(&memory, 5, 9, 2, later(2)), Claim::Elsewhere);
    assert_eq!(claim(&memory, 5, 14, 1, later(3)), FIRST);
    assert_eq!(claim(&memory, 5, 13, 1, later(3)), Claim::Elsewhere);
}

#[test]
fn steps_are_compared_across_the_end_of_their_twelve_bits() {
    let memory = PassBack::new(1024, [7; 16]);
    assert_eq!(claim(&memory, 5, 0x1fff, 1, NOW), FIRST);
    assert_eq!(claim(&memory, 5, 0x2000, 2, later(1)), FIRST);
    assert_eq!(claim(&memory, 5, 0x1fff, 3, later(2)), Claim::Elsewhere);
}

#[test]
fn r09_a_site_chooses_whether_another_lane_is_another_gate() {
    let memory = PassBack::new(1024, [7; 16]);
    let paper = Use { issuer: IssuerId(1), holder: HolderIndex(5), step: None };
    let by_lane = Windows { by: PassBackBy::Lane, ..MINUTE };
    let at = |device, lane| Gate { device: DeviceId(device), lane: Lane(lane) };
    assert_eq!(memory.claim(paper, at(1, 7), NOW, by_lane), FIRST);
    assert_eq!(memory.claim(paper, at(1, 7), NOW, by_lane), Claim::Again);
    assert_eq!(memory.claim(paper, at(1, 8), NOW, by_lane), Claim::Elsewhere);
    assert_eq!(memory.claim(paper, at(1, 8), NOW, MINUTE), Claim::Again, "one device is one gate");
    for by in [MINUTE, by_lane] {
        assert_eq!(memory.claim(paper, at(2, 7), NOW, by), Claim::Elsewhere, "another device");
    }
}

/// Two issuers number their holders alike.
#[test]
fn a_holder_of_another_issuer_is_somebody_else() {
    let memory = PassBack::new(1024, [7; 16]);
    for issuer in 1..50 {
        let shown = Use { issuer: IssuerId(issuer), holder: HolderIndex(5), step: Some(Step(9)) };
        assert_eq!(memory.claim(shown, gate(issuer), NOW, MINUTE), FIRST, "issuer {issuer}");
    }
}

/// Who is put in whose place must not be the same in every engine.
#[test]
fn another_key_gives_up_other_holders() {
    let known = |key| -> Vec<bool> {
        let memory = PassBack::new(64, [key; 16]);
        for holder in 0..128 {
            claim(&memory, holder, 1, 1, later(holder / 8));
        }
        (0..128).map(|holder| claim(&memory, holder, 1, 2, later(16)) == Claim::Elsewhere).collect()
    };
    assert_eq!(known(1), known(1));
    assert_ne!(known(1), known(2));
}

#[test]
fn a_holders_paper_is_not_their_phone() {
    let memory = PassBack::new(1024, [7; 16]);
    let paper = Use { issuer: IssuerId(1), holder: HolderIndex(5), step: None };
    assert_eq!(claim(&memory, 5, 9, 1, NOW), FIRST);
    assert_eq!(memory.claim(paper, gate(2), NOW, MINUTE), FIRST);
    assert_eq!(memory.claim(paper, gate(3), NOW, MINUTE), Claim::Elsewhere);
}

#[test]
fn a_clock_set_back_does_not_forget() {
    let memory = PassBack::new(16, [7; 16]);
    assert_eq!(claim(&memory, 5, 9, 1, later(60)), FIRST);
    assert_eq!(claim(&memory, 5, 9, 2, NOW), Claim::Elsewhere);
    assert_eq!(claim(&memory, 5, 9, 2, later(119)), Claim::Elsewhere, "what it was dated still counts");
    assert_eq!(claim(&memory, 5, 9, 2, later(120)), FIRST);
}

/// Seconds in a place never fall: two gates could both be first otherwise.
#[test]
fn r09_who_takes_a_place_is_dated_no_earlier_than_who_had_it() {
    let memory = PassBack::new(WAYS, [7; 16]);
    for holder in 0..4 {
        assert_eq!(claim(&memory, holder, 9, 1, later(30)), FIRST);
    }
    assert_eq!(claim(&memory, 4, 9, 1, NOW), Claim::First { evicted: true });
    assert_eq!(claim(&memory, 4, 9, 2, later(89)), Claim::Elsewhere);
    assert_eq!(claim(&memory, 4, 9, 2, later(90)), FIRST);
}

#[test]
fn there_is_room_for_at_least_as_many_holders_as_were_asked_for() {
    let room = [1, 4, 5, 1000, 1024].map(|entries| PassBack::new(entries, [7; 16]).capacity());
    assert_eq!(room, [4, 4, 8, 1024, 1024]);
}

/// How old a use is that a clock far ahead has dated cannot be told: it counts once more from when it is met,
/// and nobody is shut out for a day.
#[test]
fn r09_a_clock_set_back_far_forgets_nothing_and_shuts_nobody_out_for_long() {
    let memory = PassBack::new(1024, [7; 16]);
    assert_eq!(claim(&memory, 5, 9, 1, later(86_400)), FIRST);
    assert_eq!(claim(&memory, 5, 9, 2, NOW), Claim::Elsewhere);
    assert_eq!(claim(&memory, 5, 9, 2, later(59)), Claim::Elsewhere);
    assert_eq!(claim(&memory, 5, 9, 2, later(60)), FIRST);
    assert_eq!(claim(&memory, 5, 10, 1, later(61)), FIRST, "and counts by the clock that is right");
    assert_eq!(claim(&memory, 5, 10, 2, later(62)), Claim::Elsewhere);
}

#[test]
fn a_replay_does_not_date_what_a_clock_far_ahead_left_behind() {
    let memory = PassBack::new(1024, [7; 16]);
    let shown = Use { issuer: IssuerId(1), holder: HolderIndex(5), step: Some(Step(9)) };
    assert_eq!(claim(&memory, 5, 9, 1, later(86_400)), FIRST);
    let replay = Windows { repeated: true, ..MINUTE };
    assert_eq!(memory.claim(shown, gate(1), NOW, replay), Claim::Again);
    assert_eq!(claim(&memory, 5, 9, 2, later(60)), Claim::Elsewhere, "met for the first time");
    assert_eq!(claim(&memory, 5, 9, 2, later(120)), FIRST);
}

#[test]
fn what_a_clock_far_ahead_left_behind_gives_way_first() {
    let memory = PassBack::new(WAYS, [7; 16]);
    for holder in 0..3 {
        assert_eq!(claim(&memory, holder, 9, 1, later(86_400)), FIRST);
    }
    for holder in 3..7 {
        let evicted = holder > 3;
        assert_eq!(claim(&memory, holder, 9, 1, NOW), Claim::First { evicted }, "{holder}");
    }
    for holder in 3..7 {
        assert_eq!(claim(&memory, holder, 9, 2, later(59)), Claim::Elsewhere, "{holder}");
    }
}

/// The window runs from the last use, not from the first.
#[test]
fn r09_what_the_same_gate_is_shown_once_more_is_used_once_more() {
    let memory = PassBack::new(1024, [7; 16]);
    assert_eq!(claim(&memory, 5, 9, 1, NOW), FIRST);
    assert_eq!(claim(&memory, 5, 9, 1, later(50)), Claim::Again);
    assert_eq!(claim(&memory, 5, 9, 2, later(109)), Claim::Elsewhere);
    assert_eq!(claim(&memory, 5, 9, 2, later(110)), FIRST);
}

/// Somebody who replays a captured packet keeps nobody out.
#[test]
fn r09_a_request_seen_before_starts_no_new_window() {
    let memory = PassBack::new(1024, [7; 16]);
    let paper = Use { issuer: IssuerId(1), holder: HolderIndex(5), step: None };
    let replay = Windows { repeated: true, ..MINUTE };
    assert_eq!(memory.claim(paper, gate(1), NOW, MINUTE), FIRST);
    assert_eq!(memory.claim(paper, gate(1), later(59), replay), Claim::Again);
    assert_eq!(memory.claim(paper, gate(1), later(60), replay), Claim::Unclaimed);
    assert_eq!(memory.claim(paper, gate(2), later(61), MINUTE), FIRST);
    assert_eq!(memory.claim(paper, gate(1), later(62), replay), Claim::Elsewhere);
}

#[test]
fn a_short_window_counts_what_it_takes_from_a_long_one() {
    let memory = PassBack::new(WAYS, [7; 16]);
    let short = Windows { here_s: 5, longest_s: 300, ..MINUTE };
    for holder in 0..5 {
        let shown = Use { issuer: IssuerId(1), holder: HolderIndex(holder), step: None };
        let evicted = holder == 4;
        assert_eq!(memory.claim(shown, gate(1), later(holder * 20), short), Claim::First { evicted });
    }
}

#[test]
fn a_window_of_nothing_remembers_nothing() {
    let memory = PassBack::new(16, [7; 16]);
    for device in 0..3 {
        let shown = Use { issuer: IssuerId(1), holder: HolderIndex(1), step: Some(Step(1)) };
        let off = Windows { here_s: 0, ..MINUTE };
        assert_eq!(memory.claim(shown, gate(device), NOW, off), FIRST);
    }
}

#[test]
fn a_full_line_gives_up_its_oldest_and_says_so() {
    let memory = PassBack::new(WAYS, [7; 16]);
    for holder in 0..4 {
        assert_eq!(claim(&memory, holder, 1, 1, later(holder)), FIRST);
    }
    assert_eq!(claim(&memory, 4, 1, 1, later(4)), Claim::First { evicted: true });
    assert_eq!(claim(&memory, 1, 1, 2, later(4)), Claim::Elsewhere, "the younger ones are still known");
    assert_eq!(claim(&memory, 9, 1, 1, later(200)), FIRST, "what was over is no loss");
}

/// Every round over a holder who is not remembered yet, then over the next step of the same.
#[test]
fn of_many_gates_at_once_exactly_one_is_first() {
    const GATES: u32 = 4;
    const ROUNDS: u32 = 20_000;
    // One line only: every claim fights for the same four places.
    let memory = PassBack::new(WAYS, [7; 16]);
    let firsts: Vec<AtomicUsize> = (0..ROUNDS).map(|_| AtomicUsize::new(0)).collect();
    let lost = AtomicUsize::new(0);
    let together = std::sync::Barrier::new(GATES as usize);
    std::thread::scope(|scope| {
        for gate in 0..GATES {
            let (memory, firsts, lost, together) = (&memory, &firsts, &lost, &together);
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    together.wait();
                    // Every claim is a second younger, so a line never forgets the holder being fought over.
                    match claim(memory, round / 2, round, gate, later(round)) {
                        Claim::First { .. } => drop(firsts[round as usize].fetch_add(1, Relaxed)),
                        Claim::Contended => drop(lost.fetch_add(1, Relaxed)),
                        Claim::Again | Claim::Elsewhere | Claim::Unclaimed => {}
                    }
                }
            });
        }
    });
    assert!(firsts.iter().all(|firsts| firsts.load(Relaxed) == 1));
    assert_eq!(lost.load(Relaxed), 0);
}

#[test]
fn claims_are_lock_free_on_this_machine() {
    assert!(AtomicU128::is_lock_free());
}
