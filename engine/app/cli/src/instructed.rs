//! What a signature would do, shown to the person who is to give it.

use std::fmt::Write as _;

use hufu_authority::digest_of;
use hufu_files::moment;
use hufu_wire::chain::{Change, Checkpoint, Content};
use hufu_wire::{Colour, HolderIndex, IssuerId, StatusWord, UnixMillis};
use serde_json::{Value, json};

use crate::current::Current;
use crate::status;
use crate::term::{Paint, printable};

/// How many changes of each kind a content has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) green: usize,
    pub(crate) amber: usize,
    pub(crate) red: usize,
    /// Holders of whom nothing will be known.
    pub(crate) forgotten: usize,
    /// Lost phones: another generation, the colour stays.
    pub(crate) generations: usize,
    /// Of the colours, those that set the generation too.
    pub(crate) whole: usize,
}

impl Tally {
    /// Counts the changes of `content`.
    pub(crate) fn of(content: &Content<'_>) -> Tally {
        let mut tally = Tally::default();
        for (_, change) in content.changes.iter() {
            tally.count(change);
        }
        tally
    }

    fn count(&mut self, change: Change) {
        let word = match change {
            Change::Generation(_) => {
                self.generations += 1;
                return;
            }
            Change::Word(word) => {
                self.whole += usize::from(word != StatusWord::UNKNOWN);
                word
            }
            Change::Status(word) => word,
        };
        match word.colour() {
            Some(Colour::Green) => self.green += 1,
            Some(Colour::Amber) => self.amber += 1,
            Some(Colour::Red) => self.red += 1,
            None => self.forgotten += 1,
        }
    }

    /// For a person, in one line.
    pub(crate) fn to_line(self, paint: Paint) -> String {
        let red = paint.bad(&format!("{} red", self.red));
        let amber = paint.look(&format!("{} amber", self.amber));
        let green = paint.good(&format!("{} green", self.green));
        let mut parts: Vec<_> = [(self.red, red), (self.amber, amber), (self.green, green)]
            .into_iter()
            .filter_map(|(count, text)| (count != 0).then_some(text))
            .collect();
        for (count, text) in [
            (self.forgotten, "forgotten"),
            (self.generations, "with a new credential generation"),
            (self.whole, "of the colours with their generation set too"),
        ] {
            if count != 0 {
                parts.push(format!("{count} {text}"));
            }
        }
        parts.join(", ")
    }

    /// For a program.
    pub(crate) fn to_json(self) -> Value {
        let Tally { green, amber, red, forgotten, generations, whole } = self;
        json!({ "green": green, "amber": amber, "red": red, "forgotten": forgotten,
                "generations": generations, "whole_words": whole })
    }
}

/// For a person: what it does, to whom, why, until when, with the first `lines_max` changes.
/// `before` is what the holders have, where that was asked for.
pub(crate) fn describe(
    issuer: IssuerId,
    content: &Content<'_>,
    before: Option<&Current>,
    lines_max: usize,
    paint: Paint,
) -> String {
    let mut text = String::new();
    let mut row = |name: &str, value: &str| {
        // Writing into a string does not fail.
        let _ = writeln!(text, "  {} {value}", paint.faint(&format!("{name:<9}")));
    };
    let changes = content.changes.len();
    row("issuer", &issuer.to_string());
    row("changes", &format!("{changes} holders: {}", Tally::of(content).to_line(paint)));
    if let Some(before) = before {
        row("from", &before.tally(content));
    }
    row("reason", &printable(content.reason));
    let rule_name = before.and_then(|before| before.rule_name(content.rule));
    row(
        "rule",
        &rule_name.map_or(content.rule.to_string(), |name| format!("{}, {}", content.rule, printable(name))),
    );
    row("inputs", &content.inputs.to_string());
    let proposed = content.proposed;
    row("proposed", &format!("{} by key {}", instant(proposed.at()), content.local_key));
    if proposed.era() > 0 {
        row("era", &format!("{}, the number of resets of the chain's time, with this one", proposed.era()));
    }
    row("expires", &instant(content.expires()));
    for (at, (holder, change)) in content.changes.iter().take(lines_max).enumerate() {
        let line = describe_line(holder, change, before);
        row(if at == 0 { "holders" } else { "" }, &line);
    }
    if let Some(rest @ 1..) = changes.checked_sub(lines_max) {
        row("", &format!("and {rest} more"));
    }
    row("digest", &paint.strong(&digest_of(content).to_string()));
    text
}

