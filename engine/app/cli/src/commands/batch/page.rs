//! The list that is printed and hangs at a school's door: by class, first who needs a person, then who may enter.

use std::fmt::Write as _;
use std::path::Path;

use hufu_files::moment;
use hufu_school::{Report, Row};
use hufu_wire::{Decision, Reason, UnixSeconds};

use super::report::says;
use crate::term::printable;

const STYLE: &str = "body{font:11pt/1.35 sans-serif;margin:2em}h1{font-size:16pt}h2{font-size:14pt;margin:0 0 .3em}\
section{margin:2em 0;break-after:page}section:last-of-type{break-after:auto}table{border-collapse:collapse;width:100%}\
th,td{border:1px solid #888;padding:.2em .5em;text-align:left}tr{break-inside:avoid}thead{display:table-header-group}\
.refuse td:nth-child(3),.refer td:nth-child(3){font-weight:bold}.refuse td:nth-child(3){text-decoration:underline}\
.not{font-size:16pt;font-weight:bold;border:3px solid;padding:1em}ol{columns:3;padding:0;list-style:none}\
@media print{body{margin:0}}";

/// The page, as of `now`. It needs nothing beside itself and has no script.
pub(super) fn page(report: &Report<'_>, roster: &Path, now: UnixSeconds) -> String {
    let summary = report.summary();
    let title = escaped(&roster.file_stem().unwrap_or_default().to_string_lossy());
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title><style>{STYLE}</style></head>\n\
         <body><h1>{title}</h1>\n"
    );
    // Writing into a string does not fail.
    if summary.reason != Reason::Clear {
        let (reason, says) = (summary.reason.slug(), escaped(summary.reason.says()));
        let _ = writeln!(page, "<p class=\"not\">NOT CHECKED ({reason}): {says}</p></body></html>");
        return page;
    }
    let (admitted, refused) = (summary.admitted, summary.refused);
    let referred = summary.referred as usize + report.unfound();
    let _ = writeln!(
        page,
        "<p>Checked {}. {admitted} may enter, {referred} need a person, {refused} may not enter. Statuses change: check \
         again before the next use.</p>",
        moment::show(now)
    );
    for (name, rows) in report.groups() {
        group(&mut page, name, &rows);
    }
    page.push_str("</body></html>\n");
    page
}

fn group(page: &mut String, name: &str, rows: &[Row<'_>]) {
    let (enter, others): (Vec<&Row<'_>>, Vec<&Row<'_>>) =
        rows.iter().partition(|row| row.decision == Decision::Admit);
    let _ = writeln!(
        page,
        "<section><h2>{}</h2><p>{} of {} may enter.</p>",
        if name.is_empty() { "Without a group".to_owned() } else { escaped(name) },
        enter.len(),
        rows.len()
    );
    if !others.is_empty() {
        page.push_str(
            "<table><thead><tr><th>No.</th><th>Name</th><th>Answer</th><th>Why</th></tr></thead><tbody>\n",
        );
        for row in others {
            let (class, answer) = match row.decision {
                Decision::Refuse => ("refuse", "MAY NOT ENTER"),
                _ => ("refer", "NEEDS A PERSON"),
            };
            let (number, name) = number_and_name(row);
            let says = escaped(says(row.why));
            let _ = writeln!(
                page,
                "<tr class=\"{class}\"><td>{number}</td><td>{name}</td><td>{answer}</td><td>{says}</td></tr>"
            );
        }
        page.push_str("</tbody></table>\n");
    }
    if !enter.is_empty() {
        page.push_str("<h3>May enter</h3><ol>\n");
        for row in enter {
            let (number, name) = number_and_name(row);
            let _ = writeln!(page, "<li>{number} {name}</li>");
        }
        page.push_str("</ol>\n");
    }
    page.push_str("</section>\n");
}

/// The number of the line in the name list, and the masked name; of a member whom no list names, issuer and holder.
fn number_and_name(row: &Row<'_>) -> (String, String) {
    if let Some(named) = row.named {
        return (named.line.to_string(), escaped(&named.display));
    }
    let [issuer, holder] = row.place();
    (String::new(), format!("holder {holder} of issuer {issuer}"))
}

fn escaped(text: &str) -> String {
    printable(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::{Named, Unfound};
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
        let text = page(&report, Path::new("x/school.roster"), UnixSeconds(1_795_219_200));
        assert!(text.contains("1 may enter, 2 need a person, 1 may not enter"), "{text}");
        let (b, a) = (text.find("<h2>3b</h2>").unwrap(), text.find("<h2>3a</h2>").unwrap());
        assert!(b < a, "in the order of the list");
        assert!(text[a..].contains("<td>3</td><td>&lt;3*</td><td>NEEDS A PERSON</td>"), "{text}");
        assert!(text[b..].contains("<li>2 &lt;2*</li>"), "{text}");
        assert!(
            text[b..].contains("<td>4</td><td>&lt;4*</td><td>NEEDS A PERSON</td><td>not registered"),
            "{text}"
        );
        assert!(text[b..].contains("<td>5</td><td>&lt;5*</td><td>MAY NOT ENTER</td>"), "{text}");

        let summary = RosterReply { reason: Reason::RosterExpired, ..summary };
        let text = page(&Report::new(summary, &[], &[], &known), Path::new("s"), UnixSeconds(0));
        assert!(text.contains("NOT CHECKED (roster-expired)") && !text.contains("<section>"), "{text}");
    }
}
