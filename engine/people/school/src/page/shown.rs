//! What the templates show.

use std::sync::Arc;

use askama::Template;
use hufu_files::moment::Zone;
use hufu_texts::{Arg, Language};
use hufu_web::{Visit, encoded};
use hufu_wire::UnixSeconds;

use crate::job::{Doing, JobFault, Step};
use crate::register::Register;
use crate::rows::{Answer, Counts, Entry, Filter, Outcome, RefusedRow, count};
use crate::school::School;
use crate::texts;
use crate::work::ROWS_MAX;

/// Lines of a result on one page: each weighs about 200 bytes.
const LINES_MAX: usize = 200;

/// Classes that the table of classes shows; a page with more would be too heavy.
const CLASSES_MAX: usize = 250;

/// Refused lines that are shown.
const REFUSED_MAX: usize = 200;

/// A time as the reader writes it, in the school's zone.
fn time(language: Language, zone: &Zone, at: UnixSeconds) -> String {
    hufu_texts::moment(language, zone.civil(at))
}

fn checked(visit: &Visit, zone: &Zone, at: UnixSeconds) -> String {
    let when = time(visit.language(), zone, at);
    visit.say_with("school-checked", &[("when", Arg::Text(&when))])
}

fn number(language: Language, number: usize) -> String {
    hufu_texts::number(language, i64::try_from(number).unwrap_or(i64::MAX))
}

/// The first page.
#[derive(Template)]
#[template(path = "home.html")]
pub(super) struct Home<'a> {
    visit: &'a Visit,
    wrong: Option<String>,
    kept: Option<String>,
    results: Vec<(String, String)>,
    limits: String,
}

impl<'a> Home<'a> {
    pub(super) fn new(visit: &'a Visit, school: &School, wrong: Option<String>) -> Home<'a> {
        let (language, zone) = (visit.language(), &school.settings.zone);
        let kept = school.kept().map(|kept| said_of(visit, zone, &kept));
        let results = school.jobs().into_iter().filter_map(|job| {
            let address = format!("/school/jobs/{}", job.id);
            match job.state() {
                crate::job::State::Running(step) => Some((address, step_says(visit, step))),
                crate::job::State::Done(outcome) => Some((address, time(language, zone, outcome.checked))),
                crate::job::State::Failed(..) => None,
            }
        });
        let limits = visit.say_with("school-limits", &[("rows", ROWS_MAX.into()), ("size", 16_u32.into())]);
        Home { visit, wrong, kept, results: results.collect(), limits }
    }
}

fn said_of(visit: &Visit, zone: &Zone, kept: &Register) -> String {
    let uploaded = time(visit.language(), zone, kept.uploaded);
    let pupils = kept.names.len() + kept.refused.len();
    visit.say_with("school-kept-list", &[("pupils", pupils.into()), ("when", Arg::Text(&uploaded))])
}

fn step_says(visit: &Visit, step: Step) -> String {
    visit.say(&format!("school-step-{}", step.doing.slug()))
}

/// A job under way.
#[derive(Template)]
#[template(path = "progress.html")]
pub(super) struct Progress<'a> {
    visit: &'a Visit,
    id: &'a str,
    pub(super) says: String,
    pub(super) percent: usize,
}

impl<'a> Progress<'a> {
    pub(super) fn new(visit: &'a Visit, id: &'a str, step: Step) -> Progress<'a> {
        // Where each step begins and how much of the whole it is, as measured with 3,000 pupils.
        let (from, share) = match step.doing {
            Doing::Waiting => (0, 0),
            Doing::Reading => (5, 15),
            Doing::Asking => (20, 50),
            Doing::Putting => (70, 15),
            Doing::Checking => (85, 15),
        };
        let percent = from + (share * step.at).checked_div(step.of).unwrap_or(0);
        Progress { visit, id, says: step_says(visit, step), percent }
    }
}

/// A job that failed.
#[derive(Template)]
#[template(path = "failed.html")]
pub(super) struct Failed<'a> {
    visit: &'a Visit,
    id: &'a str,
    says: String,
    refused: Refused,
    can_go_on: bool,
    has_kept: bool,
}

impl<'a> Failed<'a> {
    pub(super) fn new(
        visit: &'a Visit,
        id: &'a str,
        fault: &JobFault,
        refused: &[RefusedRow],
        can_go_on: bool,
    ) -> Failed<'a> {
        let language = visit.language();
        let refused = Refused::new(language, refused);
        let has_kept = *fault != JobFault::Deleted;
        Failed { visit, id, says: texts::fault(language, fault), refused, can_go_on, has_kept }
    }
}

/// Lines that could not be read, and how many more there are.
pub(super) struct Refused {
    title: String,
    rows: Vec<(String, String)>,
    all: usize,
}

impl Refused {
    fn new(language: Language, refused: &[RefusedRow]) -> Refused {
        let row = |row: &RefusedRow| (row.line.to_string(), texts::refused(language, row));
        let title = hufu_texts::say(language, "school-refused", &[("lines", refused.len().into())]);
        Refused { title, rows: refused.iter().take(REFUSED_MAX).map(row).collect(), all: refused.len() }
    }
}

