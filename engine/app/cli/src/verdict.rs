//! Verdicts as people and programs read them.

use std::time::Duration;

use hufu_client::{CheckFault, ScannerFault};
use hufu_codes::code;
use hufu_files::moment;
use hufu_offline::OfflineVerdict;
pub(crate) use hufu_records::{decision_slug, kind_slug};
use hufu_texts::{Language, say};
use hufu_wire::{Age, Colour, Decision, Verdict, limits};
use serde_json::{Value, json};

use crate::channel::Channel;
use crate::lanes::ask::Decided;
use crate::outcome::Exit;
use crate::term::{Paint, printable};

/// What became of one code.
pub(crate) struct Answer {
    outcome: Outcome,
    /// What the code itself lets a gate display (R10).
    display: Option<String>,
    /// Where the person can appeal who is refused.
    appeal: Option<Channel>,
}

enum Outcome {
    /// The engine answered after this long.
    Given(Verdict, Duration),
    /// The gate decided without a network, after this long.
    Alone(OfflineVerdict, Duration),
    /// No engine answered.
    None(String),
    /// No engine was asked: the scanner did not give what was in front of it.
    Misread(ScannerFault),
}

impl Answer {
    /// An engine's verdict.
    pub(crate) fn of(verdict: Verdict, code: &[u8], waited: Duration) -> Answer {
        Answer { outcome: Outcome::Given(verdict, waited), display: display(code), appeal: None }
    }

    /// An engine's verdict, or the gate's own.
    pub(crate) fn decided(decided: Decided, code: &[u8], waited: Duration) -> Answer {
        let outcome = match decided {
            Decided::Engine(verdict) => Outcome::Given(verdict, waited),
            Decided::Alone(verdict) => Outcome::Alone(verdict, waited),
        };
        Answer { outcome, display: display(code), appeal: None }
    }

    /// No verdict.
    pub(crate) fn none(fault: &CheckFault, code: &[u8]) -> Answer {
        Answer { outcome: Outcome::None(fault.to_string()), display: display(code), appeal: None }
    }

    /// No engine was asked, because of the scanner.
    pub(crate) fn misread(fault: ScannerFault) -> Answer {
        Answer { outcome: Outcome::Misread(fault), display: None, appeal: None }
    }

    /// The same, with where the person can appeal if they are refused.
    pub(crate) fn with_channel(mut self, channel: &Channel) -> Answer {
        if let Outcome::Given(verdict, _) | Outcome::Alone(OfflineVerdict { verdict, .. }, _) = &self.outcome
        {
            self.appeal = channel.for_verdict(verdict);
        }
        self
    }

    /// What the answer to one code means for a script.
    pub(crate) fn exit(&self) -> Exit {
        match &self.outcome {
            Outcome::Given(verdict, _) | Outcome::Alone(OfflineVerdict { verdict, .. }, _) => {
                match verdict.decision {
                    Decision::Admit => Exit::Yes,
                    Decision::Refuse => Exit::No,
                    Decision::Refer => Exit::Refer,
                }
            }
            Outcome::None(_) => Exit::Unavailable,
            Outcome::Misread(_) => Exit::Misused,
        }
    }

    /// One line for a person. What is wrong with a network or a scanner is told to its operator, in English.
    pub(crate) fn to_line(&self, paint: Paint, language: Language) -> String {
        let mut line = match &self.outcome {
            Outcome::Given(verdict, waited) => given_line(verdict, *waited, paint, language),
            Outcome::Alone(alone, waited) => {
                let since = moment::show(alone.since.seconds());
                let line = given_line(&alone.verdict, *waited, paint, language);
                let since = say(language, "gate-alone-since", &[("since", (&since).into())]);
                format!("{line}  {}", paint.look(&since))
            }
            Outcome::None(why) => format!("{}  {}", paint.bad("OFFLINE"), printable(why)),
            Outcome::Misread(fault) => format!("{}  {}: {fault}", paint.look("SCANNER"), fault.slug()),
        };
        if let Some(display) = self.display.as_deref().filter(|display| !display.is_empty()) {
            line = format!("{line}  [{}]", printable(display));
        }
        if let Some(appeal) = &self.appeal {
            let appeal = printable(&appeal.says(language));
            line = format!("{line}  {}", say(language, "gate-appeal-at", &[("where", (&appeal).into())]));
        }
        line
    }

