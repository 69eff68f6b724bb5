//! `hufu holder history --holder`: who checked a person, as their own phone finds it (R41).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use clap::Args;
use hufu_authority::marked;
use hufu_contract::{ViewDay, ViewPlace, WantSlips, WantTicket};
use hufu_files::moment::{self, Clock, Moment};
use hufu_records::{BUCKET_SLIPS_MIN, Finder, PREFIX_BITS_MAX, Seen, Slip, prefix_of};
use hufu_upstream::{Api, ApiFault};
use hufu_wire::{Step, UnixSeconds, limits::STEP_S};
use serde_json::{Value, json};
use tokio::runtime::Builder;
use zerocopy::FromBytes as _;

use crate::holder::HolderFile;
use crate::outcome::Exit;
use crate::shown::Shown;
use crate::term::{self, printable};
use crate::verdict::{decision_slug, kind_slug};

/// A phone's own checks.
#[derive(Debug, Args)]
pub(crate) struct ChecksArgs {
    /// The phone's file: who checked it, as the service of --service lets its holder find
    #[arg(
        long = "holder",
        id = "phone",
        value_name = "FILE",
        requires = "service",
        conflicts_with = "issuer"
    )]
    pub(super) phone: Option<PathBuf>,
    /// The service of the holder's view, https://HOST:PORT
    #[arg(long, value_name = "URL", env = "HUFU_VIEWS")]
    service: Option<String>,
    /// Only checks from this time on
    #[arg(long, value_name = "TIME", default_value = "-30d", requires = "phone", allow_hyphen_values = true)]
    from: Moment,
    /// Only checks up to this time
    #[arg(long, value_name = "TIME", default_value = "now", requires = "phone", allow_hyphen_values = true)]
    to: Moment,
    /// Ask for every step around this time, also where the phone remembers none
    #[arg(long, value_name = "TIME", requires = "phone", allow_hyphen_values = true)]
    at: Option<Moment>,
    /// How far around --at, minutes
    #[arg(long, value_name = "MINUTES", default_value_t = 5, requires = "at", value_parser = clap::value_parser!(u32).range(1..=60))]
    within: u32,
}

/// What a history came to.
#[derive(Default)]
struct Found {
    checks: Vec<Seen>,
    /// Steps that were asked for.
    steps: usize,
    /// Steps among them whose day is not served.
    without_day: usize,
    buckets: usize,
    bytes: usize,
}

/// An engine's clock and a phone's may differ so much at the two ends of a day.
const MARGIN_MS: u64 = 10 * 60_000;

/// Runs `hufu holder history --holder`.
pub(super) fn run(args: &ChecksArgs, phone: &Path, ca: Option<PathBuf>) -> anyhow::Result<Exit> {
    let clock = Clock::here();
    let holder = HolderFile::load(phone)?;
    let shown = Shown::load(phone)?;
    let (from, to) = match args.at {
        Some(at) => {
            let (at, within_s) = (clock.any(at).context("--at")?, args.within * 60);
            (UnixSeconds(at.0.saturating_sub(within_s)), UnixSeconds(at.0.saturating_add(within_s)))
        }
        None => (clock.any(args.from).context("--from")?, clock.any(args.to).context("--to")?),
    };
    ensure!(from <= to, "--from is after --to");
    let span = from.step()..=to.step();
    let mut finders: BTreeMap<[u8; 16], (Step, Finder)> = BTreeMap::new();
    let remembered = shown.steps().filter(|(step, _)| span.contains(step));
    finders.extend(remembered.map(|(step, finder)| (*finder.tag(), (step, finder))));
    if args.at.is_some() {
        let made = holder.values()?.filter(|(step, _)| span.contains(step));
        let made = made.map(|(step, value)| (step, Finder::of_step(&value)));
        finders.extend(made.map(|(step, finder)| (*finder.tag(), (step, finder))));
    }
    let code = holder.present_past(moment::now().seconds(), |step| shown.has(step))?;
    let url = args.service.clone().context("--service is required")?;
    let runtime = Builder::new_current_thread().enable_all().build().context("no runtime")?;
    let (found, places) = runtime
        .block_on(async {
            let api = Api::open_views(url, ca)?;
            let found = ask(&api, &finders, code).await?;
            let places = if found.checks.is_empty() { Vec::new() } else { api.view_places().await?.places };
            Ok((found, places))
        })
        .map_err(marked)?;
    let places: BTreeMap<u32, ViewPlace> = places.into_iter().map(|place| (place.site, place)).collect();
    term::outcome(|| to_json(&found, &places), || to_text(&found, &places, args.at.is_some()));
    Ok(if found.checks.is_empty() { Exit::No } else { Exit::Yes })
}

