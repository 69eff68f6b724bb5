//! TOML in, policies out. The file is read as a tree with positions rather than through a derive, because
//! every fault must name its line and key, say what to write instead, and cover contradictions between keys.

use core::ops::RangeInclusive;
use std::collections::BTreeMap;

use hufu_wire::{CodeKind, Colour, HubId, IssuerId, SiteId, UnixSeconds, limits::STEP_S};

use crate::keys::{self, Key};
use crate::limits;
use crate::misconfigured::Misconfigured;
use crate::site::{Durability, Issuers, Kinds, Otherwise, PassBackBy, SitePolicy, TestRule};

use self::table::{Document, Fault, Table};

mod foreign;
mod moment;
mod table;

const KINDS: [(&str, CodeKind); 5] = [
    ("phone", CodeKind::Phone),
    ("paper", CodeKind::Paper),
    ("trip", CodeKind::Trip),
    ("family", CodeKind::Family),
    ("foreign", CodeKind::Foreign),
];
const COLOURS: [(&str, Colour); 3] =
    [("green", Colour::Green), ("amber", Colour::Amber), ("red", Colour::Red)];
const PASS_BACK_BY: [(&str, PassBackBy); 2] = [("device", PassBackBy::Device), ("lane", PassBackBy::Lane)];
const RECORDS: [(&str, Durability); 3] =
    [("memory", Durability::Memory), ("written", Durability::Written), ("synced", Durability::Synced)];
const OTHERWISE: [(&str, Otherwise); 2] = [("refer", Otherwise::Refer), ("refuse", Otherwise::Refuse)];

/// Reads a whole file.
pub(crate) fn sites(text: &str, file: &str) -> Result<Vec<SitePolicy>, Misconfigured> {
    let document = Document { text, file };
    let read = |tables: Vec<Table<'_>>| {
        let mut first_lines = BTreeMap::new();
        tables
            .into_iter()
            .map(|mut table| {
                let id_at = table.offset_of(&keys::ID);
                let policy = site(&mut table)?;
                table.finish()?;
                if let Some(first) = first_lines.insert(policy.id, id_at) {
                    let line = document.line_at(first);
                    let what = format!("site {} is already on line {line}", policy.id);
                    return Err(Fault::new(id_at, keys::ID.name, what, "give every site its own id"));
                }
                Ok(policy)
            })
            .collect()
    };
    document.site_tables().and_then(read).map_err(|fault| document.misconfigured(fault))
}

/// Reads one `[[site]]` table, key by key.
fn site(table: &mut Table<'_>) -> Result<SitePolicy, Fault> {
    let id = SiteId(table.required(&keys::ID)?.id()?);
    let name = table.required(&keys::NAME)?.text()?;
    let hub = table.take(&keys::HUB).map(|entry| entry.id()).transpose()?.map(HubId);
    let hotline = table.take(&keys::HOTLINE).map(|entry| entry.text()).transpose()?;
    let organisation = table.take(&keys::ORGANISATION).map(|entry| entry.text()).transpose()?;
    let on_test_positive = otherwise(table, &keys::ON_TEST_POSITIVE, Otherwise::Refuse)?;
    let (accepts, roster) = accepted(table, hub)?;
    let skew_steps = number(table, &keys::SKEW_STEPS, &limits::SKEW_STEPS, 1)?;
    let (pass_back_s, pass_back_by) = pass_back(table, skew_steps)?;
    Ok(SitePolicy {
        id,
        name,
        hub,
        hotline,
        organisation,
        accepts,
        roster,
        foreign: foreign::rule(table, accepts.contains(CodeKind::Foreign))?,
        issuers: issuers(table)?,
        on_amber: on_amber(table)?,
        on_unknown: otherwise(table, &keys::ON_UNKNOWN, Otherwise::Refer)?,
        on_expired: otherwise(table, &keys::ON_EXPIRED, Otherwise::Refer)?,
        staleness_ms_max: number(table, &keys::STALENESS_MS_MAX, &limits::STALENESS_MS, 60_000)?,
        offline_age_s_max: table
            .take(&keys::OFFLINE_AGE_S_MAX)
            .map(|entry| entry.number(&limits::OFFLINE_AGE_S))
            .transpose()?,
        on_stale: otherwise(table, &keys::ON_STALE, Otherwise::Refer)?,
        test: test_rule(table)?,
        on_test_positive,
        doses_min: number(table, &keys::DOSES_MIN, &limits::DOSES, 0)?,
        on_doses_too_few: otherwise(table, &keys::ON_DOSES_TOO_FEW, Otherwise::Refuse)?,
        skew_steps,
        on_clock_skew: otherwise(table, &keys::ON_CLOCK_SKEW, Otherwise::Refer)?,
        pass_back_s,
        pass_back_by,
        records: table
            .take(&keys::RECORDS)
            .map_or(Ok(Durability::default()), |entry| entry.word(&RECORDS))?,
        unrecorded_until: table
            .take(&keys::UNRECORDED_UNTIL)
            .map_or(Ok(UnixSeconds(0)), |entry| entry.moment())?,
    })
}

