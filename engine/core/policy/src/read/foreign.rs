//! What a site asks of certificates of other systems.

use super::table::{Fault, Table};
use super::{number, otherwise};
use crate::foreign::{Country, Days, ForeignRule, ForeignTestRule, Product, VaccinationRule};
use crate::keys::{self, Key};
use crate::limits;
use crate::site::Otherwise;

/// The keys that only mean something where such certificates are accepted.
const ALL: [&Key; 3] = [&keys::FOREIGN_KINDS, &keys::FOREIGN_COUNTRIES, &keys::ON_FOREIGN_NOT_ENOUGH];
/// Those of one kind of certificate alone.
const OF_KINDS: [(u8, &[&Key]); 3] = [
    (
        VACCINATION,
        &[
            &keys::FOREIGN_PRODUCTS,
            &keys::FOREIGN_DOSES_COMPLETE,
            &keys::FOREIGN_VACCINATION_FROM_D,
            &keys::FOREIGN_VACCINATION_UNTIL_D,
        ],
    ),
    (TEST, &[&keys::FOREIGN_NAAT_AGE_MAX_H, &keys::FOREIGN_RAPID_AGE_MAX_H]),
    (RECOVERY, &[&keys::FOREIGN_RECOVERY_FROM_D, &keys::FOREIGN_RECOVERY_UNTIL_D]),
];

/// What a certificate can prove, as bits.
const VACCINATION: u8 = 1;
const TEST: u8 = 2;
const RECOVERY: u8 = 4;
const KINDS: [(&str, u8); 3] = [("vaccination", VACCINATION), ("test", TEST), ("recovery", RECOVERY)];

/// The rule, where such certificates are `accepted`.
pub(super) fn rule(table: &mut Table<'_>, accepted: bool) -> Result<Option<Box<ForeignRule>>, Fault> {
    if !accepted {
        without_effect(table, &ALL, "the site accepts no foreign certificates")?;
        for (_, keys) in OF_KINDS {
            without_effect(table, keys, "the site accepts no foreign certificates")?;
        }
        return Ok(None);
    }
    let at = table.offset_of(&keys::FOREIGN_KINDS);
    let kinds = match table.take(&keys::FOREIGN_KINDS) {
        Some(entry) => entry.list(|kind| kind.word(&KINDS))?.into_iter().fold(0, |all, kind| all | kind),
        None => VACCINATION | TEST | RECOVERY,
    };
    if kinds == 0 {
        let mend = "name a kind, or take \"foreign\" out of accepts";
        return Err(Fault::new(at, keys::FOREIGN_KINDS.name, "is empty, so no certificate could pass", mend));
    }
    for (kind, keys) in OF_KINDS {
        if kinds & kind == 0 {
            without_effect(table, keys, "foreign_kinds does not have its kind")?;
        }
    }
    let vaccination = VaccinationRule {
        products: some(table, &keys::FOREIGN_PRODUCTS, "all", |name| Some(Product::of(name)))?,
        complete: table.take(&keys::FOREIGN_DOSES_COMPLETE).map_or(Ok(true), |entry| entry.flag())?,
        days: days(table, &keys::FOREIGN_VACCINATION_FROM_D, 14, &keys::FOREIGN_VACCINATION_UNTIL_D, None)?,
    };
    let hours = |table: &mut Table<'_>, key, default| {
        number::<u32>(table, key, &limits::FOREIGN_TEST_AGE_H, default).map(|hours| hours * 3600)
    };
    let at = table.offset_of(&keys::FOREIGN_NAAT_AGE_MAX_H);
    let test = ForeignTestRule {
        naat_s_max: hours(table, &keys::FOREIGN_NAAT_AGE_MAX_H, 72)?,
        rapid_s_max: hours(table, &keys::FOREIGN_RAPID_AGE_MAX_H, 0)?,
    };
    if kinds & TEST != 0 && test.naat_s_max == 0 && test.rapid_s_max == 0 {
        let what = "is 0 as foreign_rapid_age_max_h is, so no test could pass";
        let mend = "write hours, or take \"test\" out of foreign_kinds";
        return Err(Fault::new(at, keys::FOREIGN_NAAT_AGE_MAX_H.name, what, mend));
    }
    let recovery =
        days(table, &keys::FOREIGN_RECOVERY_FROM_D, 11, &keys::FOREIGN_RECOVERY_UNTIL_D, Some(180))?;
    Ok(Some(Box::new(ForeignRule {
        countries: some(table, &keys::FOREIGN_COUNTRIES, "all-trusted", Country::of)?,
        vaccination: (kinds & VACCINATION != 0).then_some(vaccination),
        test: (kinds & TEST != 0).then_some(test),
        recovery: (kinds & RECOVERY != 0).then_some(recovery),
        on_not_enough: otherwise(table, &keys::ON_FOREIGN_NOT_ENOUGH, Otherwise::Refuse)?,
    })))
}

/// Refuses keys that are written and change nothing.
fn without_effect(table: &mut Table<'_>, keys: &[&'static Key], why: &str) -> Result<(), Fault> {
    keys.iter().find_map(|key| table.take(key)).map_or(Ok(()), |entry| {
        let mend = "remove this key, or accept what it speaks of";
        Err(entry.fault(format!("has no effect, because {why}"), mend))
    })
}

/// A list, or the word for everything.
fn some<T: PartialEq>(
    table: &mut Table<'_>,
    key: &'static Key,
    everything: &'static str,
    read: impl Fn(&str) -> Option<T>,
) -> Result<Option<Vec<T>>, Fault> {
    let Some(entry) = table.take(key) else { return Ok(None) };
    if entry.is_text() {
        if entry.text()? == everything {
            return Ok(None);
        }
        return Err(entry.fault("has no meaning here", format!("write \"{everything}\", or a list")));
    }
    let empty = entry.fault("is empty, so no certificate could pass", format!("write \"{everything}\""));
    let listed = entry.list(|member| {
        let text = member.text()?;
        read(&text).ok_or_else(|| member.fault("is no country", "write two letters of upper case, as \"FR\""))
    })?;
    if listed.is_empty() { Err(empty) } else { Ok(Some(listed)) }
}

/// From when on, and until when, something counts.
fn days(
    table: &mut Table<'_>,
    from: &'static Key,
    from_default: u32,
    until: &'static Key,
    until_default: Option<u32>,
) -> Result<Days, Fault> {
    let at = table.offset_of(until);
    let from_d = number(table, from, &limits::FOREIGN_AGE_D, from_default)?;
    let until_d = table.take(until).map(|entry| entry.number(&limits::FOREIGN_AGE_D)).transpose()?;
    let until_d = until_d.or(until_default);
    if until_d.is_some_and(|until_d| until_d < from_d) {
        let mend = format!("write at least {from_d}, or a smaller {}", from.name);
        return Err(Fault::new(at, until.name, format!("is before {}", from.name), mend));
    }
    Ok(Days { from: from_d, until: until_d })
}
