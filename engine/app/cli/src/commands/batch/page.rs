//! The list that is printed and hangs at a school's door: by class, first who needs a person, then who may enter.

use std::fmt::Write as _;
use std::path::Path;

use hufu_files::moment;
use hufu_school::{Report, Row};
use hufu_texts::{Arg, Language, say};
use hufu_wire::{Decision, Reason, UnixSeconds};

use super::report::says;
use crate::term::printable;

const STYLE: &str = "body{font:11pt/1.35 sans-serif;margin:2em}h1{font-size:16pt}h2{font-size:14pt;margin:0 0 .3em}\
section{margin:2em 0;break-after:page}section:last-of-type{break-after:auto}table{border-collapse:collapse;width:100%}\
th,td{border:1px solid #888;padding:.2em .5em;text-align:start}tr{break-inside:avoid}thead{display:table-header-group}\
.refuse td:nth-child(3),.refer td:nth-child(3){font-weight:bold}.refuse td:nth-child(3){text-decoration:underline}\
.not{font-size:16pt;font-weight:bold;border:3px solid;padding:1em}ol{columns:3;padding:0;list-style:none}\
@media print{body{margin:0}}";

/// The page, as of `now`. It needs nothing beside itself and has no script.
pub(super) fn page(report: &Report<'_>, language: Language, roster: &Path, now: UnixSeconds) -> String {
    let summary = report.summary();
    let say = |id: &str, args: &[(&str, Arg<'_>)]| escaped(&say(language, id, args));
    let title = escaped(&roster.file_stem().unwrap_or_default().to_string_lossy());
    let (tag, dir) = (language.tag(), language.direction().as_str());
    let mut page = format!(
        "<!doctype html>\n<html lang=\"{tag}\" dir=\"{dir}\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <style>{STYLE}</style></head>\n<body><h1 dir=\"auto\">{title}</h1>\n"
    );
    // Writing into a string does not fail.
    if summary.reason != Reason::Clear {
        let (not, reason) = (say("list-not-checked", &[]), summary.reason);
        let says = escaped(hufu_texts::reason(language, reason));
        let _ = writeln!(page, "<p class=\"not\">{not} ({reason}): {says}</p></body></html>");
        return page;
    }
    let sums = [
        ("enter", summary.admitted.into()),
        ("person", (summary.referred as usize + report.unfound()).into()),
        ("refused", summary.refused.into()),
    ];
    let _ = writeln!(
        page,
        "<p>{} {} {}</p>",
        say(
            "list-checked",
            &[("when", (&moment::show(now)).into()), ("count", report.rows().count().into())]
        ),
        say("list-sums", &sums),
        say("list-again", &[])
    );
    for (name, rows) in report.groups() {
        group(&mut page, language, name, &rows);
    }
    page.push_str("</body></html>\n");
    page
}

fn group(page: &mut String, language: Language, name: &str, rows: &[Row<'_>]) {
    let say = |id: &str, args: &[(&str, Arg<'_>)]| escaped(&say(language, id, args));
    let (enter, others): (Vec<&Row<'_>>, Vec<&Row<'_>>) =
        rows.iter().partition(|row| row.decision == Decision::Admit);
    let name = if name.is_empty() { say("list-no-group", &[]) } else { escaped(name) };
    let of = say("list-group", &[("enter", enter.len().into()), ("all", rows.len().into())]);
    let _ = writeln!(page, "<section><h2 dir=\"auto\">{name}</h2><p>{of}</p>");
    if !others.is_empty() {
        let heads = ["list-number", "list-name", "list-answer", "list-why"];
        let heads = heads.map(|head| say(head, &[])).join("</th><th>");
        let _ = writeln!(page, "<table><thead><tr><th>{heads}</th></tr></thead><tbody>");
        for row in others {
            let (class, answer) = match row.decision {
                Decision::Refuse => ("refuse", say("list-refused", &[])),
                _ => ("refer", say("list-person", &[])),
            };
            let (number, name) = number_and_name(row, language);
            let says = escaped(&says(language, row.why));
            let _ = writeln!(
                page,
                "<tr class=\"{class}\"><td>{number}</td><td dir=\"auto\">{name}</td><td>{answer}</td><td>{says}</td></tr>"
            );
        }
        page.push_str("</tbody></table>\n");
    }
    if !enter.is_empty() {
        let _ = writeln!(page, "<h3>{}</h3><ol>", say("list-enter", &[]));
        for row in enter {
            let (number, name) = number_and_name(row, language);
            let _ = writeln!(page, "<li>{number} <bdi>{name}</bdi></li>");
        }
        page.push_str("</ol>\n");
    }
    page.push_str("</section>\n");
}

/// The number of the line in the name list, and the masked name; of a member whom no list names, issuer and holder.
fn number_and_name(row: &Row<'_>, language: Language) -> (String, String) {
    if let Some(named) = row.named {
        return (named.line.to_string(), escaped(&named.display));
    }
    let [issuer, holder] = row.place();
    let args = [("holder", (&holder).into()), ("issuer", (&issuer).into())];
    (String::new(), escaped(&say(language, "list-holder", &args)))
}

fn escaped(text: &str) -> String {
    hufu_web::escaped(&printable(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_school::{Named, Unfound};
    use hufu_wire::{HolderIndex, IssuerId, MemberVerdict, RosterReply, UnixMillis};

    #[test]
    fn r12_the_printed_list_says_who_may_enter_and_who_needs_a_person() {
        let of = |line, group: &str, holder| Named {
            line,
            group: group.to_owned(),
            display: format!("<{line}*"),
            holder,
        };
        let member = |holder| (IssuerId(1), HolderIndex(holder));
        let known = [
            of(2, "3b", Ok(member(7))),
            of(3, "3a", Ok(member(8))),
            of(4, "3b", Err(Unfound::Unregistered)),
            of(5, "3b", Ok(member(6))),
        ];
        let verdict = |reason: Reason| MemberVerdict { reason, decision: reason.decision(), colour: None };
        let verdicts = [verdict(Reason::StatusRed), verdict(Reason::Clear), verdict(Reason::StatusAmber)];
        let summary = RosterReply {
            server_time: UnixMillis(0),
            reason: Reason::Clear,
            age: hufu_wire::Age::Unknown,
            members: 3,
            admitted: 1,
            referred: 1,
            refused: 1,
        };
        let members = [member(6), member(7), member(8)];
        let report = Report::new(summary, &members, &verdicts, &known);
        let text = page(&report, Language::En, Path::new("x/school.roster"), UnixSeconds(1_795_219_200));
        assert!(text.contains("4 people. May enter: 1. Need a person: 2. May not enter: 1."), "{text}");
        let (b, a) =
            (text.find("<h2 dir=\"auto\">3b</h2>").unwrap(), text.find("<h2 dir=\"auto\">3a</h2>").unwrap());
        assert!(b < a, "in the order of the list");
        assert!(
            text[a..].contains("<td>3</td><td dir=\"auto\">&lt;3*</td><td>Needs a person</td>"),
            "{text}"
        );
        assert!(text[b..].contains("<li>2 <bdi>&lt;2*</bdi></li>"), "{text}");
        assert!(
            text[b..]
                .contains("<td>4</td><td dir=\"auto\">&lt;4*</td><td>Needs a person</td><td>not registered"),
            "{text}"
        );
        assert!(text[b..].contains("<td>5</td><td dir=\"auto\">&lt;5*</td><td>May not enter</td>"), "{text}");

        let text = page(&report, Language::Ar, Path::new("x/school.roster"), UnixSeconds(1_795_219_200));
        assert!(text.contains("<html lang=\"ar\" dir=\"rtl\">") && text.contains("٤ أشخاص"), "{text}");
        assert!(text.contains("<td>الحالة حمراء.</td>") && !text.contains("enter"), "{text}");

        let summary = RosterReply { reason: Reason::RosterExpired, ..summary };
        let report = Report::new(summary, &[], &[], &known);
        let text = page(&report, Language::En, Path::new("s"), UnixSeconds(0));
        assert!(text.contains("Not checked (roster-expired)") && !text.contains("<section>"), "{text}");
    }
}
