//! Both halves without a person, as services.

use std::fs;
use std::process::Child;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::common::{eventually, said};
use crate::registry::World;
use crate::{CONFIRM, DAY, HIGH, HOUR, NEGATIVE, RUN, colour, hand_in, json, without_a_person};

/// Both halves as services.
struct Halves(Vec<Child>);

impl Drop for Halves {
    fn drop(&mut self) {
        for half in &mut self.0 {
            let _ = half.kill();
            let _ = half.wait();
        }
    }
}

fn wait_for(world: &World, holder: u32, wanted: &str) -> Duration {
    let begun = Instant::now();
    while colour(world, holder) != wanted {
        let told = || {
            format!(
                "holder {holder} is {}, not {wanted}: {} {}",
                colour(world, holder),
                world.read("started.log"),
                world.ok(&format!("facts open --issuer 310000 {holder}"))
            )
        };
        assert!(begun.elapsed() < Duration::from_secs(30), "{}", told());
    }
    begun.elapsed()
}

/// Waits for what halves that were started say.
fn wait_to_hear(world: &World, wanted: &str) {
    eventually(wanted, || {
        let told = world.read("started.log");
        if told.contains(wanted) { Ok(()) } else { Err(told) }
    });
}

/// What is to be signed cannot be kept for a while, as on a full disk: the half goes on.
#[test]
fn r28_a_fault_that_passes_ends_no_half() {
    let world = without_a_person(str::to_owned);
    world.add_holders(2);
    hand_in(&world, &[(0, "stay", 2 * DAY + HOUR, Some(2 * DAY), HIGH)]);
    let mut halves = Halves(vec![world.start(RUN)]);
    wait_to_hear(&world, "a person decides");
    fs::rename(world.path("run/facts"), world.path("aside")).unwrap();
    hand_in(&world, &[(1, "test", HOUR, None, NEGATIVE)]);
    wait_to_hear(&world, "trying again");
    fs::rename(world.path("aside"), world.path("run/facts")).unwrap();
    eventually("it is proposed", || match json(&world, "change list --issuer 310000 --json") {
        Value::Array(listed) if listed.len() == 1 => Ok(()),
        listed => Err(format!("{listed:#} {}", world.read("started.log"))),
    });
    assert!(halves.0.iter_mut().all(|half| matches!(half.try_wait(), Ok(None))), "it still runs");
}

/// A world in which the confirming half runs, and has confirmed a colour of the first of two holders.
fn confirming() -> (World, Halves) {
    let world = without_a_person(str::to_owned);
    world.add_holders(2);
    let half = Halves(vec![world.start(CONFIRM)]);
    hand_in(&world, &[(0, "test", HOUR, None, NEGATIVE)]);
    world.ok(&format!("{RUN} --once"));
    wait_for(&world, 0, "green");
    (world, half)
}

/// The same in the other half: what it could not confirm is not left to a person.
#[test]
fn r28_a_fault_that_passes_leaves_no_proposal_to_a_person() {
    let (world, _half) = confirming();
    fs::rename(world.path("confirm/facts"), world.path("aside")).unwrap();
    hand_in(&world, &[(1, "test", HOUR, None, NEGATIVE)]);
    world.ok(&format!("{RUN} --once"));
    wait_to_hear(&world, "nothing was confirmed");
    fs::rename(world.path("aside"), world.path("confirm/facts")).unwrap();
    wait_for(&world, 1, "green");
}

