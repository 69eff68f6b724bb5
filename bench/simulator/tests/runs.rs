//! Runs repeat exactly, planted bugs are found, and what was found once stays found.

use hufu_simulator::{Bug, Plan, run, shrunk};

#[test]
fn a_run_follows_from_its_seed_and_from_nothing_else() {
    for seed in [3, 5] {
        let plan = short(seed);
        let (one, two) = (run(&plan, None), run(&plan, None));
        assert_eq!(one.failure, None, "seed {seed}");
        assert_eq!((one.digest, one.checks, one.events), (two.digest, two.checks, two.events), "seed {seed}");
        assert!(one.checks > 500, "seed {seed} has {} checks", one.checks);
    }
    assert_ne!(run(&short(3), None).digest, run(&short(5), None).digest, "another seed is another run");
}

#[test]
fn r09_a_planted_bug_is_found_and_its_run_is_made_small() {
    let plan = short(5);
    let fails = |plan: &Plan| run(plan, Some(Bug::PassBackForgotten)).failure;
    let failure = fails(&plan).expect("a presentation is admitted at two gates");
    assert!(failure.1.contains("is admitted at"), "{failure:?}");
    let small = shrunk(&plan, Some(Bug::PassBackForgotten), 12);
    assert!(small.faults.len() <= plan.faults.len() && fails(&small).is_some());
    assert!(small.faults.is_empty(), "it needs none: {:?}", small.faults);
}

/// A clock was told the time by answers that were longer on their way than it allows for.
#[test]
fn a_gate_without_a_network_is_as_wrong_as_it_says() {
    assert_eq!(run(&Plan::of(1_000_001), None).failure, None);
}

/// An operator started an engine before its power came back: the simulator forgot that the power had been away. And where
/// a tail rots, words are later than what they are said to be as of.
#[test]
fn what_a_lost_tail_and_a_lost_power_excuse_is_excused() {
    for seed in [1_000_044, 1_000_058, 1_000_092, 1_000_322] {
        assert_eq!(run(&Plan::of(seed), None).failure, None, "seed {seed}");
    }
}

/// Two who showed codes of one person in one batch: the engine let in the second, and the oracle asked why not the first.
#[test]
fn who_comes_at_one_moment_may_be_let_in_in_any_order() {
    let plan = Plan::of(210_000_066).crowded();
    let faults = plan.faults.iter().copied().filter(|fault| fault.at_ms < 30_000).collect();
    let plan = Plan { length_ms: 30_000, calm_ms: 1_000, faults, ..plan };
    assert_eq!(run(&plan, None).failure.filter(|(at, _)| *at < 30_000), None);
}

/// A run of this seed that takes a second.
fn short(seed: u64) -> Plan {
    let plan = Plan::of(seed);
    let faults = plan.faults.iter().copied().filter(|fault| fault.at_ms < 20_000).collect();
    Plan { length_ms: 20_000, calm_ms: 30_000, pace_ms: 100, faults, ..plan }
}
