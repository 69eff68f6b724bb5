//! Both halves without a person, each run once.

use std::fs;

use serde_json::Value;

use crate::common::said;
use crate::{
    AUDIT, CLOSE, CONFIRM, DAY, HIGH, HOUR, Line, NEGATIVE, PLACES, RUN, colour, hand_in, json,
    without_a_person,
};

/// Facts in, colours out: a green, a red, one whose itinerary says why and one whose itinerary does not. The national side finds
/// every word again, an auditor too, and one altered fact is found.
#[test]
fn r28_from_facts_to_colours_at_both_authorities_without_a_person() {
    let world = without_a_person(str::to_owned);
    world.add_holders(5);
    let market = [("place", "310105-0042")];
    let facts: &[Line<'_>] = &[
        (0, "test", HOUR, None, NEGATIVE),
        (1, "contact", 2 * DAY, None, CLOSE),
        (1, "stay", 2 * DAY + HOUR, Some(2 * DAY), HIGH),
        (2, "stay", 2 * DAY + HOUR, Some(2 * DAY), HIGH),
        (3, "stay", 2 * DAY + HOUR, Some(2 * DAY), HIGH),
        (3, "visit", 2 * DAY + HOUR, Some(2 * DAY), &market),
    ];
    assert_eq!(hand_in(&world, facts)["new"], 6);
    let again = json(&world, "facts import facts.csv --issuer 310000 --json");
    assert_eq!((&again["new"], &again["known"]), (&0.into(), &6.into()), "a file handed in twice");

    let told = json(&world, &format!("{RUN} --once --json"));
    assert_eq!((&told[0]["holder"], &told[0]["outcome"]), (&2.into(), &"review".into()), "{told:#}");
    assert_eq!(told[1]["proposed"], 3, "{told:#}");
    let told = json(&world, &format!("{CONFIRM} --once --json"));
    assert_eq!((&told[0]["sequence"], &told[0]["changes"]), (&1.into(), &3.into()), "{told:#}");
    let colours: Vec<_> = (0..5).map(|holder| colour(&world, holder)).collect();
    assert_eq!(colours, ["green", "red", "unknown", "amber", "unknown"]);
    let shown = json(&world, "holder show --issuer 310000 0 --json");
    assert_eq!(shown["status"]["test"], "negative", "the last test came with the change");
    let told = json(&world, &format!("{RUN} --once --json"));
    assert_eq!(told.as_array().unwrap().len(), 1, "nothing is left to do: {told:#}");
    assert_eq!(told[0]["outcome"], "review");

    // An auditor with the opened facts of the national side.
    let report = json(&world, &format!("{AUDIT} --json"));
    assert_eq!(report["agrees"], true, "{report:#}");
    assert!(report.to_string().contains("colours by the rules: 3 in 1 sets computed again"), "{report:#}");
    let file = fs::read_dir(world.path("confirm/facts")).unwrap().next().unwrap().unwrap().path();
    let opened = fs::read_to_string(&file).unwrap();
    fs::write(&file, opened.replace("\"minutes\":20", "\"minutes\":19")).unwrap();
    let altered = world.hufu(AUDIT);
    assert_eq!(altered.status.code(), Some(1), "{}", said(&altered));
    assert!(
        said(&altered).contains("other facts than those whose digest both authorities signed"),
        "{}",
        said(&altered)
    );
    fs::write(&file, opened).unwrap();
    assert_eq!(json(&world, &format!("{AUDIT} --sample 1 --json"))["agrees"], true);

    // The contact was another person's: the fact does not count any more, and the release still holds the red that it gave.
    let opened = json(&world, "facts open --issuer 310000 1 --json");
    let numbers: Vec<_> = opened["holders"][0]["facts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fact| fact["number"].to_string())
        .collect();
    let void = |number: &String| format!("1,void,now,{number},another person\n");
    world.write(
        "void.csv",
        &format!("holder,kind,at,number,reason\n{}", numbers.iter().map(void).collect::<String>()),
    );
    assert_eq!(json(&world, "facts import void.csv --issuer 310000 --json")["new"], 2);
    let told = json(&world, &format!("{RUN} --once --json"));
    assert!(told.as_array().unwrap().len() == 1 && colour(&world, 1) == "red", "{told:#}");
    world.propose("--holder 1 --colour green --rule 1");
    world.ok("change confirm --issuer 310000 --all --key national.key --yes");
    let told = json(&world, &format!("{RUN} --once --json"));
    assert!(told.as_array().unwrap().len() == 1 && colour(&world, 1) == "green", "{told:#}");

    // A test moves the word and leaves the colour; a correction by hand is not mistaken for the rule's.
    hand_in(&world, &[(0, "test", 60, None, NEGATIVE)]);
    world.ok(&format!("{RUN} --once"));
    world.ok(&format!("{CONFIRM} --once"));
    let newer = json(&world, "holder show --issuer 310000 0 --json");
    assert!(newer["status"]["tested_ms"].as_u64() > shown["status"]["tested_ms"].as_u64());
    assert_eq!(json(&world, &format!("{AUDIT} --json"))["agrees"], true);
}

/// What does not follow from the facts is not confirmed: a colour by hand under the rule's name, facts that came in since, other
/// places of risk.
#[test]
fn r28_what_is_not_found_again_is_left_to_a_person() {
    let world = without_a_person(str::to_owned);
    world.add_holders(2);
    let rule = json(&world, "rules check rules.toml --json")["rule"].clone();
    world.propose(&format!("--holder 0 --colour red --rule {rule}"));
    let left = |told: &Value, why: &str| {
        let text = told[0]["left"].as_str().unwrap_or_default().to_owned();
        assert!(text.contains(why), "{told:#}");
    };
    left(&json(&world, &format!("{CONFIRM} --once --json")), "how it was computed is not kept");

    hand_in(&world, &[(1, "contact", DAY, None, CLOSE), (1, "stay", DAY + HOUR, Some(DAY), HIGH)]);
    world.ok(&format!("{RUN} --once"));
    world.write("elsewhere.toml", &PLACES.replace("310105", "440100"));
    let other = CONFIRM.replace("places.toml", "elsewhere.toml");
    let told = json(&world, &format!("{other} --once --json"));
    assert!(told.to_string().contains("it was computed with other places of risk"), "{told:#}");
    // A negative test that came in since changes the word.
    hand_in(&world, &[(1, "test", HOUR, None, NEGATIVE)]);
    let told = json(&world, &format!("{CONFIRM} --once --json"));
    assert!(told.to_string().contains("holder 1: newer facts say otherwise"), "{told:#}");
    assert_eq!((colour(&world, 0), colour(&world, 1)), ("unknown".into(), "unknown".into()));
}

/// A clerk's correction may name the same rule: a run that begins takes up its own proposals, and leaves the clerk's.
#[test]
fn r28_a_correction_by_hand_is_not_withdrawn_when_a_run_begins() {
    let world = without_a_person(str::to_owned);
    world.add_holders(2);
    let rule = json(&world, "rules check rules.toml --json")["rule"].clone();
    hand_in(&world, &[(1, "test", HOUR, None, NEGATIVE)]);
    world.ok(&format!("{RUN} --once"));
    world.propose(&format!("--holder 0 --colour red --rule {rule}"));
    hand_in(&world, &[(0, "test", HOUR, None, NEGATIVE)]);
    world.ok(&format!("{RUN} --once"));
    let listed = json(&world, "change list --issuer 310000 --json");
    let states: Vec<_> = listed.as_array().unwrap().iter().map(|one| one["state"].clone()).collect();
    assert_eq!(states, ["pending"; 3], "the run's, the clerk's, and what the new fact gives: {listed:#}");
}

/// More reds than may go without a person: nothing is signed, and nothing is until a person has looked.
#[test]
fn r28_beyond_its_limit_neither_half_signs() {
    let world = without_a_person(str::to_owned);
    world.add_holders(3);
    let facts: Vec<_> = (0..3)
        .flat_map(|holder| {
            let contact: Line<'_> = (holder, "contact", DAY, None, CLOSE);
            [contact, (holder, "stay", DAY + HOUR, Some(DAY), HIGH)]
        })
        .collect();
    hand_in(&world, &facts);
    let stopped = world.hufu(&format!("{RUN} --once --reds-a-minute 2"));
    assert_eq!(stopped.status.code(), Some(4), "{}", said(&stopped));
    assert!(
        said(&stopped).contains("3 holders would turn red within a minute, and 2 may"),
        "{}",
        said(&stopped)
    );
    let again = world.hufu(&format!("{RUN} --once"));
    assert_eq!(again.status.code(), Some(2), "{}", said(&again));
    assert!(said(&again).contains("until a person has looked"), "{}", said(&again));
    assert_eq!(json(&world, "change list --issuer 310000 --json"), Value::Array(vec![]));
    fs::remove_file(world.path("run/stopped")).unwrap();
    world.ok(&format!("{RUN} --once"));
    let stopped = world.hufu(&format!("{CONFIRM} --once --reds-a-day 2"));
    assert_eq!(stopped.status.code(), Some(4), "{}", said(&stopped));
    assert!(said(&stopped).contains("within 24 hours"), "{}", said(&stopped));
    assert_eq!(colour(&world, 0), "unknown");
}

/// One proposal is left to a person, then the agent does not answer.
#[test]
fn r28_what_was_done_before_a_fault_is_told() {
    let world = without_a_person(str::to_owned);
    world.add_holders(2);
    let rule = json(&world, "rules check rules.toml --json")["rule"].clone();
    world.propose(&format!("--holder 0 --colour red --rule {rule}"));
    hand_in(&world, &[(1, "test", HOUR, None, NEGATIVE)]);
    world.ok(&format!("{RUN} --once"));
    let line =
        CONFIRM.replace("--key national.key", "--public national.pub --agent-timeout 1s --once --json");
    let words: Vec<_> = line.split(' ').chain(["--agent", "exec sleep 9"]).collect();
    let failed = world.hufu_args(&words);
    assert_eq!(failed.status.code(), Some(3), "{}", said(&failed));
    let told: Value = serde_json::from_slice(&failed.stdout).unwrap_or_else(|_| panic!("{}", said(&failed)));
    let left: Vec<_> = told.as_array().unwrap().iter().map(|one| one["left"].is_string()).collect();
    assert_eq!(left, [true], "{told:#}");
}
