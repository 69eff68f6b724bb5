//! Against an adversary who owns the network, holds codes and changes clocks: one presentation is never admitted at two gates inside the
//! window, whatever is lost, repeated, delayed, enrolled again or revoked in between (R09).

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;
mod town;

use std::rc::Rc;

use common::Checkpoint;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use town::{Action, Codes, DEVICES, Town};

fn action() -> impl Strategy<Value = Action> {
    let device = 0..DEVICES;
    let by_s = prop_oneof![8 => 0_i64..20, 2 => -100_i64..100, 1 => prop::sample::select(vec![-7200, -61, 3600, 7200])];
    let show =
        (device.clone(), 0_usize..3, 0_u16..2, 0_u32..2, any::<bool>(), -1_i32..2, prop::bool::weighted(0.2));
    prop_oneof![
        12 => show.prop_map(|(device, older, lane, holder, paper, steps, lost)| {
            Action::Show { device, older, lane, holder, paper, steps, lost }
        }),
        6 => (0_usize..40).prop_map(|back| Action::Replay { back }),
        1 => (device.clone(), 1_u64..140).prop_map(|(device, numbers)| Action::Skip { device, numbers }),
        3 => (device.clone(), 0_u32..3).prop_map(|(device, generation_back)| Action::Enrol { device, generation_back }),
        1 => (device.clone(), 1_u64..5).prop_map(|(device, sessions)| Action::Visitors { device, sessions }),
        1 => (device, any::<bool>()).prop_map(|(device, revoked)| Action::Replace { device, revoked }),
        6 => by_s.prop_map(|by_s| Action::Clock { by_s }),
    ]
}

#[test]
fn r09_no_adversary_gets_one_presentation_admitted_at_two_gates() {
    let codes = Rc::new(Codes::new(&Checkpoint::new()));
    let config = Config { cases: 96, failure_persistence: None, ..Config::default() };
    // The same actions in every run.
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let seen = core::cell::Cell::new((0, 0));
    let outcome = runner.run(&prop::collection::vec(action(), 1..160), |actions| {
        let mut town = Town::new(&codes);
        for action in actions {
            town.act(action);
        }
        let (admissions, refusals) = seen.get();
        seen.set((admissions + town.admissions, refusals + town.refusals));
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
    let (admissions, refusals) = seen.get();
    assert!(admissions > 500 && refusals > 500, "{admissions} admissions, {refusals} refusals");
}
