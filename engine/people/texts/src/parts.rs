//! Messages read from their files: texts, arguments, and choices by an argument.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::OnceLock;

use fluent_syntax::ast::{Entry, Expression, InlineExpression, Pattern, PatternElement, VariantKey};
use fluent_syntax::parser::parse_runtime;
use fluent_syntax::unicode::unescape_unicode_to_string;

use crate::areas::file;
use crate::{Area, Language};

/// A piece of a message. Fluent has more (terms, functions, references); no message of ours uses it, which a test holds.
pub(crate) enum Part {
    Text(Cow<'static, str>),
    Argument(&'static str),
    Choice { argument: &'static str, of: Vec<(Key, Vec<Part>)>, default: usize },
}

/// When a variant of a choice is said.
pub(crate) enum Key {
    /// A plural category, or the text of the argument.
    Word(&'static str),
    /// Exactly this number.
    Number(i64),
}

/// The messages of one area, in the order of the file; an attribute as `id.attribute`.
pub(crate) fn messages(language: Language, area: Area) -> Vec<(String, Vec<Part>)> {
    let mut messages = Vec::new();
    // A test reads every file without an error.
    let resource = parse_runtime(file(language, area)).unwrap_or_else(|(read, _)| read);
    for entry in resource.body {
        let Entry::Message(message) = entry else { continue };
        let id = message.id.name;
        if let Some(value) = &message.value {
            messages.push((id.to_owned(), parts(value)));
        }
        for attribute in &message.attributes {
            messages.push((format!("{id}.{}", attribute.id.name), parts(&attribute.value)));
        }
    }
    messages
}

/// A message in this language, if there is one.
pub(crate) fn message(language: Language, id: &str) -> Option<&'static [Part]> {
    type Messages = HashMap<String, Vec<Part>>;
    static MESSAGES: [OnceLock<Messages>; Language::ALL.len()] =
        [const { OnceLock::new() }; Language::ALL.len()];
    let all = MESSAGES[language as usize]
        .get_or_init(|| Area::ALL.into_iter().flat_map(|area| messages(language, area)).collect());
    all.get(id).map(Vec::as_slice)
}

fn parts(pattern: &Pattern<&'static str>) -> Vec<Part> {
    pattern.elements.iter().filter_map(part).collect()
}

fn part(element: &PatternElement<&'static str>) -> Option<Part> {
    let inline = match element {
        PatternElement::TextElement { value } => return Some(Part::Text(Cow::Borrowed(value))),
        PatternElement::Placeable { expression: Expression::Select { selector, variants } } => {
            let InlineExpression::VariableReference { id } = selector else { return None };
            let of = variants.iter().map(|one| (key(&one.key), parts(&one.value))).collect();
            let default = variants.iter().position(|one| one.default)?;
            return Some(Part::Choice { argument: id.name, of, default });
        }
        PatternElement::Placeable { expression: Expression::Inline(inline) } => inline,
    };
    match inline {
        InlineExpression::VariableReference { id } => Some(Part::Argument(id.name)),
        InlineExpression::StringLiteral { value } => Some(Part::Text(unescape_unicode_to_string(value))),
        _ => None,
    }
}

fn key(key: &VariantKey<&'static str>) -> Key {
    match key {
        VariantKey::Identifier { name } => Key::Word(name),
        VariantKey::NumberLiteral { value } => value.parse().map_or(Key::Word(value), Key::Number),
    }
}