/// `pass_back_s`, and `pass_back_by`, which only means something beside it.
fn pass_back(table: &mut Table<'_>, skew_steps: u8) -> Result<(u32, PassBackBy), Fault> {
    // As long as one presentation is accepted.
    let default_s = STEP_S * (2 * u32::from(skew_steps) + 1);
    let pass_back_s = number(table, &keys::PASS_BACK_S, &limits::PASS_BACK_S, default_s)?;
    let by = match table.take(&keys::PASS_BACK_BY) {
        Some(entry) if pass_back_s == 0 => {
            let what = "has no effect, because pass_back_s is 0";
            return Err(entry.fault(what, "write another pass_back_s, or remove this key"));
        }
        Some(entry) => entry.word(&PASS_BACK_BY)?,
        None => PassBackBy::Device,
    };
    Ok((pass_back_s, by))
}

/// `accepts` and `roster`: a site takes something, and trip codes only where a hub is named (R04).
fn accepted(table: &mut Table<'_>, hub: Option<HubId>) -> Result<(Kinds, bool), Fault> {
    let roster = table.take(&keys::ROSTER).map_or(Ok(false), |entry| entry.flag())?;
    let at = table.offset_of(&keys::ACCEPTS);
    let kinds = match table.take(&keys::ACCEPTS) {
        Some(entry) => entry.list(|kind| kind.word(&KINDS))?,
        None => vec![CodeKind::Phone],
    };
    let fault = |what, mend| Err(Fault::new(at, keys::ACCEPTS.name, what, mend));
    if kinds.is_empty() && !roster {
        return fault(
            "is empty and roster is false, so nobody could ever pass",
            "name a kind, or write roster = true",
        );
    }
    if kinds.contains(&CodeKind::Trip) && hub.is_none() {
        return fault("has \"trip\", and trip codes name a hub", "add hub = ..., or take \"trip\" out");
    }
    Ok((kinds.into_iter().fold(Kinds::NONE, Kinds::with), roster))
}

/// `admits` and `on_amber`: green always, amber by choice, red never.
fn on_amber(table: &mut Table<'_>) -> Result<Option<Otherwise>, Fault> {
    let at = table.offset_of(&keys::ADMITS);
    let colours = match table.take(&keys::ADMITS) {
        Some(entry) => entry.list(|colour| colour.word(&COLOURS))?,
        None => vec![Colour::Green],
    };
    let fault = |what, mend| Err(Fault::new(at, keys::ADMITS.name, what, mend));
    if colours.contains(&Colour::Red) {
        return fault("has \"red\", which no site may admit", "take it out");
    }
    if colours.is_empty() {
        return fault("is empty, so nobody could ever pass", "write [\"green\"] or [\"green\", \"amber\"]");
    }
    if !colours.contains(&Colour::Green) {
        return fault("admits amber and not green", "write [\"green\", \"amber\"]");
    }
    let amber_admitted = colours.contains(&Colour::Amber);
    match table.take(&keys::ON_AMBER) {
        Some(entry) if amber_admitted => {
            Err(entry.fault("contradicts admits, which has \"amber\"", "keep one of the two"))
        }
        Some(entry) => entry.word(&OTHERWISE).map(Some),
        None => Ok((!amber_admitted).then_some(Otherwise::Refer)),
    }
}

/// `test_age_max_h` and what only means something beside it.
fn test_rule(table: &mut Table<'_>) -> Result<Option<TestRule>, Fault> {
    let Some(age_max) = table.take(&keys::TEST_AGE_MAX_H) else {
        for key in [&keys::ON_TEST_MISSING, &keys::ON_TEST_TOO_OLD, &keys::ON_TEST_PENDING] {
            if let Some(entry) = table.take(key) {
                let what = "has no effect, because the site asks for no test";
                return Err(entry.fault(what, "add test_age_max_h = ..., or remove this key"));
            }
        }
        return Ok(None);
    };
    let age_max_h: u32 = age_max.number(&limits::TEST_AGE_H)?;
    Ok(Some(TestRule {
        age_s_max: age_max_h * 3600,
        on_missing: otherwise(table, &keys::ON_TEST_MISSING, Otherwise::Refuse)?,
        on_too_old: otherwise(table, &keys::ON_TEST_TOO_OLD, Otherwise::Refuse)?,
        on_pending: otherwise(table, &keys::ON_TEST_PENDING, Otherwise::Refer)?,
    }))
}

/// `issuers`: "all-trusted", or a list of ids.
fn issuers(table: &mut Table<'_>) -> Result<Issuers, Fault> {
    let Some(entry) = table.take(&keys::ISSUERS) else { return Ok(Issuers::ALL_TRUSTED) };
    if entry.is_text() {
        return entry.word(&[("all-trusted", ())]).map(|()| Issuers::ALL_TRUSTED);
    }
    let empty = entry.fault("is empty, so nobody could ever pass", "write \"all-trusted\", or name issuers");
    let listed = entry.list(|issuer| issuer.id().map(IssuerId))?;
    if listed.is_empty() { Err(empty) } else { Ok(Issuers::only(listed)) }
}

fn otherwise(table: &mut Table<'_>, key: &'static Key, default: Otherwise) -> Result<Otherwise, Fault> {
    table.take(key).map_or(Ok(default), |entry| entry.word(&OTHERWISE))
}

fn number<T: TryFrom<u64>>(
    table: &mut Table<'_>,
    key: &'static Key,
    range: &RangeInclusive<u64>,
    default: T,
) -> Result<T, Fault> {
    table.take(key).map_or(Ok(default), |entry| entry.number(range))
}
