//! What a registry says: ends of chains, proposals, brakes, appeals, names of sites and devices. Everything is read; nothing
//! here can sign or change.

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{join, join3};
use futures_util::stream::iter;
use futures_util::{Stream, StreamExt as _};
use hufu_contract::{AppealFigures, Brake, Health, Issuer, Proposal, ProposalId, ProposalPhase, Tip};
use hufu_upstream::{Api, ApiFault, WhichProposals};
use hufu_wire::{DeviceId, IssuerId, UnixMillis};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout, timeout_at};

use crate::engine::{EVERY, Heard, TRY};

/// How long one round of questions may take, beside the first.
const ROUND: Duration = Duration::from_secs(5);

/// Issuers that are asked about side by side.
const SIDE_BY_SIDE: usize = 8;

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

/// Asks a registry for ever. It is silent where it does not say that it is well; what is asked beside that may be late.
pub(crate) async fn follow(api: Api, told: watch::Sender<Heard<Told>>) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut last, mut slow, mut names) = (Told::default(), None::<Instant>, None::<Instant>);
    loop {
        ticks.tick().await;
        let health = timeout(TRY, api.health()).await;
        let Ok(Ok(health)) = health else {
            // What it said before counts for nothing.
            (last, slow, names) = (Told::default(), None, None);
            Heard::put(&told, None);
            continue;
        };
        let is_due = |at: Option<Instant>, every| at.is_none_or(|at: Instant| at.elapsed() >= every);
        let due = Due { proposals: is_due(slow, PROPOSALS), names: is_due(names, NAMES) };
        let has_names = ask(&api, &mut last, &health, due, Instant::now() + ROUND).await;
        let now = Some(Instant::now());
        slow = if due.proposals { now } else { slow };
        names = if has_names { now } else { names };
        Heard::put(&told, Some(last.clone()));
    }
}

/// What a round asks for beside ends of chains.
#[derive(Clone, Copy)]
struct Due {
    proposals: bool,
    names: bool,
}

/// One round, until then at the latest. What is not answered stays as it was told before. Whether names were answered.
async fn ask(api: &Api, told: &mut Told, health: &Health, due: Due, until: Instant) -> bool {
    told.version = health.version.chars().take(32).collect();
    match timeout_at(until, api.issuers()).await {
        Ok(Ok(listed)) => {
            let mut before = std::mem::take(&mut told.issuers);
            let listed = listed.issuers.into_iter().take(ISSUERS_MAX);
            told.issuers =
                listed.map(|issuer| (issuer.id, named(&issuer, before.remove(&issuer.id)))).collect();
        }
        Ok(Err(fault)) if fault.problem().is_some() => told.issuers.clear(),
        _ => {}
    }
    let from = UnixMillis(health.now_ms.saturating_sub(APPEALS.as_millis().try_into().unwrap_or(0)));
    let ids: Vec<u32> = told.issuers.keys().copied().collect();
    let tips = iter(ids.clone()).map(|id| async move { (id, api.tip(IssuerId(id)).await) });
    let slow = iter(if due.proposals { ids } else { Vec::new() }).map(|id| async move {
        let issuer = IssuerId(id);
        (id, open_proposals(api, issuer).await, api.appeal_figures(issuer, [Some(from), None]).await)
    });
    let names = async {
        if due.names { timeout_at(until, join(api.sites(), devices(api))).await.ok() } else { None }
    };
    let (tips, slow, names) = join3(
        gather(tips.buffer_unordered(SIDE_BY_SIDE), until),
        gather(slow.buffer_unordered(SIDE_BY_SIDE), until),
        names,
    )
    .await;
    for (id, tip) in tips {
        if let Some(issuer) = told.issuers.get_mut(&id) {
            issuer.tip = or_known(tip, issuer.tip.take());
        }
    }
    for (id, proposals, appeals) in slow {
        if let Some(issuer) = told.issuers.get_mut(&id) {
            issuer.proposals = or_known(proposals, issuer.proposals.take());
            issuer.appeals = or_known(appeals, issuer.appeals.take());
        }
    }
    let Some((sites, devices)) = names else { return false };
    let sites = sites.map(|sites| sites.sites.into_iter().map(|site| (site.id, site.name)).collect());
    told.sites = or_known(sites, told.sites.take());
    told.devices = or_known(devices, told.devices.take());
    true
}

