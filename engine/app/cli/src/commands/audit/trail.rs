//! The registry's trail: every line recomputed from the first one on, and compared with an end that was noted before.

use std::str::FromStr;

use hufu_authority::audit::{Difference, Report};
use hufu_authority::{Remote, marked};
use hufu_contract::{Hex, TrailEntry};
use hufu_registry::{Action, Entry, TrailCheck, TrailDigest, TrailEnd, TrailLine};
use hufu_upstream::Api;
use hufu_wire::{IssuerId, Sequence, UnixMillis};

/// Lines asked for at once.
const PAGE: u32 = 1000;

/// An end of the trail as an earlier audit printed it, `NUMBER:DIGEST`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotedEnd {
    number: u64,
    digest: TrailDigest,
}

impl FromStr for NotedEnd {
    type Err = String;

    fn from_str(text: &str) -> Result<NotedEnd, String> {
        let wrong = || "expected NUMBER:DIGEST, as an earlier audit printed it".to_owned();
        let (number, digest) = text.split_once(':').ok_or_else(wrong)?;
        let digest: Hex<32> = digest.parse().map_err(|_| wrong())?;
        Ok(NotedEnd { number: number.parse().map_err(|_| wrong())?, digest: TrailDigest(digest.0) })
    }
}

/// Recomputes the trail. A token of one issuer may not read it: without `noted` that is said and no fault.
pub(super) fn check(
    remote: &Remote,
    noted: Option<NotedEnd>,
    report: &mut Report,
) -> anyhow::Result<Option<TrailEnd>> {
    let mut check = TrailCheck::new(None);
    let mut found = noted.filter(|noted| noted.number == 0).map(|_| TrailDigest::START);
    // Reading leaves lines too: those are for the next audit.
    let end = match remote.with(Api::trail_end) {
        Ok(end) => end,
        Err(fault) if noted.is_none() && fault.problem().is_some_and(|problem| problem.status == 403) => {
            return Ok(None);
        }
        Err(fault) => return Err(marked(fault)),
    };
    while check.end().number < end.number {
        let page = remote.ask(|api| api.trail(check.end().number, PAGE))?.entries;
        if page.is_empty() {
            let what =
                format!("it ends at line {}, and the registry says {}", check.end().number, end.number);
            report.note("trail", Sequence(check.end().number), Some(Difference::Other(what)));
            return Ok(None);
        }
        for line in page.into_iter().filter(|line| line.number <= end.number) {
            let line = match read(line) {
                Ok(line) => line,
                Err((number, what)) => {
                    report.note("trail", Sequence(number), Some(Difference::Other(what)));
                    return Ok(None);
                }
            };
            if let Err(broken) = check.take(&line) {
                report.note("trail", Sequence(broken.number), Some(Difference::Other(broken.to_string())));
                return Ok(None);
            }
            if noted.is_some_and(|noted| noted.number == line.number) {
                found = line.digest;
            }
        }
    }
    let last = check.end();
    let difference = (Hex(last.digest.0) != end.digest)
        .then(|| Difference::Digest { held: end.digest.to_string(), should: last.digest.to_string() });
    report.note("trail: every line follows the one before", Sequence(last.number), difference);
    if let Some(noted) = noted {
        let difference = match found {
            Some(digest) if digest == noted.digest => None,
            Some(digest) => {
                Some(Difference::Digest { held: digest.to_string(), should: noted.digest.to_string() })
            }
            None => Some(Difference::Other(format!(
                "line {} of the earlier audit is missing: lines were removed from the end",
                noted.number
            ))),
        };
        report.note("trail: the end of the earlier audit", Sequence(noted.number), difference);
    }
    Ok(Some(last))
}

fn read(line: TrailEntry) -> Result<TrailLine, (u64, String)> {
    let TrailEntry { number, at_ms, actor, action, issuer, target, digest } = line;
    let action =
        Action::from_slug(&action).ok_or_else(|| (number, format!("line {number} says {action:?}")))?;
    let entry =
        Entry { at: UnixMillis(at_ms), who: actor, action, issuer: issuer.map(IssuerId), what: target };
    Ok(TrailLine { number, entry, digest: digest.map(|digest| TrailDigest(digest.0)), seal: None })
}
