//! The edges of a pass-back window.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::*;
use hufu_policy::Sites;
use hufu_wire::{HolderIndex, Reason, Step, UnixMillis, limits};

/// Sites of different tolerance: a presentation that one takes at its first moment and another at its last passes
/// once. `NOW` is the first second of a step.
#[test]
fn r09_one_presentation_passes_once_whatever_each_site_tolerates() {
    assert_eq!(NOW.0 % u64::from(1000 * limits::STEP_S), 0);
    let mut numbers = 0..;
    let mut checkpoint = Checkpoint::new();
    for (early, late) in (0..=4_u8).flat_map(|early| (0..=4_u8).map(move |late| (early, late))) {
        let sites = format!(
            "[[site]]\nid = 1\nname = \"Early\"\nskew_steps = {early}\npass_back_s = 1\n\
             [[site]]\nid = 2\nname = \"Late\"\nskew_steps = {late}\npass_back_s = 1\n"
        );
        checkpoint.engine.set_sites(Sites::parse(&sites, "sites.toml").unwrap());
        let step = Step(NOW.seconds().step().0 + u32::from(early));
        let number = numbers.next().unwrap();
        let code = checkpoint.phone_in(HolderIndex(100 + number), step);
        let mut first = checkpoint.gate(2 * number, SCHOOL);
        assert_eq!(checkpoint.reason(&mut first, &code), Reason::Clear);
        // The last second in which the other site takes that step.
        let steps = u64::from(early) + u64::from(late) + 1;
        let last = UnixMillis(NOW.0 + 1000 * (steps * u64::from(limits::STEP_S) - 1));
        for (now, reason) in [(last, Reason::PassBack), (UnixMillis(last.0 + 1000), Reason::ClockSkew)] {
            checkpoint.writer.heard(now);
            let mut other = checkpoint.gate_at(2 * number + 1, STATION, now);
            let told = checkpoint.show_at(now, &mut other, &code).reason;
            assert_eq!(told, reason, "{early} steps early, {late} steps late");
        }
        checkpoint.writer.heard(NOW);
    }
}

/// A code without steps counts for the seconds that the asking site says, and not one more.
#[test]
fn r09_a_use_counts_to_the_last_second_of_the_window() {
    for (later_s, reason) in [(89, Reason::PassBack), (90, Reason::Clear)] {
        let mut checkpoint = Checkpoint::new();
        let (mut first, mut other) = (checkpoint.gate(1, SCHOOL), checkpoint.gate(2, SCHOOL));
        let code = checkpoint.paper(GREEN);
        assert_eq!(checkpoint.reason(&mut first, &code), Reason::Clear);
        let now = UnixMillis(NOW.0 + 1000 * later_s);
        checkpoint.writer.heard(now);
        assert_eq!(checkpoint.show_at(now, &mut other, &code).reason, reason, "{later_s} s");
    }
}