/// An issuer as it is listed, with what was told of it before.
fn named(Issuer { name, brake, .. }: &Issuer, known: Option<IssuerTold>) -> IssuerTold {
    let (name, brake) = (name.clone(), *brake);
    match known {
        Some(known) => IssuerTold { name, brake, ..known },
        None => IssuerTold { name, brake, tip: None, proposals: None, appeals: None },
    }
}

/// The answers that are there by then.
async fn gather<T>(answers: impl Stream<Item = T>, until: Instant) -> Vec<T> {
    let (mut answers, mut there) = (pin!(answers), Vec::new());
    while let Ok(Some(answer)) = timeout_at(until, answers.next()).await {
        there.push(answer);
    }
    there
}

/// What was answered; nothing where the registry refuses it; what was known where it did not answer.
fn or_known<T>(answer: Result<T, ApiFault>, known: Option<T>) -> Option<T> {
    match answer {
        Ok(told) => Some(told),
        Err(fault) if fault.problem().is_some() => None,
        Err(_) => known,
    }
}

/// Every device, a page at a time.
async fn devices(api: &Api) -> Result<BTreeMap<u32, DeviceTold>, ApiFault> {
    let mut all = BTreeMap::new();
    let mut after = DeviceId(0);
    loop {
        let page = api.devices_after(after, PAGE).await?.devices;
        let Some(last) = page.last() else { return Ok(all) };
        after = DeviceId(last.id);
        let told = page.into_iter().map(|device| {
            let is_revoked = device.revoked_ms.is_some();
            (device.id, DeviceTold { name: device.name, site: device.site, is_revoked })
        });
        all.extend(told);
        if all.len() >= DEVICES_MAX {
            return Ok(all);
        }
    }
}

async fn open_proposals(api: &Api, issuer: IssuerId) -> Result<Vec<Proposal>, ApiFault> {
    let mut open = Vec::new();
    for state in [ProposalPhase::Braked, ProposalPhase::Pending] {
        let which = WhichProposals { state: Some(state), ..WhichProposals::default() };
        open.extend(api.proposals(issuer, which, ProposalId(0), PROPOSALS_MAX).await?.proposals);
    }
    Ok(open)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hufu_upstream::ApiOptions;
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    /// A registry that says that it is well, and has a fault in everything else.
    fn only_well() -> Api {
        let door = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", door.local_addr().unwrap());
        std::thread::spawn(move || {
            for caller in door.incoming() {
                std::thread::spawn(move || {
                    let (mut caller, mut asked) = (caller.unwrap(), [0; 4096]);
                    let length = caller.read(&mut asked).unwrap_or(0);
                    let is_health = asked[..length].windows(7).any(|word| word == b"/health");
                    let well = r#"{"status":"ok","version":"7","now_ms":1}"#;
                    let (status, said) = if is_health { (200, well) } else { (500, "a fault") };
                    let head =
                        format!("HTTP/1.1 {status} -\r\ncontent-type: application/json\r\nconnection: close");
                    _ = write!(caller, "{head}\r\ncontent-length: {}\r\n\r\n{said}", said.len());
                });
            }
        });
        Api::open(&ApiOptions { url, token: None, ca: None }).unwrap()
    }

    #[test]
    fn a_registry_that_is_well_is_not_silent_and_keeps_what_it_said_where_it_does_not_answer() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let api = only_well();
            let (tell, mut heard) = watch::channel(Heard::silent());
            let following = tokio::spawn(follow(api.clone(), tell));
            heard.changed().await.unwrap();
            assert_eq!(heard.borrow().figures().unwrap().version, "7");
            following.abort();

            let known = IssuerTold {
                name: "Shanghai".to_owned(),
                brake: Brake { share_permille: 10, window_s: 3600, free: 100 },
                tip: None,
                proposals: Some(Vec::new()),
                appeals: None,
            };
            let mut told = Told { sites: Some([(7, "school".to_owned())].into()), ..Told::default() };
            told.issuers.insert(310_000, known);
            let health = api.health().await.unwrap();
            let due = Due { proposals: true, names: true };
            for until in [Instant::now() + ROUND, Instant::now()] {
                ask(&api, &mut told, &health, due, until).await;
                assert!(told.issuers[&310_000].proposals.is_some() && told.sites.is_some());
            }
        });
    }
}
