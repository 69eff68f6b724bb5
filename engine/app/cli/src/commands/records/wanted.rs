//! Which records are asked for. There is no query by holder: nothing here names one.

use std::fmt;

use anyhow::{anyhow, ensure};
use clap::Args;
use hufu_files::moment::{self, Clock, Moment};
use hufu_records::Row;
use hufu_wire::{DeviceId, Reason, SiteId, UnixSeconds};
use serde::{Deserialize, Serialize};

/// Which records are wanted. None of it is a holder.
#[derive(Debug, Args)]
pub(crate) struct Wanted {
    /// Of this site alone
    #[arg(long, value_name = "SITE")]
    site: Option<u32>,
    /// Of this device alone
    #[arg(long, value_name = "DEVICE")]
    device: Option<u32>,
    /// With this reason alone, such as `clear` or `status-red`
    #[arg(long, value_name = "REASON")]
    reason: Option<String>,
    /// From this time on
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    from: Option<Moment>,
    /// Before this time
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    to: Option<Moment>,
}

/// The same, read. It stands in the trail.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Filter {
    pub(super) site: Option<u32>,
    pub(super) device: Option<u32>,
    pub(super) reason: Option<String>,
    /// Unix time, seconds.
    pub(super) from: Option<u32>,
    /// Unix time, seconds; not itself.
    pub(super) to: Option<u32>,
}

impl Wanted {
    pub(super) fn read(&self) -> anyhow::Result<Filter> {
        let Wanted { site, device, reason, from, to } = self;
        if let Some(reason) = reason {
            let is_known = Reason::ALL.iter().any(|known| known.slug() == reason);
            let all = || Reason::ALL.map(Reason::slug).join(", ");
            ensure!(is_known, "--reason {reason}: unknown reason; expected one of {}", all());
        }
        let clock = Clock::here();
        let at = |name, moment: &Option<Moment>| {
            let at = moment.map(|moment| clock.any(moment)).transpose();
            at.map(|at| at.map(|UnixSeconds(s)| s)).map_err(|why| anyhow!("{name}: {why:#}"))
        };
        let (from, to) = (at("--from", from)?, at("--to", to)?);
        if let Some((from, to)) = from.zip(to) {
            ensure!(from < to, "--from is not before --to: no record lies between");
        }
        Ok(Filter { site: *site, device: *device, reason: reason.clone(), from, to })
    }
}

impl Filter {
    pub(super) fn is(&self, row: &Row) -> bool {
        let Filter { site, device, reason, from, to } = self;
        let UnixSeconds(time) = row.time().seconds();
        site.is_none_or(|site| row.site == SiteId(site))
            && device.is_none_or(|device| row.device == DeviceId(device))
            && reason.as_deref().is_none_or(|reason| row.reason().slug() == reason)
            && from.is_none_or(|from| from <= time)
            && to.is_none_or(|to| time < to)
    }

    /// Whether the difference of two counts can be that of one check: what narrows is not a column of the counts.
    pub(super) fn can_single_out(&self) -> bool {
        self.device.is_some() || self.from.is_some() || self.to.is_some()
    }
}

impl fmt::Display for Filter {
    /// As in ` site 310101 reason red`; nothing when all are wanted.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Filter { site, device, reason, from, to } = self;
        let time = |time: &Option<u32>| time.map(|time| moment::show(UnixSeconds(time)));
        let number = |number: &Option<u32>| number.map(|number| number.to_string());
        let parts = [
            ("site", number(site)),
            ("device", number(device)),
            ("reason", reason.clone()),
            ("from", time(from)),
            ("to", time(to)),
        ];
        parts.iter().try_for_each(|(name, value)| match value {
            Some(value) => write!(f, " {name} {value}"),
            None => Ok(()),
        })
    }
}