/// For a program; every change is in it when `all` says so.
pub(crate) fn to_json(issuer: IssuerId, content: &Content<'_>, all: bool) -> Value {
    let mut object = json!({
        "issuer": issuer.0,
        "reason": content.reason,
        "rule": content.rule.0,
        "inputs": content.inputs.to_string(),
        "proposed_ms": content.proposed.at().0,
        "era": content.proposed.era(),
        "expires_ms": content.expires().0,
        "local_key": content.local_key.to_string(),
        "content_digest": digest_of(content).to_string(),
        "changes": content.changes.len(),
        "tally": Tally::of(content).to_json(),
    });
    if all {
        let lines = content.changes.iter().map(|(holder, change)| change_to_json(holder, change));
        object["holders"] = lines.collect();
    }
    object
}

/// For a person: what both authorities say with a checkpoint.
pub(crate) fn describe_checkpoint(checkpoint: &Checkpoint, holders: u64, paint: Paint) -> String {
    let rows = [
        ("issuer", checkpoint.issuer.to_string()),
        ("sequence", checkpoint.sequence.to_string()),
        ("holders", format!("{holders} known in the snapshot")),
        ("proposed", format!("the last instruction in it, {}", instant(checkpoint.proposed.at()))),
        ("era", checkpoint.proposed.era().to_string()),
        ("made", instant(checkpoint.made)),
        ("local", format!("key {}", checkpoint.local_key)),
        ("national", format!("key {}", checkpoint.national_key)),
        ("chain", checkpoint.digest.to_string()),
        ("snapshot", paint.strong(&hex::encode(checkpoint.snapshot))),
    ];
    let line = |(name, value): (&str, String)| format!("  {} {value}\n", paint.faint(&format!("{name:<9}")));
    rows.into_iter().map(line).collect()
}

/// What happens to one holder, from what they have.
fn describe_line(holder: HolderIndex, change: Change, before: Option<&Current>) -> String {
    let Some(before) = before else { return format!("{holder}: {}", describe_change(change)) };
    let display = before.display(holder).map_or(String::new(), |display| format!(" {}", printable(display)));
    let held = before.word(holder);
    let lost = match (change, held.generation()) {
        (Change::Word(StatusWord::UNKNOWN), generation @ 1..) => format!(
            "; the generation too: give the next colour with --generation {generation}, or the codes of a lost phone are valid \
             again"
        ),
        _ => String::new(),
    };
    format!("{holder}{display}: {} -> {}{lost}", status::describe(held), describe_change(change))
}

fn describe_change(change: Change) -> String {
    match change {
        Change::Generation(generation) => format!("generation {generation}, the colour stays"),
        Change::Word(StatusWord::UNKNOWN) => "forgotten".to_owned(),
        Change::Word(word) => status::describe(word),
        Change::Status(word) => {
            format!("{}, the generation stays", status::describe_without_generation(word))
        }
    }
}

fn change_to_json(holder: HolderIndex, change: Change) -> Value {
    let (kind, value) = match change {
        Change::Generation(generation) => ("generation", json!(generation)),
        Change::Word(word) => ("word", status::to_json(word)),
        Change::Status(word) => ("status", status::to_json(word)),
    };
    json!({ "holder": holder.0, "kind": kind, "to": value })
}

fn instant(at: UnixMillis) -> String {
    moment::show(at.seconds())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::term;
    use hufu_wire::chain::{Changes, InputsDigest, Record};
    use hufu_wire::{KeyId, RuleId};

    #[test]
    fn a_person_sees_what_a_signature_does() {
        let red = StatusWord::new(Colour::Red, 0);
        let records: Vec<_> = (0..6)
            .map(|holder| {
                let change = match holder {
                    0..=2 => Change::Status(red),
                    3 => Change::Word(StatusWord::new(Colour::Green, 2)),
                    4 => Change::Generation(7),
                    _ => Change::Word(StatusWord::UNKNOWN),
                };
                Record::new(HolderIndex(holder), change)
            })
            .collect();
        let content = Content {
            proposed: UnixMillis(1_795_219_200_000).into(),
            valid_s: 3600,
            rule: RuleId(7),
            inputs: InputsDigest([0xab; 32]),
            local_key: KeyId([1; 8]),
            reason: "contact \u{2066}of a case",
            changes: Changes::new(&records).unwrap(),
        };
        let text = describe(IssuerId(310_000), &content, None, 5, term::plain());
        for wanted in [
            "6 holders: 3 red, 1 green, 1 forgotten, 1 with a new credential generation, 1 of the colours",
            "expires   2026-11-21T01:00:00Z",
            "0: red (no test, 0 doses), the generation stays",
            "3: green (generation 2, no test, 0 doses)",
            "4: generation 7, the colour stays",
            "and 1 more",
            "rule      7",
            &digest_of(&content).to_string(),
        ] {
            assert!(text.contains(wanted), "{wanted:?} is not in\n{text}");
        }
        assert!(!text.contains('\u{2066}'), "text that turns lines around");
        assert_eq!(to_json(IssuerId(310_000), &content, true)["holders"][4]["to"], 7);
    }
}
