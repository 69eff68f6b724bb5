//! Appeals as people and programs read them.

use hufu_contract::{Appeal, AppealFigures, AppealStep, AppealTold};
use hufu_files::moment;
use hufu_wire::UnixMillis;
use serde_json::json;

use crate::listing;
use crate::outcome::Exit;
use crate::term::{self, printable};

/// Where an appeal stands after a step.
pub(super) fn stands(appeal: &Appeal) -> Exit {
    term::outcome(|| json!({ "appeal": appeal }), || describe(appeal));
    Exit::Yes
}

/// Appeals, a line for each.
pub(super) fn list(appeals: &[Appeal]) -> Exit {
    let header = ["appeal", "state", "holder", "against", "instance", "opened", "due", "reviewer"];
    listing::list(appeals, header, |appeal| {
        [
            appeal.id.to_string(),
            state(appeal),
            appeal.holder.to_string(),
            against(appeal),
            appeal.instance.to_string(),
            time(appeal.opened_ms),
            time(appeal.due_ms),
            appeal.reviewer.as_deref().map_or_else(String::new, printable),
        ]
    })
}

/// An appeal with everything.
pub(super) fn show(told: &AppealTold) -> Exit {
    term::outcome(
        || json!(told),
        || {
            let mut lines = vec![describe(&told.appeal)];
            if let Some(check) = &told.check {
                lines.push(format!("check     {}", printable(check)));
            }
            for line in told.words.lines() {
                lines.push(format!("said      {}", printable(line)));
            }
            for AppealStep { number, at_ms, who, state, words } in &told.steps {
                lines.push(format!("step {number}    {} {state}, by {}", time(*at_ms), printable(who)));
                for line in words.lines() {
                    lines.push(format!("          {}", printable(line)));
                }
            }
            lines.join("\n")
        },
    );
    Exit::Yes
}

/// What became of appeals.
pub(super) fn figures(figures: &AppealFigures) -> Exit {
    let AppealFigures {
        opened, decided, accepted, wrong_reds, wrong_ambers, rejected, late, overdue, ..
    } = *figures;
    term::outcome(
        || json!(figures),
        || {
            let took = |seconds: Option<u64>| {
                seconds.map_or("-".to_owned(), |s| moment::show_span(u32::try_from(s).unwrap_or(u32::MAX)))
            };
            format!(
                "opened    {opened}\n\
                 decided   {decided}: {accepted} accepted, {rejected} rejected, {late} after they were due\n\
                 wrong     {wrong_reds} reds, {wrong_ambers} ambers found\n\
                 time      half within {}, nine of ten within {}, all within {}\n\
                 overdue   {overdue} now",
                took(figures.decision_p50_s),
                took(figures.decision_p90_s),
                took(figures.decision_max_s)
            )
        },
    );
    Exit::Yes
}

fn describe(appeal: &Appeal) -> String {
    let id = appeal.id;
    let (against, state) = (against(appeal), state(appeal));
    let mut lines = vec![format!("appeal {id} of holder {} against {against}: {state}", appeal.holder)];
    if let Some(first) = appeal.first {
        lines.push(format!("instance  2, after the rejection of appeal {first}"));
    }
    lines.push(format!(
        "opened    {} by {}, {}",
        time(appeal.opened_ms),
        appeal.channel,
        printable(&appeal.taken_by)
    ));
    if appeal.state.is_undecided() {
        lines.push(format!("due       {}", time(appeal.due_ms)));
    }
    if let Some(reviewer) = &appeal.reviewer {
        lines.push(format!("reviewer  {}", printable(reviewer)));
    }
    if let (Some(proposal), Some(its)) = (appeal.proposal, appeal.proposal_state) {
        let next = format!("; next: `hufu change confirm --issuer {} {proposal}`", appeal.issuer);
        lines.push(format!("proposal  {proposal}, {its}{}", if its.is_open() { next.as_str() } else { "" }));
    }
    lines.join("\n")
}

fn against(appeal: &Appeal) -> String {
    let colour = appeal.colour.and_then(|colour| json!(colour).as_str().map(str::to_owned));
    match colour {
        Some(colour) => format!("a {} ({colour})", appeal.against),
        None => format!("a {}", appeal.against),
    }
}

fn state(appeal: &Appeal) -> String {
    let overdue = if appeal.overdue { ", overdue" } else { "" };
    format!("{}{overdue}", appeal.state)
}

fn time(ms: u64) -> String {
    moment::show(UnixMillis(ms).seconds())
}