/// Asks for the buckets of these steps, and opens what is found in them.
async fn ask(
    api: &Api,
    finders: &BTreeMap<[u8; 16], (Step, Finder)>,
    code: String,
) -> Result<Found, ApiFault> {
    let mut found = Found { steps: finders.len(), ..Found::default() };
    let days = api.view_days().await?.days;
    let asked: Vec<(&ViewDay, BTreeSet<u32>)> = days
        .iter()
        .map(|day| {
            let of_day = finders.iter().filter(|(_, (step, _))| has(day, *step));
            (day, of_day.map(|(tag, _)| prefix_of(tag, day.prefix_bits)).collect::<BTreeSet<_>>())
        })
        .filter(|(_, prefixes)| !prefixes.is_empty())
        .collect();
    let garbled = |what: String| ApiFault::Garbled { registry: api.name().to_owned(), what };
    if let Some((day, _)) = asked.iter().find(|(day, _)| !is_fair(day)) {
        return Err(garbled(format!(
            "it wants {} bits of what finds a check, of {} on {}: that would tell which ones are yours, and nothing was sent",
            day.prefix_bits, day.slips, day.day
        )));
    }
    let is_served = |step: Step| days.iter().any(|day| has(day, step));
    found.without_day = finders.values().filter(|(step, _)| !is_served(*step)).count();
    let want = WantTicket { code };
    let (mut ticket, mut left) = (String::new(), 0);
    for (day, prefixes) in asked {
        let mut prefixes: Vec<u32> = prefixes.into_iter().collect();
        while !prefixes.is_empty() {
            if left == 0 {
                let given = api.view_ticket(&want).await?;
                (ticket, left) = (given.ticket, given.buckets as usize);
            }
            let now = prefixes.len().min(WantSlips::PREFIXES_MAX).min(left);
            let want = WantSlips {
                ticket: ticket.clone(),
                day: day.day.clone(),
                prefix_bits: day.prefix_bits,
                prefixes: prefixes[..now].to_vec(),
            };
            let answer = api.view_slips(&want).await?;
            left -= now;
            found.bytes += answer.len();
            let fewest = if day.prefix_bits == 0 { 0 } else { BUCKET_SLIPS_MIN };
            let answered = take(&answer, fewest, finders, &mut found.checks)
                .filter(|answered| (1..=now).contains(answered))
                .ok_or_else(|| {
                    garbled("buckets that are not whole, or have fewer than 100 slips".to_owned())
                })?;
            found.buckets += answered;
            prefixes.drain(..answered);
        }
    }
    found.checks.sort_by_key(|check| (check.time, check.site));
    Ok(found)
}

/// Whether the prefixes of a day are as short as they must be: a service that wants longer ones wants to know which slips
/// are this phone's. What it says is held against its answers.
fn is_fair(day: &ViewDay) -> bool {
    day.prefix_bits <= PREFIX_BITS_MAX
        && (day.prefix_bits == 0 || day.slips >> day.prefix_bits >= BUCKET_SLIPS_MIN)
}

/// Whether a step may have a slip on this day.
fn has(day: &ViewDay, step: Step) -> bool {
    let starts_ms = u64::from(step.starts().0) * 1000;
    let ends_ms = starts_ms + u64::from(STEP_S) * 1000;
    day.slips > 0 && ends_ms + MARGIN_MS >= day.first_ms && starts_ms <= day.last_ms + MARGIN_MS
}

/// Opens what is this phone's in an answer, and counts its buckets; `None` when the answer is not one, or a bucket has fewer
/// than `fewest` slips.
fn take(
    mut answer: &[u8],
    fewest: u64,
    finders: &BTreeMap<[u8; 16], (Step, Finder)>,
    checks: &mut Vec<Seen>,
) -> Option<usize> {
    let mut buckets = 0;
    while let Some((count, rest)) = answer.split_first_chunk::<4>() {
        let count = u32::from_le_bytes(*count);
        if u64::from(count) < fewest {
            return None;
        }
        let bytes = usize::try_from(count).ok()?.checked_mul(Slip::BYTES)?;
        let (slips, rest) = rest.split_at_checked(bytes)?;
        let slips = <[Slip]>::ref_from_bytes(slips).ok()?;
        checks.extend(slips.iter().filter_map(|slip| finders.get(&slip.tag)?.1.open(slip)));
        (answer, buckets) = (rest, buckets + 1);
    }
    answer.is_empty().then_some(buckets)
}

