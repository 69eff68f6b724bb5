//! What a registry says: ends of chains, proposals, brakes, appeals, names of sites and devices. Everything is read; nothing
//! here can sign or change.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hufu_contract::{AppealFigures, Brake, Issuer, Proposal, ProposalId, ProposalPhase, Tip};
use hufu_upstream::{Api, WhichProposals};
use hufu_wire::{DeviceId, IssuerId, UnixMillis};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::engine::{EVERY, Heard};

/// How long one round of questions may take.
const ROUND: Duration = Duration::from_secs(5);

/// How often proposals and appeals are asked for, and how often names.
const PROPOSALS: Duration = Duration::from_secs(5);
const NAMES: Duration = Duration::from_secs(60);

/// Open proposals of an issuer that are read.
const PROPOSALS_MAX: u32 = 100;

/// Issuers of a registry that are asked about.
const ISSUERS_MAX: usize = 64;

/// Time that appeals are counted over.
const APPEALS: Duration = Duration::from_secs(30 * 86_400);

/// Devices whose names are kept.
const DEVICES_MAX: usize = 20_000;

/// Devices that are asked for at once: as many as a registry gives.
const PAGE: u32 = 1000;

/// What a registry said. What the token may not see is absent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    pub(crate) version: String,
    pub(crate) issuers: BTreeMap<u32, IssuerTold>,
    pub(crate) sites: Option<BTreeMap<u32, String>>,
    pub(crate) devices: Option<BTreeMap<u32, DeviceTold>>,
}

/// What it said of one issuer.
#[derive(Clone, Debug)]
pub(crate) struct IssuerTold {
    pub(crate) name: String,
    pub(crate) brake: Brake,
    pub(crate) tip: Option<Tip>,
    pub(crate) proposals: Option<Vec<Proposal>>,
    pub(crate) appeals: Option<AppealFigures>,
}

/// A device as it is registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeviceTold {
    pub(crate) name: String,
    pub(crate) site: u32,
    pub(crate) is_revoked: bool,
}

/// Asks a registry for ever.
pub(crate) async fn follow(api: Api, told: watch::Sender<Heard<Told>>) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut last, mut slow, mut names) = (Told::default(), None::<Instant>, None::<Instant>);
    loop {
        ticks.tick().await;
        let is_due = |at: Option<Instant>, every| at.is_none_or(|at: Instant| at.elapsed() >= every);
        let (with_proposals, with_names) = (is_due(slow, PROPOSALS), is_due(names, NAMES));
        let round = timeout(ROUND, ask(&api, last.clone(), with_proposals, with_names)).await.ok().flatten();
        if let Some(now) = &round {
            let at = Instant::now();
            slow = if with_proposals { Some(at) } else { slow };
            names = if with_names { Some(at) } else { names };
            last = now.clone();
        } else {
            // What it said before counts for nothing.
            (last, slow, names) = (Told::default(), None, None);
        }
        Heard::put(&told, round);
    }
}

/// One round. `None`: it does not answer.
async fn ask(api: &Api, mut told: Told, with_proposals: bool, with_names: bool) -> Option<Told> {
    let health = api.health().await.ok()?;
    told.version = health.version.chars().take(32).collect();
    let issuers = api.issuers().await.map(|issuers| issuers.issuers).unwrap_or_default();
    let before = std::mem::take(&mut told.issuers);
    for Issuer { id, name, brake, .. } in issuers.into_iter().take(ISSUERS_MAX) {
        let issuer = IssuerId(id);
        let tip = api.tip(issuer).await.ok();
        let (mut proposals, mut appeals) =
            before.get(&id).map(|last| (last.proposals.clone(), last.appeals.clone())).unwrap_or_default();
        if with_proposals {
            proposals = open_proposals(api, issuer).await;
            let from = UnixMillis(health.now_ms.saturating_sub(APPEALS.as_millis().try_into().unwrap_or(0)));
            appeals = api.appeal_figures(issuer, [Some(from), None]).await.ok();
        }
        told.issuers.insert(id, IssuerTold { name, brake, tip, proposals, appeals });
    }
    if with_names {
        let sites = api.sites().await.ok();
        told.sites = sites.map(|sites| sites.sites.into_iter().map(|site| (site.id, site.name)).collect());
        told.devices = devices(api).await;
    }
    Some(told)
}

/// Every device, a page at a time.
async fn devices(api: &Api) -> Option<BTreeMap<u32, DeviceTold>> {
    let mut all = BTreeMap::new();
    let mut after = DeviceId(0);
    loop {
        let page = api.devices_after(after, PAGE).await.ok()?.devices;
        let Some(last) = page.last() else { return Some(all) };
        after = DeviceId(last.id);
        let told = page.into_iter().map(|device| {
            let is_revoked = device.revoked_ms.is_some();
            (device.id, DeviceTold { name: device.name, site: device.site, is_revoked })
        });
        all.extend(told);
        if all.len() >= DEVICES_MAX {
            return Some(all);
        }
    }
}

async fn open_proposals(api: &Api, issuer: IssuerId) -> Option<Vec<Proposal>> {
    let mut open = Vec::new();
    for state in [ProposalPhase::Braked, ProposalPhase::Pending] {
        let which = WhichProposals { state: Some(state), ..WhichProposals::default() };
        open.extend(api.proposals(issuer, which, ProposalId(0), PROPOSALS_MAX).await.ok()?.proposals);
    }
    Some(open)
}
