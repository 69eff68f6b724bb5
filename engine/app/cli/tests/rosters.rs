//! A school's roster, signed and checked with the real binary.

mod common;

use std::fs;

use common::{Deployment, SITE, said};

/// R12: a signed roster, its counts, and who needs a look.
#[test]
fn r12_a_roster_is_signed_and_checked() {
    let deployment = Deployment::new();
    deployment.set("43", "green");
    deployment.set("44", "red");
    deployment.set("45", "amber");
    let _engine = deployment.serve();
    fs::write(deployment.path("class.txt"), "# class 3b\n42\n43\n310000,44\n45\n46\n").unwrap();
    deployment
        .run(&format!("batch sign --key issuer.key --site {SITE} --members class.txt --out class.roster"));
    let output = deployment.attempt("batch roster --gate terminal class.roster --csv class.csv");
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let text = said(&output);
    for wanted in ["5 members: 2 may enter, 2 need a look, 1 may not enter", "status-red", "status-unknown"] {
        assert!(text.contains(wanted), "{text}");
    }
    let csv = fs::read_to_string(deployment.path("class.csv")).unwrap();
    assert!(csv.contains("310000,44,refuse,status-red,red\r\n"), "{csv}");
    assert_eq!(csv.lines().count(), 6);

    let output = deployment.attempt("batch roster --gate terminal class.roster --json");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["admitted"], &report["verdicts"][3]["reason"]), (&2.into(), &"status-amber".into()));

    // The list for the door, by class, with the names that `roster put` wrote.
    let names = "line,group,display,issuer,holder,found\n2,3b,L*1,310000,42,yes\n3,3b,W*2,310000,44,yes\n\
                 4,3b,Z*3,,,unregistered\n";
    fs::write(deployment.path("names.csv"), names).unwrap();
    let listed =
        "batch roster --gate terminal class.roster --names names.csv --print list.html --csv class.csv";
    let text = said(&deployment.attempt(listed));
    assert!(text.contains("1 people of the list are on no roster"), "{text}");
    assert!(text.contains("W*2"), "{text}");
    let page = fs::read_to_string(deployment.path("list.html")).unwrap();
    assert!(page.contains("<td>3</td><td dir=\"auto\">W*2</td><td>May not enter</td>"), "{page}");
    assert!(page.contains("<td>4</td><td dir=\"auto\">Z*3</td><td>Needs a person</td>"), "{page}");
    assert!(page.contains("<li>2 <bdi>L*1</bdi></li>"), "{page}");
    let csv = fs::read_to_string(deployment.path("class.csv")).unwrap();
    assert!(csv.contains("310000,44,refuse,status-red,red,3,3b,W*2\r\n"), "{csv}");

    // A program sees them too: they were not checked.
    let listed = "batch roster --gate terminal class.roster --names names.csv --json";
    let report: serde_json::Value = serde_json::from_slice(&deployment.attempt(listed).stdout).unwrap();
    let unfound = serde_json::json!([
        { "line": 4, "group": "3b", "display": "Z*3", "reason": "unregistered" }
    ]);
    assert_eq!((&report["unfound"], &report["members"]), (&unfound, &5.into()), "{report}");

    // A gate may not ask for rosters, and a terminal only for its own site's.
    let output = deployment.attempt("batch roster --gate gate class.roster");
    assert!(said(&output).contains("out-of-scope"), "{}", said(&output));
    assert_eq!(output.status.code(), Some(1), "no member was checked: {}", said(&output));
    deployment.run("batch sign --key issuer.key --site 9 --members class.txt --out other.roster");
    let output = deployment.attempt("batch roster --gate terminal other.roster");
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("roster-of-another-site"), "{}", said(&output));
    fs::write(deployment.path("twice.txt"), "42\n42\n").unwrap();
    let output = deployment.attempt(&format!(
        "batch sign --key issuer.key --site {SITE} --members twice.txt --out twice.roster"
    ));
    assert!(said(&output).contains("twice.txt:2: holder 42"), "{}", said(&output));
}