fn to_json(found: &Found, places: &BTreeMap<u32, ViewPlace>) -> Value {
    let check = |seen: &Seen| {
        let place = places.get(&seen.site.0);
        json!({
            "time": moment::show(seen.time.seconds()),
            "time_ms": seen.time.0,
            "site": seen.site.0,
            "place": place.map(|place| &place.name),
            "organisation": place.and_then(|place| place.organisation.as_ref()),
            "kind": kind_slug(seen.kind),
            "decision": decision_slug(seen.decision),
            "reason": seen.reason.to_string(),
        })
    };
    json!({
        "checks": found.checks.iter().map(check).collect::<Vec<_>>(),
        "steps": found.steps,
        "steps_without_day": found.without_day,
        "buckets": found.buckets,
        "bytes": found.bytes,
    })
}

fn to_text(found: &Found, places: &BTreeMap<u32, ViewPlace>, is_around: bool) -> String {
    let line = |seen: &Seen| {
        let place = places.get(&seen.site.0);
        let name = place.map_or_else(|| format!("site {}", seen.site), |place| printable(&place.name));
        let who = place.and_then(|place| place.organisation.as_ref());
        let who = who.map_or_else(String::new, |who| format!(" ({})", printable(who)));
        let (time, decision) = (moment::show(seen.time.seconds()), decision_slug(seen.decision));
        format!("{time}  {name}{who}  {decision}, {}", seen.reason)
    };
    let mut lines: Vec<String> = found.checks.iter().map(line).collect();
    let what = if is_around { "all around this time" } else { "that this phone showed" };
    lines.push(format!("checks found: {}; steps asked about: {}, {what}", found.checks.len(), found.steps));
    if found.steps == 0 {
        lines.push(
            "the phone remembers no step of this time: give --at to ask for every step around a time"
                .to_owned(),
        );
    }
    if found.without_day > 0 {
        lines.push(format!(
            "steps of days that the service does not have: {}. Today's checks appear after the end of the day, and records \
             are destroyed after 60 days",
            found.without_day
        ));
    }
    lines.push("checks on paper and trip codes are not found by a phone".to_owned());
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(prefix_bits: u8, slips: u64) -> ViewDay {
        ViewDay {
            day: "2026-11-29".to_owned(),
            prefix_bits,
            slips,
            first_ms: 86_400_000,
            last_ms: 90_000_000,
        }
    }

    #[test]
    fn r41_a_phone_tells_a_service_no_more_of_a_tag_than_hides_it() {
        for (bits, slips, fair) in [
            (0, 0, true),
            (0, 7, true),
            (1, 200, true),
            (1, 199, false),
            (16, 10_000_000, true),
            (17, 10_000_000, false),
            (24, u64::MAX, true),
            (25, u64::MAX, false),
            (255, u64::MAX, false),
        ] {
            assert_eq!(is_fair(&day(bits, slips)), fair, "{bits} bits of {slips}");
        }
        // A service that said so and answers with less.
        let finders = BTreeMap::new();
        let answer = |count: u32| [&count.to_le_bytes()[..], &vec![0; count as usize * 48]].concat();
        let mut checks = Vec::new();
        assert_eq!(take(&[answer(100), answer(120)].concat(), 100, &finders, &mut checks), Some(2));
        assert_eq!(take(&[answer(100), answer(99)].concat(), 100, &finders, &mut checks), None);
        assert_eq!(take(&answer(100)[..4803], 100, &finders, &mut checks), None);
        assert_eq!(take(&[1, 2], 0, &finders, &mut checks), None);
        assert_eq!(take(&u32::MAX.to_le_bytes(), 0, &finders, &mut checks), None);
    }

    #[test]
    fn a_step_is_asked_for_on_the_days_that_may_have_it() {
        let of = |second: u32| has(&day(0, 1), UnixSeconds(second).step());
        assert!(!of(85_000) && of(85_800) && of(88_000) && of(90_500) && !of(90_700));
        assert!(!has(&day(0, 0), UnixSeconds(88_000).step()), "a day without slips");
    }
}
