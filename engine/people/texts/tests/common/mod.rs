//! Messages as their files have them.

#![allow(dead_code, reason = "each test uses a part")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement, VariantKey};
use hufu_texts::{Area, Language};

/// One message, or one attribute of it as `id.attribute`.
#[derive(Debug, Default)]
pub(crate) struct Message {
    /// Everything that may be shown: the texts of every form, one after the other.
    pub(crate) texts: Vec<String>,
    /// Names of its arguments.
    pub(crate) arguments: BTreeSet<String>,
    /// The keys of each choice in it.
    pub(crate) choices: Vec<Vec<String>>,
    /// What is neither a text, an argument nor a choice of an argument.
    pub(crate) others: usize,
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// The messages of an area.
pub(crate) fn messages(language: Language, area: Area) -> BTreeMap<String, Message> {
    let path = root().join("texts").join(language.tag()).join(format!("{}.ftl", area.name()));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let resource = fluent_syntax::parser::parse(&*text)
        .unwrap_or_else(|(_, errors)| panic!("{}: {errors:?}", path.display()));
    let mut messages = BTreeMap::new();
    for entry in &resource.body {
        match entry {
            Entry::Message(message) => {
                let id = message.id.name;
                let attributes = message.attributes.iter();
                let attributes = attributes.map(|one| (format!("{id}.{}", one.id.name), &one.value));
                let value = message.value.iter().map(|value| (id.to_owned(), value));
                for (id, pattern) in value.chain(attributes) {
                    let mut message = Message { texts: vec![String::new()], ..Message::default() };
                    read(pattern, &mut message);
                    assert!(messages.insert(id.clone(), message).is_none(), "{language} {id} is there twice");
                }
            }
            Entry::Comment(_) | Entry::GroupComment(_) | Entry::ResourceComment(_) => {}
            other => panic!("{}: {other:?}", path.display()),
        }
    }
    messages
}

fn read(pattern: &Pattern<&str>, message: &mut Message) {
    for element in &pattern.elements {
        match element {
            PatternElement::TextElement { value } => text(message, value),
            PatternElement::Placeable { expression: Expression::Inline(inline) } => match inline {
                InlineExpression::VariableReference { id } => {
                    message.arguments.insert(id.name.to_owned());
                    text(message, "\u{fffc}");
                }
                InlineExpression::StringLiteral { value } => text(message, value),
                _ => message.others += 1,
            },
            PatternElement::Placeable { expression: Expression::Select { selector, variants } } => {
                let InlineExpression::VariableReference { id } = selector else {
                    message.others += 1;
                    continue;
                };
                message.arguments.insert(id.name.to_owned());
                let key = |key: &VariantKey<&str>| match key {
                    VariantKey::Identifier { name } => (*name).to_owned(),
                    VariantKey::NumberLiteral { value } => format!("={value}"),
                };
                message.choices.push(variants.iter().map(|variant| key(&variant.key)).collect());
                for variant in variants {
                    message.texts.push(String::new());
                    read(&variant.value, message);
                }
                message.texts.push(String::new());
            }
        }
    }
}

fn text(message: &mut Message, more: &str) {
    message.texts.last_mut().expect("there is always one").push_str(more);
}
