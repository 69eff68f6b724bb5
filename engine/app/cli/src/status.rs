//! A holder's status in words.

use hufu_files::moment;
use hufu_wire::{StatusMinute, StatusWord, TestResult};
use serde_json::{Value, json};

/// One line for a person.
pub(crate) fn describe(word: StatusWord) -> String {
    describe_with(word, &format!("generation {}, ", word.generation()))
}

/// The same where the generation is not the word's to say.
pub(crate) fn describe_without_generation(word: StatusWord) -> String {
    describe_with(word, "")
}

fn describe_with(word: StatusWord, generation: &str) -> String {
    let Some(colour) = word.colour() else { return "unknown".to_owned() };
    let test = match word.test_result() {
        TestResult::None => "no test".to_owned(),
        result => format!("test {} of {}", test_slug(result), instant(word.test_minute())),
    };
    let until = word.until().map(|until| format!(" until {}", instant(until))).unwrap_or_default();
    format!("{}{until} ({generation}{test}, {} doses)", colour.slug(), word.doses())
}

/// One object for a program; `null` for unknown.
pub(crate) fn to_json(word: StatusWord) -> Value {
    let Some(colour) = word.colour() else { return Value::Null };
    let tested = (word.test_result() != TestResult::None).then(|| word.test_minute().starts().0);
    json!({
        "colour": colour.slug(),
        "generation": word.generation(),
        "test": test_slug(word.test_result()),
        "tested_s": tested,
        "doses": word.doses(),
        "until_s": word.until().map(|until| until.starts().0),
    })
}

fn instant(minute: StatusMinute) -> String {
    moment::show(minute.starts())
}

const fn test_slug(result: TestResult) -> &'static str {
    match result {
        TestResult::None => "none",
        TestResult::Negative => "negative",
        TestResult::Positive => "positive",
        TestResult::Pending => "pending",
    }
}
