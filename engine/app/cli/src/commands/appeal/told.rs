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
            let mut text = describe(&told.appeal);
            if let Some(check) = &told.check {
                text += &format!("\ncheck     {}", printable(check));
            }
            for line in told.words.lines() {
                text += &format!("\nsaid      {}", printable(line));
            }
            for AppealStep { number, at_ms, who, state, words } in &told.steps {
                text += &format!("\nstep {number}    {} {state}, by {}", time(*at_ms), printable(who));
                for line in words.lines() {
                    text += &format!("\n          {}", printable(line));
                }
            }
            text
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
    let mut text =
        format!("appeal {id} of holder {} against {}: {}", appeal.holder, against(appeal), state(appeal));
    if let Some(first) = appeal.first {
        text += &format!("\ninstance  2, after the rejection of appeal {first}");
    }
    text += &format!(
        "\nopened    {} by {}, {}",
        time(appeal.opened_ms),
        appeal.channel,
        printable(&appeal.taken_by)
    );
    if appeal.state.is_undecided() {
        text += &format!("\ndue       {}", time(appeal.due_ms));
    }
    if let Some(reviewer) = &appeal.reviewer {
        text += &format!("\nreviewer  {}", printable(reviewer));
    }
    if let (Some(proposal), Some(its)) = (appeal.proposal, appeal.proposal_state) {
        text += &format!("\nproposal  {proposal}, {its}");
        if its.is_open() {
            text += &format!("; next: `hufu change confirm --issuer {} {proposal}`", appeal.issuer);
        }
    }
    text
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
