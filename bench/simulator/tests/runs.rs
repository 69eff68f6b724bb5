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

/// A run of this seed that takes a second.
fn short(seed: u64) -> Plan {
    let plan = Plan::of(seed);
    let faults = plan.faults.iter().copied().filter(|fault| fault.at_ms < 20_000).collect();
    Plan { length_ms: 20_000, calm_ms: 30_000, pace_ms: 100, faults, ..plan }
}
