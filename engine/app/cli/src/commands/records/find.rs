//! `hufu records find`: what one phone can find of itself. Nothing else finds its slips (R41).

use std::collections::BTreeMap;
use std::path::Path;

use hufu_records::Finder;

use super::DayArgs;
use super::row::{seen_json, seen_text};
use crate::holder::HolderFile;
use crate::outcome::Exit;
use crate::term;

pub(super) fn run(day: &DayArgs, holder: &Path) -> anyhow::Result<Exit> {
    let finders: BTreeMap<_, _> = HolderFile::load(holder)?
        .values()?
        .map(|(_, value)| Finder::of_step(&value))
        .map(|finder| (*finder.tag(), finder))
        .collect();
    let mut seen = 0;
    day.each(|found| {
        let slip = found.slip.as_ref();
        let opened = slip.and_then(|slip| finders.get(&slip.tag)?.open(slip));
        if let Some(check) = opened {
            seen += 1;
            term::event(|| seen_json(&check), || seen_text(&check));
        }
        Ok(())
    })?;
    if seen == 0 {
        term::along(format_args!("nothing of {} is found on {}", holder.display(), day.day));
        return Ok(Exit::No);
    }
    Ok(Exit::Yes)
}
