use super::*;

const NOW: UnixSeconds = UnixSeconds(1_790_000_000);

fn later(seconds: u32) -> UnixSeconds {
    UnixSeconds(NOW.0 + seconds)
}

fn session(tag: u64, age_s: u32) -> SessionKey {
    SessionKey { issued: UnixSeconds(NOW.0 - age_s), tag: tag.wrapping_mul(0x9e37_79b9_7f4a_7c15) }
}

fn mark(numbers: &Numbers, session: SessionKey, number: u64) -> Freshness {
    numbers.mark(Side::Current, session, CheckNumber(number), NOW)
}

#[test]
fn numbers_out_of_order_are_new_once() {
    let numbers = Numbers::default();
    let (new, repeated, unknown) = (Freshness::New, Freshness::Repeated, Freshness::Unknown);
    for (number, wanted) in [
        (5, new),
        (3, new),
        (5, repeated),
        (3, repeated),
        (4, new),
        (100, new),
        (1, new),
        (1, repeated),
        (4, repeated),
        (100, repeated),
        (127, new),
        (0, new),
        (31, new),
        (128, new),
        (31, unknown),
        (0, unknown),
        (32, new),
        (300, new),
        (191, unknown),
        (192, new),
        (u64::MAX, new),
        (u64::MAX, repeated),
        (u64::MAX - 97, new),
        (u64::MAX - 128, unknown),
    ] {
        assert_eq!(mark(&numbers, session(1, 0), number), wanted, "{number}");
    }
}

#[test]
fn three_sessions_of_one_second_each_have_their_numbers() {
    let numbers = Numbers::default();
    for number in 1..200 {
        for tag in [1, 2, 3] {
            assert_eq!(mark(&numbers, session(tag, 0), number), Freshness::New, "{number} of {tag}");
            assert_eq!(mark(&numbers, session(tag, 0), number), Freshness::Repeated, "{number} of {tag}");
        }
    }
}

#[test]
fn old_packets_take_no_window() {
    let numbers = Numbers::default();
    // Five sessions, each younger than the one before: three have windows, two have lost theirs.
    let sessions: Vec<_> = (1..=5).map(|tag| session(tag, 10 - u32::try_from(tag).unwrap())).collect();
    for (session, age_s) in sessions.iter().zip(0..) {
        assert_eq!(numbers.mark(Side::Current, *session, CheckNumber(1), later(age_s)), Freshness::New);
    }
    for number in 1..500 {
        for lost in &sessions[..2] {
            assert_eq!(mark(&numbers, *lost, number), Freshness::Unknown);
        }
        for kept in &sessions[2..] {
            assert_eq!(mark(&numbers, *kept, 1), Freshness::Repeated);
        }
    }
    assert_eq!(mark(&numbers, sessions[4], 2), Freshness::New);
}

/// A diagnostic that enrols every few seconds beside a gate that is busy.
#[test]
fn a_session_in_use_keeps_its_window_beside_many_that_come_and_go() {
    let numbers = Numbers::default();
    let gate = session(1, 0);
    for second in 0..1000 {
        let now = later(second);
        let number = CheckNumber(u64::from(second) + 1);
        assert_eq!(numbers.mark(Side::Current, gate, number, now), Freshness::New, "{second}");
        let passing = SessionKey { issued: now, tag: 1 << 40 | u64::from(second) };
        if second > 0 {
            assert_eq!(numbers.mark(Side::Current, passing, CheckNumber(1), now), Freshness::New, "{second}");
        }
        assert_eq!(numbers.mark(Side::Current, gate, number, now), Freshness::Repeated, "{second}");
    }
}

#[test]
fn sessions_of_a_clock_that_was_ahead_keep_nobody_from_a_window() {
    let numbers = Numbers::default();
    let hours = later(8 * 3600);
    for tag in 1..=5 {
        let ahead = SessionKey { issued: UnixSeconds(hours.0 + tag), tag: u64::from(tag) };
        let now = UnixSeconds(hours.0 + tag);
        assert_eq!(numbers.mark(Side::Current, ahead, CheckNumber(1), now), Freshness::New);
    }
    for tag in 11..=20 {
        let now = later(tag);
        let session = SessionKey { issued: now, tag: u64::from(tag) };
        assert_eq!(numbers.mark(Side::Current, session, CheckNumber(1), now), Freshness::New, "{tag}");
        assert_eq!(numbers.mark(Side::Current, session, CheckNumber(1), now), Freshness::Repeated, "{tag}");
    }
}

#[test]
fn an_older_generation_has_one_window_and_takes_none_of_the_newest() {
    let numbers = Numbers::default();
    assert_eq!(mark(&numbers, session(1, 9), 1), Freshness::New);
    numbers.retire();
    let older = |tag, age_s, number| numbers.mark(Side::Older, session(tag, age_s), CheckNumber(number), NOW);
    assert_eq!(older(1, 9, 1), Freshness::Unknown, "what is older now must enrol again");
    assert_eq!(mark(&numbers, session(2, 8), 1), Freshness::New);
    for tag in 3..9 {
        assert_eq!(
            older(tag, 8 - u32::try_from(tag - 3).unwrap(), 1),
            Freshness::New,
            "each younger than the last"
        );
        assert_eq!(mark(&numbers, session(2, 8), 1), Freshness::Repeated);
        assert_eq!(mark(&numbers, session(2, 8), tag), Freshness::New);
    }
    assert_eq!(older(3, 8, 2), Freshness::Unknown, "the one before the last has lost the window");
}

