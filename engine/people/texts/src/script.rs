//! The same sentences for a page that speaks by itself.

use serde_json::{Map, Value, json};

use crate::parts::{Key, Part, messages};
use crate::{Area, Language};

/// The browser's half: an ES module that exports `speaker(script)`, which gives `say(id, args)`.
pub const SAY_MJS: &str = include_str!("say.mjs");

/// One area's messages as JSON for [`SAY_MJS`]:
/// `{"lang":"ar","locale":"ar-EG","dir":"rtl","messages":{"id":["text",{"arg":"name"},{"select":"count","of":{"one":[...]},"else":"other"}]}}`.
/// An attribute is a message named `id.attribute`.
pub fn script(language: Language, area: Area) -> String {
    let messages: Map<String, Value> =
        messages(language, area).into_iter().map(|(id, parts)| (id, written(&parts))).collect();
    json!({
        "lang": language.tag(),
        "locale": language.locale(),
        "dir": language.direction().as_str(),
        "messages": messages,
    })
    .to_string()
}

fn written(parts: &[Part]) -> Value {
    let part = |part: &Part| match part {
        Part::Text(text) => json!(text),
        Part::Argument(name) => json!({ "arg": name }),
        Part::Choice { argument, of, default } => {
            let key = |key: &Key| match key {
                Key::Word(word) => (*word).to_owned(),
                Key::Number(number) => format!("={number}"),
            };
            let other = key(&of[*default].0);
            let of: Map<String, Value> = of.iter().map(|(of, parts)| (key(of), written(parts))).collect();
            json!({ "select": argument, "of": of, "else": other })
        }
    };
    parts.iter().map(part).collect()
}
