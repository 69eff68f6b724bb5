//! Whether an engine's statuses are fit to answer with: loaded, and not older than its sites allow.

use std::time::Duration;

use hufu_policy::Sites;
use hufu_table::{AsOf, Reader};
use hufu_wire::{Age, IssuerId, Sequence, UnixMillis};

/// Appends why the statuses are not fit, one line a cause.
pub(super) fn of_statuses(table: &Reader, sites: &Sites, now: UnixMillis, why: &mut Vec<String>) {
    let heads: Vec<_> = table.issuers().map(|(issuer, slot)| (issuer, table.as_of(slot))).collect();
    if heads.is_empty() {
        why.push("no issuer's status is loaded".to_owned());
    }
    for (issuer, head) in &heads {
        // A chain that is known to be empty is as loaded as it can be.
        if head.sequence == Sequence(0) && head.heard.is_none() {
            why.push(format!("issuer {issuer}: its status has never been loaded"));
        } else {
            why.extend(beyond_every_site(*issuer, head, sites, now));
        }
    }
}

/// Why an issuer's data is of no use: every site that recognises the issuer wants younger data.
fn beyond_every_site(issuer: IssuerId, head: &AsOf, sites: &Sites, now: UnixMillis) -> Option<String> {
    let recognising = sites.iter().filter(|site| site.issuers.recognise(issuer));
    let longest_ms = recognising.map(|site| site.staleness_ms_max).max()?;
    let longest_s = Duration::from_millis(longest_ms.into()).as_secs_f64();
    match head.heard.map_or(Age::Unknown, |heard| Age::between(heard, now)) {
        Age::Millis(age_ms) if age_ms <= longest_ms => None,
        Age::Millis(age_ms) => Some(format!(
            "issuer {issuer}: its data is {:.1} s old, and no site takes data older than {longest_s:.1} s",
            Duration::from_millis(age_ms.into()).as_secs_f64()
        )),
        Age::Unknown => Some(format!("issuer {issuer}: the age of its data is unknown")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_790_000_000_000);

    fn sites() -> Sites {
        let text = "[[site]]\nid = 1\nname = 'A'\nissuers = [7]\nstaleness_ms_max = 60000\n\
                    [[site]]\nid = 2\nname = 'B'\nissuers = [7, 8]\nstaleness_ms_max = 90000\n";
        Sites::parse(text, "sites.toml").unwrap()
    }

    fn said(issuer: u32, heard: Option<UnixMillis>) -> String {
        let head = AsOf { sequence: Sequence(3), heard };
        beyond_every_site(IssuerId(issuer), &head, &sites(), NOW).unwrap_or_default()
    }

    #[test]
    fn a9_data_beyond_every_sites_limit_is_not_ready() {
        let ago = |ms: u64| Some(UnixMillis(NOW.0 - ms));
        assert_eq!(said(7, ago(0)), "");
        assert_eq!(said(7, ago(90_000)), "", "one site still takes it");
        assert_eq!(
            said(7, ago(90_001)),
            "issuer 7: its data is 90.0 s old, and no site takes data older than 90.0 s"
        );
        assert_eq!(said(8, ago(90_000)), "");
        assert!(said(8, ago(3_600_000)).contains("3600.0 s old"));
        assert!(said(7, None).contains("is unknown"));
        assert!(said(7, Some(UnixMillis(NOW.0 + 60_000))).contains("is unknown"), "a clock that is ahead");
        assert_eq!(said(9, ago(3_600_000)), "", "no site asks for it");
    }
}
