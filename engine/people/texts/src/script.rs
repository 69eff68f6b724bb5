//! The same sentences for a page that speaks by itself.

use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement, VariantKey};
use fluent_syntax::parser::parse_runtime;
use serde_json::{Map, Value, json};

use crate::areas::file;
use crate::{Area, Language};

/// The browser's half: an ES module that exports `speaker(script)`, which gives `say(id, args)`.
pub const SAY_MJS: &str = include_str!("say.mjs");

/// One area's messages as JSON for [`SAY_MJS`]:
/// `{"lang":"ar","locale":"ar-EG","dir":"rtl","messages":{"id":["text",{"arg":"name"},{"select":"count","of":{"one":[...]},"else":"other"}]}}`.
/// An attribute is a message named `id.attribute`.
pub fn script(language: Language, area: Area) -> String {
    let mut messages = Map::new();
    let resource = parse_runtime(file(language, area)).unwrap_or_else(|(read, _)| read);
    for entry in resource.body {
        let Entry::Message(message) = entry else { continue };
        let id = message.id.name;
        if let Some(value) = &message.value {
            messages.insert(id.to_owned(), parts(value));
        }
        for attribute in &message.attributes {
            messages.insert(format!("{id}.{}", attribute.id.name), parts(&attribute.value));
        }
    }
    json!({
        "lang": language.tag(),
        "locale": language.locale(),
        "dir": language.direction().as_str(),
        "messages": messages,
    })
    .to_string()
}

fn parts(pattern: &Pattern<&str>) -> Value {
    pattern.elements.iter().map(part).collect()
}

fn part(element: &PatternElement<&str>) -> Value {
    match element {
        PatternElement::TextElement { value } => json!(value),
        PatternElement::Placeable { expression: Expression::Inline(inline) } => match inline {
            InlineExpression::VariableReference { id } => json!({ "arg": id.name }),
            InlineExpression::StringLiteral { value } => json!(value),
            // A test refuses what the browser's half does not know.
            _ => json!(""),
        },
        PatternElement::Placeable { expression: Expression::Select { selector, variants } } => {
            let InlineExpression::VariableReference { id } = selector else { return json!("") };
            let key = |key: &VariantKey<&str>| match key {
                VariantKey::Identifier { name } => (*name).to_owned(),
                VariantKey::NumberLiteral { value } => format!("={value}"),
            };
            let of: Map<String, Value> =
                variants.iter().map(|one| (key(&one.key), parts(&one.value))).collect();
            let other = variants.iter().find(|one| one.default).map(|one| key(&one.key));
            json!({ "select": id.name, "of": of, "else": other })
        }
    }
}