#[test]
fn a_number_taken_back_is_new_once_more() {
    let numbers = Numbers::default();
    assert_eq!(mark(&numbers, session(1, 0), 7), Freshness::New);
    numbers.take_back(Side::Current, session(1, 0), CheckNumber(7));
    assert_eq!(mark(&numbers, session(1, 0), 7), Freshness::New);
    assert_eq!(mark(&numbers, session(1, 0), 7), Freshness::Repeated);
}

#[test]
fn a_number_taken_back_leaves_its_neighbours_as_they_were() {
    for tag in 1..50 {
        let numbers = Numbers::default();
        let used = [3, 6, 8, 39, 40, 71];
        for number in [&used[..], &[7]].concat() {
            assert_eq!(mark(&numbers, session(tag, 0), number), Freshness::New);
        }
        numbers.take_back(Side::Current, session(tag, 0), CheckNumber(7));
        for number in used {
            assert_eq!(mark(&numbers, session(tag, 0), number), Freshness::Repeated, "{number}");
        }
        assert_eq!(mark(&numbers, session(tag, 0), 7), Freshness::New);
    }
}

/// The words of a window are not cleared when it changes hands: each names the session that wrote it.
#[test]
fn what_another_session_left_in_a_window_is_not_taken_for_its_own() {
    let tags = [1, 2, 1 << 32 | 1, 3 << 32, 1 << 32 | 5];
    for (from, to) in tags.iter().flat_map(|from| tags.iter().map(move |to| (*from, *to))) {
        let window = Window::default();
        assert!(window.take_over(0, from));
        assert_eq!(window.mark(from, 5), Freshness::New);
        assert!(from == to || window.take_over(from, to));
        let told = if from == to { Freshness::Repeated } else { Freshness::New };
        assert_eq!(window.mark(to, 5), told, "{from:x}, then {to:x}");
    }
}

/// 0 marks a window that no session has.
#[test]
fn a_session_whose_tag_is_zero_has_a_window_as_every_other() {
    let numbers = Numbers::default();
    assert_eq!(mark(&numbers, session(0, 0), 1), Freshness::New);
    for tag in [5, 6] {
        assert_eq!(mark(&numbers, session(tag, 0), 1), Freshness::New);
        assert_eq!(mark(&numbers, session(0, 0), 1), Freshness::Repeated);
    }
}

/// Three workers, one session, every number from each of them: each is new exactly once.
#[test]
fn of_many_workers_at_once_exactly_one_is_told_that_a_number_is_new() {
    use std::sync::atomic::AtomicUsize;
    const NUMBERS: u64 = 3000;
    let numbers = Numbers::default();
    // The session has its window before they race: what a race for one can cost is said at `Numbers`.
    assert_eq!(mark(&numbers, session(1, 0), 0), Freshness::New);
    let new: Vec<AtomicUsize> = (0..NUMBERS).map(|_| AtomicUsize::new(0)).collect();
    let together = std::sync::Barrier::new(3);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for number in 1..NUMBERS {
                    if number % 64 == 0 {
                        together.wait();
                    }
                    if mark(&numbers, session(1, 0), number) == Freshness::New {
                        new[usize::try_from(number).unwrap()].fetch_add(1, Relaxed);
                    }
                }
            });
        }
    });
    for (number, new) in new.iter().enumerate().skip(1) {
        assert_eq!(new.load(Relaxed), 1, "{number}");
    }
}

/// Two workers meet a session at the same moment, as when a copy of its first packet comes from another port.
#[test]
fn of_two_workers_that_meet_a_session_at_once_one_at_most_is_told_that_its_number_is_new() {
    use std::sync::atomic::AtomicUsize;
    const ROUNDS: usize = 5_000;
    let numbers: Vec<Numbers> = (0..ROUNDS).map(|_| Numbers::default()).collect();
    let (arrived, new) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for (round, numbers) in numbers.iter().enumerate() {
                    // They set out as close together as two threads can.
                    arrived.fetch_add(1, Relaxed);
                    while arrived.load(Relaxed) < 2 * (round + 1) {
                        std::thread::yield_now();
                    }
                    if mark(numbers, session(1, 0), 1) == Freshness::New {
                        new.fetch_add(1, Relaxed);
                    }
                }
            });
        }
    });
    assert!(new.load(Relaxed) <= ROUNDS, "{} of {ROUNDS} numbers were new", new.load(Relaxed));
    let windows = |numbers: &Numbers| numbers.windows.iter().filter(|w| w.tag.load(Relaxed) != 0).count();
    assert!(numbers.iter().all(|numbers| windows(numbers) <= 1), "a session has two windows");
}
