//! A browser says what the server says.

mod common;

use std::process::Command;

use common::messages;
use hufu_texts::{Area, Arg, Language, SAY_MJS, say, script};
use serde_json::{Value, json};

#[test]
fn r62_a_script_has_every_message_of_its_area_as_parts() {
    let read: Value = serde_json::from_str(&script(Language::Ar, Area::Gate)).unwrap();
    assert_eq!(
        (&read["lang"], &read["dir"], &read["locale"]),
        (&json!("ar"), &json!("rtl"), &json!("ar-EG"))
    );
    let said = read["messages"].as_object().unwrap();
    assert_eq!(said.len(), messages(Language::Ar, Area::Gate).len());
    assert_eq!(said["gate-appeal-at"], json!(["الاعتراض: ", { "arg": "where" }]));
    let of = &said["list-checked"][3];
    assert_eq!((&of["select"], &of["else"]), (&json!("count"), &json!("other")));
    assert_eq!(of["of"]["few"], json!([{ "arg": "count" }, " أشخاص"]));
}

/// Every message of every language, in Node and in Rust, with numbers of every plural form and a name from right to left.
#[test]
fn r62_a_browser_says_every_message_as_the_server_does() {
    let folder = std::env::temp_dir().join(format!("hufu-say-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut cases = Vec::new();
    for language in Language::ALL {
        for area in Area::ALL {
            let mut wanted = Vec::new();
            for (id, message) in messages(language, area) {
                for number in [0_i64, 1, 2, 3, 11, 100, 21_005] {
                    let counts = ["count", "enter", "person", "refused", "all"];
                    let arg = |name: &str| {
                        if counts.contains(&name) { Arg::Number(number) } else { Arg::Text("אב c") }
                    };
                    let args: Vec<(&str, Arg<'_>)> =
                        message.arguments.iter().map(|name| (name.as_str(), arg(name))).collect();
                    let given: Value = args
                        .iter()
                        .map(|&(name, arg)| {
                            let value = match arg {
                                Arg::Text(text) => json!(text),
                                Arg::Number(number) => json!(number),
                            };
                            (name.to_owned(), value)
                        })
                        .collect();
                    wanted.push(json!({ "id": id, "args": given, "says": say(language, &id, &args) }));
                    if message.arguments.is_empty() {
                        break;
                    }
                }
            }
            let script: Value = serde_json::from_str(&script(language, area)).unwrap();
            cases.push(json!({ "script": script, "wanted": wanted }));
        }
    }
    std::fs::write(folder.join("say.mjs"), SAY_MJS).unwrap();
    std::fs::write(folder.join("cases.json"), json!(cases).to_string()).unwrap();
    let check = "import { speaker } from './say.mjs'; import { readFileSync } from 'node:fs';
        let held = 0;
        for (const { script, wanted } of JSON.parse(readFileSync('cases.json'))) {
            const say = speaker(script);
            for (const { id, args, says } of wanted) {
                held += 1;
                if (say(id, args) !== says) { console.log(script.lang, id, JSON.stringify(args), say(id, args), '!==', says); }
            }
        }
        console.log('held', held);";
    let checked =
        Command::new("node").args(["--input-type=module", "-e", check]).current_dir(&folder).output();
    let checked = checked.expect("node runs: docs/CONTRIBUTING.md lists what tests need");
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines.len() == 1 && lines[0].starts_with("held "), "{said}");
    std::fs::remove_dir_all(&folder).unwrap();
}