/// One line of a result.
#[expect(clippy::struct_field_names, reason = "the line of a line is what a list calls it")]
pub(super) struct Line<'a> {
    pub(super) line: String,
    pub(super) class: &'a str,
    pub(super) display: &'a str,
    pub(super) answer: Answer,
    pub(super) says: String,
    pub(super) why: String,
}

impl<'a> Line<'a> {
    fn of(language: Language, outcome: &'a Outcome, entry: &'a Entry) -> Line<'a> {
        Line {
            line: entry.line.to_string(),
            class: &outcome.classes[entry.class],
            display: &entry.display,
            answer: entry.answer,
            says: texts::answer(language, entry.answer),
            why: texts::why(language, entry.why),
        }
    }
}

/// One class of a result.
pub(super) struct Class {
    place: usize,
    name: String,
    counts: [String; 4],
}

/// A result.
#[derive(Template)]
#[template(path = "result.html")]
pub(super) struct Result<'a> {
    visit: &'a Visit,
    id: &'a str,
    checked: String,
    answers: Vec<(Answer, String, String)>,
    classes: Vec<Class>,
    /// Every class, for the filter.
    names: Vec<(usize, String)>,
    filter: Filter,
    lines: Vec<Line<'a>>,
    found: String,
    before: Option<String>,
    after: Option<String>,
    refused: Refused,
    has_kept: bool,
}

impl<'a> Result<'a> {
    pub(super) fn new(
        visit: &'a Visit,
        school: &Arc<School>,
        id: &'a str,
        outcome: &'a Outcome,
        filter: Filter,
        page: usize,
    ) -> Result<'a> {
        let language = visit.language();
        let counts = outcome.counts();
        let answers = Answer::ALL.map(|answer| {
            (answer, texts::answer(language, answer), number(language, counts[answer as usize]))
        });
        let found = outcome.found(&filter);
        let pages = found.len().div_ceil(LINES_MAX).max(1);
        let page = page.min(pages - 1);
        let lines = found.iter().skip(page * LINES_MAX).take(LINES_MAX);
        let address = |page: usize| {
            let class = filter.class.map_or_else(String::new, |class| class.to_string());
            let answer = filter.answer.map_or("", Answer::slug);
            format!("?q={}&class={class}&answer={answer}&page={page}#lines", encoded(&filter.text))
        };
        Result {
            visit,
            id,
            checked: checked(visit, &school.settings.zone, outcome.checked),
            answers: answers.into(),
            classes: classes(language, outcome),
            names: outcome.classes.iter().map(|name| class_name(visit, name)).enumerate().collect(),
            lines: lines.map(|entry| Line::of(language, outcome, entry)).collect(),
            found: visit.say_with("school-found", &[("pupils", found.len().into())]),
            before: page.checked_sub(1).map(address),
            after: (page + 1 < pages).then(|| address(page + 1)),
            refused: Refused::new(language, &outcome.refused),
            has_kept: school.kept().is_some(),
            filter,
        }
    }
}

fn class_name(visit: &Visit, name: &str) -> String {
    if name.is_empty() { visit.say("school-no-class") } else { name.to_owned() }
}

fn classes(language: Language, outcome: &Outcome) -> Vec<Class> {
    let rows = outcome.by_class().into_iter().zip(&outcome.classes).enumerate().take(CLASSES_MAX);
    let class = |(place, (counts, name)): (usize, (Counts, &String))| {
        let name = if name.is_empty() { texts::say(language, "school-no-class") } else { name.clone() };
        Class { place, name, counts: counts.map(|count| number(language, count)) }
    };
    rows.map(class).collect()
}

/// The list for the door, a page a class.
#[derive(Template)]
#[template(path = "print.html")]
pub(super) struct Printed<'a> {
    visit: &'a Visit,
    id: &'a str,
    checked: String,
    what: String,
    classes: Vec<PrintedClass<'a>>,
    refused: Refused,
}

struct PrintedClass<'a> {
    name: String,
    counts: String,
    /// Those who need a person, with the answer.
    others: Vec<Line<'a>>,
    enter: Vec<&'a Entry>,
}

impl<'a> Printed<'a> {
    pub(super) fn new(
        visit: &'a Visit,
        school: &School,
        id: &'a str,
        outcome: &'a Outcome,
        only: Option<usize>,
    ) -> Printed<'a> {
        let language = visit.language();
        let places = (0..outcome.classes.len()).filter(|place| only.is_none_or(|only| only == *place));
        let classes = places.map(|place| {
            let entries = outcome.class(place);
            let (enter, others): (Vec<&Entry>, Vec<&Entry>) =
                entries.iter().partition(|entry| entry.answer == Answer::Enter);
            let counts = count(entries.iter());
            let counts = visit.say_with(
                "school-class-counts",
                &[("enter", counts[Answer::Enter as usize].into()), ("all", entries.len().into())],
            );
            PrintedClass {
                name: class_name(visit, &outcome.classes[place]),
                counts,
                others: others.into_iter().map(|entry| Line::of(language, outcome, entry)).collect(),
                enter,
            }
        });
        let refused: &[RefusedRow] = if only.is_none() { &outcome.refused } else { &[] };
        Printed {
            visit,
            id,
            checked: checked(visit, &school.settings.zone, outcome.checked),
            what: visit.say_with("school-print-what", &[("enter", Arg::Text(&visit.say("list-enter")))]),
            classes: classes.collect(),
            refused: Refused::new(language, refused),
        }
    }
}