    /// One object for a program.
    pub(crate) fn to_json(&self, language: Language) -> Value {
        let mut object = match &self.outcome {
            Outcome::Given(verdict, waited) => given_json(verdict, *waited, language),
            Outcome::Alone(OfflineVerdict { verdict, since, uncertain_ms }, waited) => {
                let mut object = given_json(verdict, *waited, language);
                object["without_network"] = json!({ "since_ms": since.0, "uncertain_ms": uncertain_ms });
                object
            }
            Outcome::None(why) => without_verdict(why, language),
            Outcome::Misread(fault) => {
                let says = scanner_says(*fault, language);
                json!({ "decision": null, "reason": fault.slug(), "says": says, "fault": fault.to_string() })
            }
        };
        object["display"] = json!(self.display);
        object["appeal"] = json!(self.appeal.as_ref().map(|appeal| appeal.says(language)));
        object
    }
}

fn given_line(verdict: &Verdict, waited: Duration, paint: Paint, language: Language) -> String {
    let Verdict { decision, reason, .. } = *verdict;
    let details = details(verdict, waited);
    let says = hufu_texts::reason(language, reason);
    format!("{}  {reason}: {says}  {}", word(decision, paint, language), paint.faint(&details))
}

/// No verdict, because of `why`.
pub(crate) fn without_verdict(why: &str, language: Language) -> Value {
    json!({ "decision": null, "offline": why, "says": say(language, "gate-offline", &[]) })
}

/// What the people at the gate are told of their scanner.
pub(crate) fn scanner_says(fault: ScannerFault, language: Language) -> String {
    say(language, &format!("gate-{}", fault.slug()), &[])
}

fn given_json(verdict: &Verdict, waited: Duration, language: Language) -> Value {
    let mut object = verdict_json(verdict, language);
    object["waited_us"] = json!(u64::try_from(waited.as_micros()).unwrap_or(u64::MAX));
    object
}

/// Every field of a verdict, and what it says to a person: one sentence, and two lines of at most 20 cells.
pub(crate) fn verdict_json(verdict: &Verdict, language: Language) -> Value {
    json!({
        "decision": decision_slug(verdict.decision),
        "reason": verdict.reason.slug(),
        "says": hufu_texts::reason(language, verdict.reason),
        "short": hufu_texts::reason_short(language, verdict.reason),
        "colour": verdict.colour.map(Colour::slug),
        "kind": verdict.kind.map(kind_slug),
        "age_ms": age_ms(verdict.age),
        "as_of": verdict.as_of.0,
        "clock_offset_s": verdict.clock_offset.0,
        "number": verdict.number.0,
        "server_time_ms": verdict.server_time.0,
    })
}

fn word(decision: Decision, paint: Paint, language: Language) -> String {
    match decision {
        Decision::Admit => paint.good(&format!("{:6}", say(language, "gate-admit", &[]))),
        Decision::Refer => paint.look(&format!("{:6}", say(language, "gate-refer", &[]))),
        Decision::Refuse => paint.bad(&say(language, "gate-refuse", &[])),
    }
}

fn details(verdict: &Verdict, waited: Duration) -> String {
    let kind = verdict.kind.map_or("code", kind_slug);
    let colour = verdict.colour.map_or("no colour", Colour::slug);
    let age = age_text(verdict.age);
    let offset = match verdict.clock_offset.0 {
        0 => String::new(),
        _ => format!(", clock {}", verdict.clock_offset),
    };
    format!(
        "({kind}, {colour}, {age}{offset}, as of {}, no. {}, {:.2} ms)",
        verdict.as_of,
        verdict.number,
        waited.as_secs_f64() * 1e3
    )
}

/// How old the data was, for a person.
pub(crate) fn age_text(age: Age) -> String {
    age_ms(age).map_or_else(|| "no data".to_owned(), |age_ms| format!("data {} s old", age_ms / 1000))
}

/// `None` for unknown.
pub(crate) fn age_ms(age: Age) -> Option<u32> {
    match age {
        Age::Unknown => None,
        Age::Millis(age_ms) => Some(age_ms),
    }
}

/// What a code's own text lets a gate display; nothing for what is no code.
fn display(code: &[u8]) -> Option<String> {
    let mut binary = [0; limits::CODE_BINARY_BYTES_MAX];
    let code = code::parse_text(code, &mut binary).ok()?;
    Some(code.credential.claims().display.to_owned())
}