/// The local authority changes its key: the other half believes the next one by the list, and no list that is not the operator's.
#[test]
fn r28_the_confirming_half_takes_a_changed_trust_list_while_it_runs() {
    let (world, _half) = confirming();

    let list = fs::read(world.path("trust.hufu")).unwrap();
    world.write("trust.hufu", "no list");
    wait_to_hear(&world, "the trust list is refused");
    fs::write(world.path("trust.hufu"), list).unwrap();
    world.ok("keys generate issuer --issuer 310000 --out next");
    world.ok("keys trust add --operator operator.key --list trust.hufu --key next.pub --uses instruction");
    fs::copy(world.path("trust.hufu"), world.path("reg/trust.hufu")).unwrap();
    hand_in(&world, &[(1, "test", HOUR, None, NEGATIVE)]);
    let run = RUN.replace("local.key", "next.key");
    eventually("the registry believes the next key", || {
        let output = world.hufu(&format!("{run} --once"));
        if output.status.success() { Ok(()) } else { Err(said(&output)) }
    });
    wait_for(&world, 1, "green");
}

/// The last condition of a release is a test: green follows it. The last condition is time: the colour follows without a fact.
/// Killed halves go on where they were.
#[test]
fn r28_a_colour_ends_by_itself_when_the_last_condition_is_met() {
    let sooner = |rules: &str| {
        let rules = rules
            .replace("amber = 150", "amber = 20")
            .replace("days = 3\nnegative_tests = 2\napart_h = 24", "days = 0\nnegative_tests = 2");
        // Only what this scene needs to show; that the file's own tests count is shown elsewhere.
        let own = rules.find("[[test]]").expect("tests");
        rules[..own].to_owned() + OWN_TESTS
    };
    let world = without_a_person(sooner);
    world.add_holders(2);
    let start = || Halves(vec![world.start(RUN), world.start(CONFIRM)]);
    let halves = start();
    // A test of almost a week ago: in a few seconds it is a week.
    hand_in(&world, &[(0, "test", 7 * DAY - 6, None, NEGATIVE), (1, "test", HOUR, None, NEGATIVE)]);
    wait_for(&world, 0, "green");
    wait_for(&world, 1, "green");
    let waited = wait_for(&world, 0, "amber");
    println!("amber by time alone after {} s", waited.as_secs());
    drop(halves);
    hand_in(&world, &[(0, "test", 25 * HOUR, None, NEGATIVE)]);
    let _halves = start();
    // A test of the second in which the colour began does not count.
    std::thread::sleep(Duration::from_millis(1100));
    hand_in(&world, &[(0, "test", 0, None, NEGATIVE)]);
    // Until its word has the first of two tests.
    let tested =
        || json(&world, "holder show --issuer 310000 0 --json")["status"]["tested_ms"].as_u64().unwrap();
    let now_ms = || u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap();
    let begun = Instant::now();
    while tested() + 120_000 < now_ms() {
        assert!(begun.elapsed() < Duration::from_secs(30), "the word has no new test");
    }
    assert_eq!(colour(&world, 0), "amber", "one test since the colour began, and one of before");
    // The next second has a test of its own.
    std::thread::sleep(Duration::from_millis(1100));
    hand_in(&world, &[(0, "test", 0, None, NEGATIVE)]);
    wait_for(&world, 0, "green");
}

/// Both authorities forget a holder, and the time of the colour comes afterwards: the next fact counts all the same.
#[test]
fn r28_a_fact_counts_of_a_holder_whose_time_came_without_a_colour() {
    let world = without_a_person(str::to_owned);
    world.add_holders(1);
    let _halves = Halves(vec![world.start(RUN), world.start(CONFIRM)]);
    let begun = Instant::now();
    // In fifteen seconds it is a week old.
    hand_in(&world, &[(0, "test", 7 * DAY - 15, None, NEGATIVE)]);
    wait_for(&world, 0, "green");
    world.propose("--holder 0 --colour forget --rule 1");
    world.ok("change confirm --issuer 310000 --all --key national.key --yes");
    wait_for(&world, 0, "unknown");
    std::thread::sleep(Duration::from_secs(17).saturating_sub(begun.elapsed()));
    hand_in(&world, &[(0, "test", HOUR, None, NEGATIVE)]);
    wait_for(&world, 0, "green");
}

const OWN_TESTS: &str = include_str!("../common/own_tests.toml");
