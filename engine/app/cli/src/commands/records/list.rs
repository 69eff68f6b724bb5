//! `hufu records list` and `hufu records count`.

use std::collections::BTreeMap;

use anyhow::anyhow;
use hufu_files::moment;
use hufu_wire::{SiteId, UnixSeconds};
use serde_json::json;

use super::DayArgs;
use super::row::{row_json, row_text};
use super::trail::{Answer, Because, Reading, Trail};
use super::wanted::Wanted;
use crate::outcome::Exit;
use crate::term;

/// A count below this may be of one person who was seen.
const SMALL_COUNT: u64 = 10;

pub(super) fn list(day: &DayArgs, wanted: &Wanted, because: &Because) -> anyhow::Result<Exit> {
    let filter = wanted.read()?;
    day.note("list", &filter, because, None)?.each(|found| {
        term::event(|| row_json(found), || row_text(found));
        Ok(())
    })?;
    Ok(Exit::Yes)
}

pub(super) fn count(day: &DayArgs, wanted: &Wanted, because: Option<&Because>) -> anyhow::Result<Exit> {
    let filter = wanted.read()?;
    let mut counts: BTreeMap<(u32, SiteId, &str), u64> = BTreeMap::new();
    day.each(|found| {
        if filter.is(&found.row) {
            let hour = found.row.time().seconds().0 / 3600;
            *counts.entry((hour, found.row.site, found.row.reason().slug())).or_default() += 1;
        }
        Ok(())
    })?;
    let smallest = counts.values().copied().min().unwrap_or(0);
    if smallest < SMALL_COUNT || filter.can_single_out() {
        let because = because.ok_or_else(|| {
            anyhow!(
                "the answer has a count below {SMALL_COUNT}, or is of one device or of a part of the day; such a look is \
                 noted in the trail: say why with --because TEXT"
            )
        })?;
        let answer = Answer::SmallestCount(smallest);
        let reading = Reading { command: "count", day: day.day, filter: &filter, because, answer, out: None };
        Trail::of(&day.folder).add(&reading)?;
    }
    for ((hour, site, reason), count) in counts {
        let hour = moment::show(UnixSeconds(hour * 3600));
        term::event(
            || json!({ "hour": hour, "site": site.0, "reason": reason, "records": count }),
            || format!("{hour}  site {site}  {reason}  {count}"),
        );
    }
    Ok(Exit::Yes)
}
